// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { seededPrng } from '../base/index.ts';
import { FLOAT_ROW_POINTS_MAX, FloatRows, sampleText } from './float-rows.ts';

const rows = new FloatRows();

/** Texts of rows of at most `FLOAT_ROW_POINTS_MAX` values. */
const textOf = (values: readonly number[]): string[] => {
  const texts: string[] = [];
  for (let start = 0; start < values.length; start += FLOAT_ROW_POINTS_MAX) {
    const part = values.slice(start, start + FLOAT_ROW_POINTS_MAX);
    rows.begin(part.length, () => '');
    const out = new Uint8Array(rows.rowBytesMax);
    const present = new Uint8Array(part.length).fill(1);
    const n = rows.write(Float64Array.from(part), present, 0, out, 0);
    const text = new TextDecoder().decode(out.subarray(0, n));
    for (const one of text.split(',')) texts.push(one.slice(0, -2));
  }
  return texts;
};

test('numbers have the text that Go gives them', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [100, '100'],
    [0.1, '0.1'],
    [0.000001, '0.000001'],
    [1e-7, '1e-07'],
    [1.234e-7, '1.234e-07'],
    [1e20, '100000000000000000000'],
    [123456789012345680000, '123456789012345680000'],
    [1e21, '1e+21'],
    [1.5e300, '1.5e+300'],
    [5e-324, '5e-324'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [0.06666666666666667, '0.06666666666666667'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ];
  expect(textOf(cases.map(([value]) => value))).toEqual(cases.map(([, text]) => text));
  expect(cases.map(([value]) => sampleText(value))).toEqual(cases.map(([, text]) => text));
});

test('every power of two and its neighbours, every power of ten', () => {
  const values: number[] = [];
  const bits = new DataView(new ArrayBuffer(8));
  for (let e = 0; e < 2047; e++) {
    for (const low of [0, 1, 0xffffffff]) {
      bits.setUint32(0, e * 0x100000 + (low === 0xffffffff ? 0xfffff : 0));
      bits.setUint32(4, low);
      values.push(bits.getFloat64(0));
    }
  }
  for (let e = -323; e <= 308; e++) values.push(Number(`1e${e}`), Number(`9.5e${e}`));
  expect(textOf(values)).toEqual(values.map(sampleText));
});

test('random numbers of all kinds have the same text as their twin gives', () => {
  const prng = seededPrng(7);
  const bits = new DataView(new ArrayBuffer(8));
  const values: number[] = [];
  for (let i = 0; i < 60_000; i++) {
    bits.setUint32(0, prng.below(2 ** 32));
    bits.setUint32(4, prng.below(2 ** 32));
    values.push(bits.getFloat64(0));
    values.push(prng.next() * 1000, prng.below(1e6) / 100, prng.below(2 ** 40), prng.next() / 1e5);
  }
  const texts = textOf(values);
  values.forEach((value, i) => {
    if (texts[i] !== sampleText(value))
      expect([value, texts[i]]).toEqual([value, sampleText(value)]);
  });
});

test('absent cells are left out, prefixes stand in front of the others', () => {
  const prefixes = ['[1,"', '[2.500,"', '[-3,"'];
  rows.begin(3, (k) => prefixes[k] ?? '');
  const out = new Uint8Array(rows.rowBytesMax);
  const values = Float64Array.of(9, 1, 2, 3);
  const n = rows.write(values, Uint8Array.of(1, 1, 0, 1), 1, out, 0);
  expect(new TextDecoder().decode(out.subarray(0, n))).toBe('[1,"1"],[-3,"3"]');
});
