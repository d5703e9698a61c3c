// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError, decodeAnswer } from './decode-result.ts';

const answer = (resultType: string, result: unknown, more: object = {}): string =>
  JSON.stringify({ status: 'success', data: { resultType, result, ...more } });

test('a matrix becomes columns', () => {
  const { result } = decodeAnswer(
    answer('matrix', [
      {
        metric: { __name__: 'up', job: 'a "b" \\ \n é' },
        values: [
          [1700000000.123, '1.5'],
          [1700000015, '-2e+09'],
          [1700000030.5, 'NaN'],
          [1700000045, '+Inf'],
          [1700000060, '-Inf'],
          [1700000075, '0.30000000000000004'],
          [1700000090, '-0'],
        ],
      },
      { metric: {}, histograms: [[1, { count: '2', sum: '3', buckets: [[0, '1', '2', '2']] }]] },
    ]),
  );
  if (result.type !== 'matrix') throw new Error(result.type);
  const [first, second] = result.series;
  expect(first?.metric).toEqual({ __name__: 'up', job: 'a "b" \\ \n é' });
  expect(first?.times).toEqual(
    Float64Array.of(
      1700000000123,
      1700000015000,
      1700000030500,
      1700000045000,
      1700000060000,
      1700000075000,
      1700000090000,
    ),
  );
  expect(first?.values).toEqual(
    Float64Array.of(1.5, -2e9, Number.NaN, Infinity, -Infinity, 0.30000000000000004, -0),
  );
  expect(second?.values.length).toBe(0);
  expect(second?.histograms).toEqual([
    [1, { count: '2', sum: '3', buckets: [[0, '1', '2', '2']] }],
  ]);
});

test('labels may be called values, metric and __proto__', () => {
  const metric = '{"values":"x","metric":"y","__proto__":"z"}';
  const text = `{"status":"success","data":{"resultType":"vector","result":[{"metric":${metric},"value":[1,"2"]}]}}`;
  const { result } = decodeAnswer(text);
  if (result.type !== 'vector') throw new Error(result.type);
  expect(Object.entries(result.samples[0]?.metric ?? {})).toEqual([
    ['values', 'x'],
    ['metric', 'y'],
    ['__proto__', 'z'],
  ]);
});

test('vector, scalar, string, notices and statistics', () => {
  const histogram = { count: '1', sum: '2' };
  const vector = decodeAnswer(
    answer('vector', [
      { metric: { a: 'b' }, value: [1.5, '1e+21'] },
      { metric: {}, histogram: [2, histogram] },
    ]),
  ).result;
  expect(vector).toEqual({
    type: 'vector',
    samples: [
      { metric: { a: 'b' }, timeMs: 1500, value: '1e+21', histogram: undefined },
      { metric: {}, timeMs: 2000, value: undefined, histogram },
    ],
  });
  const scalar = { type: 'scalar', timeMs: 1000, value: '5' };
  expect(decodeAnswer(answer('scalar', [1, '5'])).result).toEqual(scalar);
  const text = `{"status":"success","data":{"resultType":"string","result":[1,"a\\"b"],"stats":{"samples":{"peakSamples":3}}},"warnings":["w"],"infos":["i"]}\n`;
  expect(decodeAnswer(text)).toMatchObject({
    result: { type: 'string', value: 'a"b' },
    warnings: ['w'],
    infos: ['i'],
    stats: { samples: { peakSamples: 3 } },
  });
});

test('any number comes out as it went in', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })), (numbers) => {
      const values = numbers.map((value, i) => [i, String(value)]);
      const { result } = decodeAnswer(answer('matrix', [{ metric: {}, values }]));
      if (result.type !== 'matrix') throw new Error(result.type);
      expect([...(result.series[0]?.values ?? [])]).toEqual(numbers.map((n) => Number(String(n))));
    }),
  );
});

describe('what is no answer', () => {
  const good = answer('matrix', [{ metric: { a: 'b' }, values: [[1, '2']] }]);
  test('cut anywhere', () => {
    for (let end = 0; end < good.length; end++)
      expect(() => decodeAnswer(good.slice(0, end))).toThrow(DecodeError);
  });
  const bad = (text: string): void =>
    test(`rejects ${text.slice(0, 60)}`, () =>
      expect(() => decodeAnswer(text)).toThrow(DecodeError));
  bad('null');
  bad('<html>');
  bad('{}');
  bad(`${good}x`);
  bad('['.repeat(100_000));
  bad(answer('table', []));
  bad(answer('matrix', [{ metric: {}, values: [[1, 'x']] }]));
});
