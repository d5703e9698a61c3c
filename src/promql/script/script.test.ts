// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { CounterResetHint, formatTestHistogram } from '../../model/index.ts';
import { MemoryStorage } from '../../storage/index.ts';
import { Engine } from '../engine/engine.ts';
import { evaluateCommand } from './evaluate.ts';
import { addSeries } from './load.ts';
import { parseScript, ScriptError } from './script.ts';
import { parseMetric, parseSequence, parseSeriesDescription } from './sequence.ts';
import { parseStartTimesLine } from './start-times.ts';

/** Values as short texts. */
const shown = (text: string): string[] =>
  parseSequence(text).map((value) =>
    value.kind === 'float'
      ? String(value.value)
      : value.kind === 'histogram'
        ? formatTestHistogram(value.histogram)
        : value.kind === 'omitted'
          ? '_'
          : 'stale',
  );

describe('sequences', () => {
  const ok = (text: string, ...values: string[]) =>
    test(`reads ${text}`, () => expect(shown(text)).toEqual(values));
  const bad = (text: string, message: string) =>
    test(`rejects ${text}`, () => expect(() => parseSequence(text)).toThrow(message));

  ok('');
  ok('1 -2 +3 1e3 .5 1_000', '1', '-2', '3', '1000', '0.5', '1000');
  ok('Inf -inf NaN', 'Infinity', '-Infinity', 'NaN');
  ok('1m 1h30m', '60', '5400');
  ok('0x3 1x0', '0', '0', '0', '0', '1');
  ok('1+2x3', '1', '3', '5', '7');
  ok('1-2x2', '1', '-1', '-3');
  ok('_ _x2 stale 5', '_', '_', '_', 'stale', '5');
  ok('{{}} {{ }}', '{{}}', '{{}}');
  ok(
    '{{schema:1 count:3 sum:-5.5 z_bucket:1 z_bucket_w:0.01 offset:-2 buckets:[1 1] n_buckets:[2]}}',
    '{{schema:1 count:3 sum:-5.5 z_bucket:1 z_bucket_w:0.01 offset:-2 buckets:[1 1] n_buckets:[2]}}',
  );
  ok('{{count:1 buckets:[1]}}x1', '{{count:1 buckets:[1]}}', '{{count:1 buckets:[1]}}');
  ok(
    '{{count:1 buckets:[1]}}+{{count:2 buckets:[2]}}x2',
    '{{count:1 buckets:[1]}}',
    '{{count:3 buckets:[3]}}',
    '{{count:5 buckets:[5]}}',
  );
  ok(
    '{{schema:-53 count:1 custom_values:[1 2.5] buckets:[0 1]}}',
    '{{schema:-53 count:1 custom_values:[1 2.5] offset:1 buckets:[1]}}',
  );
  bad('1 x', 'unexpected "x" in series values, expected number or "stale"');
  bad('stalex3', 'unexpected "s" in series values');
  bad('1+2', 'unexpected end of input in series values');
  bad('1x', 'unexpected "x" in series values');
  bad('1x99999999', 'a series cannot have more than 1000000 values');
  bad('_x600000 1x600000', 'a series cannot have more than 1000000 values');
  bad('{{count:1', 'histogram description incomplete');
  bad('{{count:x}}', 'error parsing count number: x');
  bad('{{schema:1.5}}', 'error parsing schema number: 1.5');
  bad('{{count:1 count:2}}', 'duplicate key "count" in histogram');
  bad('{{buckets:[1 x]}}', 'error parsing buckets float array: [1 x]');
  bad('{{nothing:1}}', 'bad histogram descriptor found: "nothing"');
  bad('{{counter_reset_hint:maybe}}', 'error parsing counter_reset_hint: maybe');
  bad('{{schema:2}}+{{schema:1}}x1', 'error combining histograms: cannot merge from schema 1 to 2');

  test('know their hints', () => {
    const [value] = parseSequence('{{counter_reset_hint:gauge}}');
    expect(value?.kind === 'histogram' && value.hintSet).toBe(true);
    expect(value?.kind === 'histogram' && value.histogram.counterResetHint).toBe(
      CounterResetHint.gauge,
    );
  });
});

describe('series', () => {
  test('have names and labels', () => {
    expect(parseSeriesDescription(' a:b{c="d", "e f"=\'g\'}  1 2').labels).toEqual([
      { name: '__name__', value: 'a:b' },
      { name: 'c', value: 'd' },
      { name: 'e f', value: 'g' },
    ]);
    expect(parseMetric('{"my.metric", a="b"}')).toEqual([
      { name: '__name__', value: 'my.metric' },
      { name: 'a', value: 'b' },
    ]);
    expect(parseMetric('sum{}')).toEqual([{ name: '__name__', value: 'sum' }]);
    expect(parseSeriesDescription('{} 1').labels).toEqual([]);
  });
  const bad = (text: string, message: string) =>
    test(`reject ${text}`, () => expect(() => parseSeriesDescription(text)).toThrow(message));
  bad('{a} 1', '1:3: parse error: unexpected "}" in label set, expected "="');
  bad('{a=1} 1', "1:4: parse error: unexpected character inside braces: '1'");
  bad('{a=b} 1', '1:4: parse error: unexpected identifier "b" in label set, expected string');
  bad(
    '{a="b" c="d"} 1',
    '1:8: parse error: unexpected identifier "c" in label set, expected "," or "}"',
  );
  bad('a{b="c"}1', '1:9: parse error: unexpected "1" in series values');
  bad('1 2', '1:1: parse error: unexpected number "1"');
});

describe('start timestamps', () => {
  const ok = (line: string, metric: string, ...offsets: (number | undefined)[]) =>
    test(`reads ${line}`, () => expect(parseStartTimesLine(line)).toEqual({ metric, offsets }));
  ok('a{b="c"}@st _ -1m', 'a{b="c"}', undefined, -60_000);
  ok('@st _x2 30s', '', undefined, undefined, 30_000);
  ok('m@st -30s-1mx2', 'm', -30_000, -90_000, -150_000);
  ok('m@st -1s+500msx1 * *x1', 'm', -1000, -500, -500, -500, -500);
  ok('m@st -1mx1', 'm', -60_000, -60_000);
  test('are not on other lines', () => expect(parseStartTimesLine('m 1 2')).toBeUndefined());
  const bad = (line: string, message: string) =>
    test(`rejects ${line}`, () => expect(() => parseStartTimesLine(line)).toThrow(message));
  bad('m@st 5', 'invalid duration');
  bad('m@st -1m-1m', 'invalid ST item');
  bad('m@st -1mx9999999', 'more than 1000000 start timestamps');
});

const engine = new Engine({ lookbackDeltaMs: 300_000, maxSamples: 10_000, defaultStepMs: 60_000 });

/** What every evaluation of a script says. */
function run(script: string): (string | undefined)[] {
  let storage = new MemoryStorage();
  const said: (string | undefined)[] = [];
  for (const command of parseScript(script)) {
    if (command.kind === 'clear') storage = new MemoryStorage();
    else if (command.kind === 'load') {
      const { intervalMs } = command;
      for (const one of command.series) addSeries(storage, one, { startMs: 0, intervalMs });
    } else said.push(evaluateCommand(engine, storage, command));
  }
  return said;
}

const LOAD = 'load 1m\n  x{a="1"} 0+1x10\n  x{a="2"} 0+2x10\n  h{le="1"} 0+1x10\n\n';

describe('evaluations that are as expected', () => {
  const passes = (evaluation: string) =>
    test(evaluation, () => expect(run(LOAD + evaluation)).toEqual([undefined]));
  passes('eval instant at 5m sum(x)\n  {} 15');
  passes('eval instant at 5m x\n  x{a="2"} 10\n  x{a="1"} 5');
  passes('eval instant at 5m sort_desc(x)\n  expect ordered\n  x{a="2"} 10\n  x{a="1"} 5');
  passes('eval_ordered instant at 5m sort_desc(x)\n  x{a="2"} 10\n  x{a="1"} 5');
  passes('eval instant at 0 1 + 1\n  2');
  passes('eval instant at 0 "a"\n  expect string "a"');
  passes('eval instant at 5m nothing');
  passes('eval range from 1m to 3m step 1m sum(x)\n  {} 3 6 9');
  passes('eval instant at 5m x + on () x\n  expect fail regex: found duplicate series');
  passes('eval_fail instant at 5m x + on () x');
  passes(
    'eval instant at 5m rate(x[2m])\n  expect info\n  {a="1"} 0.016666667\n  {a="2"} 0.033333333',
  );
  passes('eval instant at 5m sum(x)\n  expect no_info\n  expect no_warn\n  {} 15');
  passes(
    'eval instant at 5m x{a="1"}[2m]\n  expect range vector from 4m to 5m step 1m\n  x{a="1"} 4 5',
  );
});

describe('evaluations that are not', () => {
  const fails = (evaluation: string, message: string) =>
    test(evaluation, () => expect(run(LOAD + evaluation)[0]).toContain(message));
  fails('eval instant at 5m sum(x)\n  {} 16', 'expected 16 for {} at 300000, got 15');
  fails('eval instant at 5m x\n  x{a="1"} 5', 'unexpected {__name__="x", a="2"}');
  fails('eval instant at 5m sum(x)\n  {} 15\n  {b="c"} 1', '{b="c"} not found');
  fails(
    'eval instant at 5m sort_desc(x)\n  expect ordered\n  x{a="1"} 5\n  x{a="2"} 10',
    'position',
  );
  fails('eval instant at 5m x +\n', 'error: 1:4: parse error: unexpected end of input');
  fails('eval instant at 5m sum(x)\n  expect fail', 'expected an error but got none');
  fails(
    'eval instant at 5m x + on () x\n  expect fail msg: other',
    'expected error "other" but got',
  );
  fails(
    'eval instant at 5m rate(x[2m])\n  expect no_info',
    'unexpected info annotations: PromQL info',
  );
  fails('eval instant at 5m sum(x)\n  expect warn\n  {} 15', 'expected warn annotation');
  fails('eval range from 1m to 3m step 1m sum(x)\n  {} 3 _ 9', 'no 9 for {} at 180000');
  fails('eval range from 1m to 3m step 1m sum(x)\n  {} 3 6', 'expected 2 points for {}');
  fails('eval instant at 0 1 + 1\n  3', 'expected scalar 3, got 2');
  fails('eval instant at 0 "a"\n  expect string "b"', 'expected "b", got "a"');
});

describe('scripts that are none', () => {
  const bad = (script: string, line: number, message: string) =>
    test(JSON.stringify(script), () => {
      expect(() => parseScript(script)).toThrow(ScriptError);
      expect(() => parseScript(script)).toThrow(`line ${line}: ${message}`);
    });
  bad('nonsense', 1, 'invalid command "nonsense"');
  bad('\n\nload', 3, 'invalid load command');
  bad('load 5x\n a 1', 1, 'unknown unit "x" in duration "5x"');
  bad('load 5m\n a 1\n b{ 1', 3, "1:4: parse error: unexpected character inside braces: '1'");
  bad('load 5m\n a@st -1m', 2, '@st line has no following sample line');
  bad('load 5m\n a@st -1m\n b 1', 3, '@st metric does not match the following sample line metric');
  bad('load 5m\n a@st -1m\n a 1 2', 3, '@st line has 1 values but sample line has 2');
  bad('eval sometime x', 1, 'invalid evaluation command');
  bad('eval instant at soon x', 1, 'not a valid duration string: "soon"');
  bad(
    'eval range from 5m to 1m step 1m x',
    1,
    'invalid test definition, end timestamp (1m) is before',
  );
  bad('eval instant at 0 x\n expect nothing', 2, 'invalid expect statement "expect nothing"');
  bad(
    'eval instant at 0 x\n expect info\n expect no_info',
    3,
    'invalid expect lines, info and no_info',
  );
  bad(
    'eval instant at 0 x\n expect warn\n expect no_warn',
    3,
    'invalid expect lines, warn and no_warn',
  );
  bad(
    'eval instant at 0 x\n expect fail\n expect fail',
    3,
    'invalid expect lines, multiple expect fail',
  );
  bad(
    'eval instant at 0 x\n x 1 2',
    2,
    'expecting multiple values in instant evaluation not allowed',
  );
});

describe('classic histograms', () => {
  test('become native ones too', () => {
    const script = `load_with_nhcb 1m
      d_bucket{le="1"} 1 2
      d_bucket{le="5"} 3 4
      d_bucket{le="+Inf"} 4 6
      d_sum 10 20
      d_count 4 6

    eval instant at 0 d
      d {{schema:-53 count:4 sum:10 custom_values:[1 5] buckets:[1 2 1]}}

    eval instant at 1m d_bucket{le="5"}
      d_bucket{le="5"} 4`;
    expect(run(script)).toEqual([undefined, undefined]);
  });
});
