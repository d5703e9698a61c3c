// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Go's templates look like that
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelsFrom, labelsToObject } from './labels.ts';
import { type RelabelRuleOptions, relabel, relabelRule } from './relabel.ts';

const base = { a: 'foo', b: 'bar', c: 'baz' };

/** Expects the rules to turn `input` into `output`; undefined = dropped. */
const case_ = (
  name: string,
  rules: readonly RelabelRuleOptions[],
  output: Record<string, string> | undefined,
  input: Record<string, string> = base,
): void =>
  test(name, () => {
    const labels = relabel(labelsFrom(input), rules.map(relabelRule));
    expect(labels && labelsToObject(labels)).toEqual(output);
    if (labels) expect(labels).toEqual(labelsFrom(labelsToObject(labels)));
  });

const from = (...sourceLabels: string[]): { sourceLabels: string[] } => ({ sourceLabels });

case_(
  'replace with groups',
  [{ ...from('a'), targetLabel: 'd', regex: 'f(.*)', replacement: 'ch${1}-ch${1}' }],
  { ...base, d: 'choo-choo' },
);
case_(
  'replace joins by the separator',
  [
    {
      ...from('a', 'b'),
      separator: '#',
      targetLabel: 'd',
      regex: '(.*)#(.*)',
      replacement: '$2$1',
    },
  ],
  { ...base, d: 'barfoo' },
);
case_(
  'replace without a match does nothing',
  [{ ...from('a'), targetLabel: 'd', regex: 'x' }],
  base,
);
case_('replace by nothing removes', [{ ...from('a'), targetLabel: 'b', replacement: '' }], {
  a: 'foo',
  c: 'baz',
});
case_('replace is anchored', [{ ...from('a'), targetLabel: 'd', regex: 'o' }], base);
case_('a constant', [{ targetLabel: 'd', replacement: 'x' }], { ...base, d: 'x' });
case_(
  'the target is a template',
  [{ ...from('a'), regex: '(f)(.*)', targetLabel: '${1}_$2', replacement: '$2' }],
  { ...base, f_oo: 'oo' },
);
case_(
  'an empty target is skipped',
  [{ ...from('a'), regex: '(x)?foo', targetLabel: '$1', replacement: 'v' }],
  base,
);
case_(
  'an invalid legacy target is skipped',
  [{ ...from('a'), regex: '(.*)', targetLabel: '${1}', nameScheme: 'legacy' }],
  { a: '1-x' },
  { a: '1-x' },
);
case_(
  'a UTF-8 target is fine',
  [{ ...from('a'), targetLabel: 'd.${1}', replacement: 'v' }],
  { a: '1-x', 'd.1-x': 'v' },
  { a: '1-x' },
);
case_(
  'named groups',
  [{ ...from('a'), regex: 'f(?P<rest>.*)', targetLabel: 'b', replacement: '$rest' }],
  {
    ...base,
    b: 'oo',
  },
);
case_('keep, matching', [{ ...from('a'), regex: 'f.*', action: 'keep' }], base);
case_('keep, not matching', [{ ...from('a'), regex: 'no-match', action: 'keep' }], undefined);
case_('drop, matching', [{ ...from('a'), regex: '.*o.*', action: 'drop' }], undefined);
case_('drop, not matching', [{ ...from('a'), regex: 'f|o', action: 'DROP' }], base);
case_(
  'dot matches a newline',
  [{ ...from('a'), regex: 'x.y', action: 'keep' }],
  { a: 'x\ny' },
  { a: 'x\ny' },
);
case_(
  'a dropped set stays dropped',
  [
    { ...from('a'), regex: 'foo', action: 'drop' },
    { targetLabel: 'd', replacement: 'x' },
  ],
  undefined,
);
case_(
  'keepequal, equal',
  [{ ...from('a'), targetLabel: 'd', action: 'keepequal' }],
  { a: 'x', d: 'x' },
  { a: 'x', d: 'x' },
);
case_('keepequal, different', [{ ...from('a'), targetLabel: 'b', action: 'KeepEqual' }], undefined);
case_('dropequal, equal', [{ ...from('a'), targetLabel: 'd', action: 'dropequal' }], undefined, {
  a: 'x',
  d: 'x',
});
case_('dropequal, different', [{ ...from('a'), targetLabel: 'b', action: 'dropequal' }], base);
case_('hashmod', [{ ...from('c'), targetLabel: 'd', modulus: 1000, action: 'hashmod' }], {
  ...base,
  d: '976',
});
case_(
  'hashmod of a multi-line value',
  [{ ...from('a'), targetLabel: 'd', modulus: 1000, action: 'hashmod' }],
  { a: 'foo\nbar', d: '734' },
  { a: 'foo\nbar' },
);
case_(
  'labelmap',
  [{ regex: '(b.*)', replacement: 'bar_$1', action: 'labelmap' }],
  { a: 'foo', b1: 'bar', b2: 'baz', bar_b1: 'bar', bar_b2: 'baz' },
  { a: 'foo', b1: 'bar', b2: 'baz' },
);
case_(
  'labelmap of discovery labels',
  [{ regex: '__meta_(my.*)', replacement: '${1}', action: 'labelmap' }],
  { __meta_my_bar: 'aaa', my_bar: 'aaa' },
  { __meta_my_bar: 'aaa' },
);
case_(
  'labeldrop',
  [{ regex: '(b.*)', action: 'labeldrop' }],
  { a: 'foo' },
  { a: 'foo', b1: 'bar', b2: 'baz' },
);
case_(
  'labelkeep',
  [{ regex: '(a.*)', action: 'labelkeep' }],
  { a: 'foo' },
  { a: 'foo', b1: 'bar' },
);
case_(
  'lowercase',
  [{ ...from('a'), targetLabel: 'l', action: 'lowercase' }],
  { a: 'FooİΣ', l: 'fooiσ' },
  { a: 'FooİΣ' },
);
case_(
  'uppercase',
  [{ ...from('a'), targetLabel: 'l', action: 'uppercase' }],
  { a: 'fooß', l: 'FOOß' },
  { a: 'fooß' },
);

test('an unchanged set is the same object', () => {
  const labels = labelsFrom(base);
  const rules = [
    { ...from('a'), regex: 'foo', action: 'keep' },
    { regex: 'zzz', action: 'labeldrop' },
    { ...from('a'), regex: 'zzz', targetLabel: 'q' },
  ].map(relabelRule);
  expect(relabel(labels, rules)).toBe(labels);
});

test('hashmod equals 64-bit arithmetic', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      (text, modulus) => {
        const rule = relabelRule({ ...from('a'), targetLabel: 'h', action: 'hashmod', modulus });
        const digest = createHash('md5').update(text).digest();
        const expected = digest.readBigUInt64BE(8) % BigInt(modulus);
        const labels = relabel(labelsFrom({ a: text }), [rule]) ?? [];
        expect(labelsToObject(labels).h).toBe(String(expected));
      },
    ),
  );
});

const bad = (rule: RelabelRuleOptions, message: string): void =>
  test(`rejects: ${message}`, () =>
    expect(() => relabelRule(rule)).toThrow(expect.objectContaining({ message })));

bad({ action: 'nope' }, 'unknown relabel action "nope"');
bad(
  { action: 'hashmod', targetLabel: 'x' },
  'relabel configuration for hashmod requires non-zero modulus',
);
bad({ regex: 'x' }, "relabel configuration for replace action requires 'target_label' value");
bad(
  { action: 'hashmod', modulus: 3 },
  "relabel configuration for hashmod action requires 'target_label' value",
);
bad(
  { action: 'lowercase', ...from('a') },
  "relabel configuration for lowercase action requires 'target_label' value",
);
bad(
  { targetLabel: 'a-b', nameScheme: 'legacy' },
  `"a-b" is invalid 'target_label' for replace action`,
);
bad(
  { targetLabel: '${3', nameScheme: 'legacy' },
  `"\${3" is invalid 'target_label' for replace action`,
);
bad(
  { action: 'lowercase', targetLabel: '${3}', nameScheme: 'legacy' },
  `"\${3}" is invalid 'target_label' for lowercase action`,
);
bad(
  { action: 'uppercase', targetLabel: 'x', replacement: 'y' },
  "'replacement' can not be set for uppercase action",
);
bad(
  { action: 'labelmap', replacement: '-', nameScheme: 'legacy' },
  `"-" is invalid 'replacement' for labelmap action`,
);
bad(
  { action: 'keepequal', ...from('a'), targetLabel: 'x', regex: 'y' },
  "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
);
bad(
  { action: 'labeldrop', ...from('a') },
  "labeldrop action requires only 'regex', and no other fields",
);
bad(
  { action: 'labelkeep', separator: '-' },
  "labelkeep action requires only 'regex', and no other fields",
);
bad({ targetLabel: 'x', regex: '[' }, 'error parsing regexp: missing closing ]: `[)$`');

test('accepts templates as legacy target', () => {
  for (const targetLabel of ['a_$1', '${1}', '$x_y', 'b${name}c', '${1}9'])
    expect(relabelRule({ targetLabel, nameScheme: 'legacy' }).targetLabel).toBe(targetLabel);
});
