// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Go's templates look like that
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { compileRegexp, expandTemplate, type RegexpMethod } from './regexp.ts';

const bad = (source: string, message: string, form: 'bare' | 'wrapped' = 'bare'): void =>
  test(`rejects ${source} (${form})`, () =>
    expect(() => compileRegexp(source, form)).toThrow(expect.objectContaining({ message })));

bad('[a', 'error parsing regexp: missing closing ]: `[a`');
bad('(a', 'error parsing regexp: missing closing ): `(a`');
bad('(a', 'error parsing regexp: missing closing ): `^(?s:(a)$`', 'wrapped');
bad('a)', 'error parsing regexp: unexpected ): `a)`');
bad('*', 'error parsing regexp: missing argument to repetition operator: `*`');
bad('a**', 'error parsing regexp: invalid nested repetition operator: `**`');
bad('a{1001}', 'error parsing regexp: invalid repeat count: `{1001}`');
bad('\\', 'error parsing regexp: trailing backslash at end of expression: ``');
bad('(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`');

const matches = (
  source: string,
  method: RegexpMethod,
  yes: readonly string[],
  no: readonly string[],
): void =>
  test(`matches ${source} by ${method}`, () => {
    const regexp = compileRegexp(source);
    expect(regexp.method).toBe(method);
    for (const text of yes) expect([text, regexp.test(text)]).toEqual([text, true]);
    for (const text of no) expect([text, regexp.test(text)]).toEqual([text, false]);
  });

matches('', 'literal', [''], ['a']);
matches('foo', 'literal', ['foo'], ['foobar', 'xfoo', '']);
matches('^foo$', 'literal', ['foo'], ['foobar']);
matches('a\\.b\\-c', 'literal', ['a.b-c'], ['axb-c']);
matches('foo|bar|', 'set', ['foo', 'bar', ''], ['foobar']);
matches('node-[0-3]', 'set', ['node-0', 'node-3'], ['node-4']);
matches('(GET|POST)_(a|b)?', 'set', ['GET_', 'POST_b'], ['GET']);
matches('.*', 'gapped', ['', 'a\nb'], []);
matches('.+', 'gapped', ['\n', '😀'], ['']);
matches('foo.*', 'gapped', ['foo', 'foobar'], ['fo', 'xfoo']);
matches('.*foo', 'gapped', ['foo', 'xfoo'], ['foox']);
matches('.*foo.*', 'gapped', ['foo', 'xfooy'], ['fo o']);
matches('.+foo.+', 'gapped', ['xfooy'], ['foo', 'xfoo', 'fooy']);
matches('a.*a', 'gapped', ['aa', 'aba'], ['a']);
matches('(foo|fo).*(ob|b)', 'gapped', ['fob', 'foob', 'fooxb'], ['fo']);
matches('.*(a|ab).+(b|c).*', 'gapped', ['abb', 'abxc'], ['ab', 'ac']);
matches('5..', 'javascript', ['500', '5\n😀'], ['5000', '400']);
matches('[a-z]+:\\d+', 'javascript', ['abc:12'], ['abc:', 'a1:2']);
matches('(?i)foo', 're2', ['FOO', 'foo'], ['fo']);
matches('.*[0-9]+', 're2', ['a1'], ['a']);

test('the JavaScript engine is kept from patterns on which it would go back and forth', () => {
  const risky = ['(a+)+', '(a|a)*', '(a*)*b', 'a*a*a*c', '(a|ab)(c|bcd)*', '([a-z]+)*x', '[ab]*a'];
  for (const source of [...risky, '(.*)-(.*)-([0-9]+)', '(a?){20}a{20}', '(?:a+b?)+'])
    expect([source, compileRegexp(source).method]).not.toEqual([source, 'javascript']);
});

test('the prefix of what matches', () => {
  const prefix = (source: string): string => compileRegexp(source).prefix;
  expect(prefix('foo.*')).toBe('foo');
  expect(prefix('(foo)bar(a|b)')).toBe('foobar');
  expect(prefix('foo|bar')).toBe('');
  expect(prefix('fo?')).toBe('f');
  expect(prefix('(?:ab)+c')).toBe('ab');
});

test('groups and their names', () => {
  const regexp = compileRegexp('(?P<host>[^:]+):(\\d+)(x)?');
  expect(regexp.groupNames).toEqual(['', 'host', '', '']);
  expect([...(regexp.exec('db:9100') ?? [])]).toEqual(['db:9100', 'db', '9100', undefined]);
  expect(regexp.exec('db')).toBeUndefined();
  expect(compileRegexp('(?i)(?P<a>x)(y)').groupNames).toEqual(['', 'a', '']);
});

test('templates expand as in Go', () => {
  const expand = (template: string): string =>
    expandTemplate(template, ['a-b', 'a', 'b', undefined], ['', '', 'name', 'gone']);
  expect(expand('plain')).toBe('plain');
  expect(expand('$1/${2}/$name/${name}')).toBe('a/b/b/b');
  expect(expand('$1x')).toBe('');
  expect(expand('${1}x')).toBe('ax');
  expect(expand('$0')).toBe('a-b');
  expect(expand('$$1')).toBe('$1');
  expect(expand('$3${gone}$9')).toBe('');
  expect(expand('$01')).toBe('');
  expect(expand('$ ${ $-')).toBe('$ ${ $-');
  expect(expand('${1')).toBe('${1');
});

/** Patterns over few letters, so that generated texts often match. */
const pattern: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'a',
      'b',
      'c',
      '.',
      '.*',
      '.+',
      '[ab]',
      '[^a]',
      '\\d',
      '\\w+',
      '\\.',
      '-',
      '😀',
    ),
    fc.constantFrom('a*', 'b+', 'c?', '[a-c]{2}', 'a{1,2}', 'ab', 'abc', '[^b]*', '', 'a+?', '\\s'),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((parts) => `(${parts.join('|')})`),
    tie('node').map((part) => `(?:${part})?`),
    tie('node').map((part) => `(${part})+`),
    tie('node').map((part) => `(?P<n>${part})`),
  ),
})).node;
const subject = fc
  .array(fc.constantFrom('a', 'b', 'c', '.', '-', '1', '\n', '😀', 'ab', 'é', '\v'), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

test('every quick way gives what RE2 gives', () => {
  const seen = new Set<RegexpMethod>();
  fc.assert(
    fc.property(pattern, fc.array(subject, { minLength: 8, maxLength: 8 }), (source, texts) => {
      let re2: RE2JS;
      try {
        re2 = RE2JS.compile(`^(?s:${source})$`);
      } catch {
        return;
      }
      const regexp = compileRegexp(source);
      seen.add(regexp.method);
      for (const text of [...texts, ...(regexp.setMatches ?? [])]) {
        const expected = re2.exec(text);
        expect([source, text, regexp.test(text)]).toEqual([source, text, expected !== null]);
        const groups = regexp.exec(text);
        expect(groups && [...groups]).toEqual(expected ? [...expected] : undefined);
        if (expected) expect(text.startsWith(regexp.prefix)).toBe(true);
        if (regexp.setMatches) expect(regexp.setMatches.includes(text)).toBe(expected !== null);
      }
    }),
    { numRuns: 3000, seed: 7 },
  );
  expect([...seen].sort()).toEqual(['gapped', 'javascript', 'literal', 're2', 'set']);
});

describe('patterns that explode in backtracking engines', () => {
  const text = 'a'.repeat(20_000);
  const patterns = [
    '(a+)+b',
    '(a|a)*b',
    '(a|aa)+x',
    '(.*)*x',
    '(a*)*b',
    '([a-z]+)*[0-9]',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    'a*a*a*a*a*a*b',
    '(?:a{0,100}){0,9}b',
    '(x{1,30}){1,30}',
    '(a{1,1000})b',
    '[^x]*[^y]*[^z]*!',
    '(foo|bar|.*)+z',
  ];
  // Each would take longer than the sun has left.
  for (const pattern of patterns) {
    test(pattern, () => expect(compileRegexp(pattern).test(text)).toBe(false));
  }
});

describe('patterns that are huge', () => {
  const huge: Record<string, string> = {
    alternations: '(?:a|b|c)'.repeat(20_000),
    classes: '[a-z]'.repeat(50_000),
    'a set': `${'a|'.repeat(300_000)}b`,
    repetitions: '[a-z]{1000}'.repeat(100),
  };
  for (const [name, pattern] of Object.entries(huge)) {
    test(name, () => expect(compileRegexp(pattern).test('a!')).toBe(false));
  }
  test('deep ones are refused', () => {
    const deep = `${'('.repeat(100_000)}a${')'.repeat(100_000)}`;
    expect(() => compileRegexp(deep)).toThrow('expression nests too deeply');
    expect(() => compileRegexp('((a{100}){100}){100}')).toThrow('invalid repeat count: `{100}`');
  });
});
