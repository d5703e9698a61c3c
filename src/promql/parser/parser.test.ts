// SPDX-License-Identifier: Apache-2.0
// What the differential test cannot say: features behind flags, positions, limits.

import { describe, expect, test } from 'vitest';
import { expressionText } from '../format/text.ts';
import { ParseError } from './errors.ts';
import { allSyntaxFeatures, NESTING_MAX, TREE_DEPTH_MAX } from './options.ts';
import { parseExpression, parseSelector } from './parser.ts';

const parse = (query: string) => parseExpression(query, allSyntaxFeatures);

const good = (query: string, text = query) =>
  test(`parses ${query}`, () => expect(expressionText(parse(query))).toBe(text));

const bad = (query: string, message: string) =>
  test(`rejects ${query.slice(0, 60)}`, () =>
    expect(() => parse(query)).toThrow(new RegExp(`^${escaped(message)}$`)));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

describe('features', () => {
  good('foo anchored');
  good('foo[5m] smoothed');
  good('foo[5m] anchored @ 5.000 offset 1m');
  good('foo[5m] offset 1m @ 5 anchored', 'foo[5m] anchored @ 5.000 offset 1m');
  bad(
    'foo anchored smoothed',
    '1:1: parse error: anchored and smoothed modifiers cannot be used together',
  );
  bad(
    'foo[5m] smoothed anchored',
    '1:1: parse error: anchored and smoothed modifiers cannot be used together',
  );
  bad('foo[5m:1m] anchored', '1:1: parse error: anchored modifier is not supported for subqueries');
  bad('foo[5m:1m] smoothed', '1:1: parse error: smoothed modifier is not supported for subqueries');
  bad('sum(foo) anchored', '1:1: parse error: anchored modifier not implemented');
  bad('sum(foo) smoothed', '1:1: parse error: smoothed modifier not implemented');
  good('foo + fill (0) bar');
  good('foo + on (a) group_left (b) fill_left (-1) fill_right (NaN) bar');
  good('foo + fill_right(1) fill_left(2) bar', 'foo + fill_left (2) fill_right (1) bar');
  good('fill + fill_left{a="b"} - fill_right');
  bad(
    '1 + fill(0) foo',
    '1:1: parse error: filling in missing series only allowed between instant vectors',
  );
  bad(
    'foo and fill(0) bar',
    '1:1: parse error: filling in missing series not allowed for set operators',
  );
  bad('foo + fill(bar) baz', '1:12: parse error: unexpected identifier "bar"');
  good('limitk(2, foo)');
  good('limit_ratio by (a) (-0.5, foo)', 'limit_ratio by (a) (-0.5, foo)');
  good('info(foo, {a="b"})');
  good('info(foo, {a=~".*"})');
  bad(
    'info(foo, bar)',
    '1:11: parse error: expected label selectors only, got vector selector instead',
  );
  bad('info(foo, sum(bar))', '1:11: parse error: expected label selectors only');
  bad(
    'info(foo, 1)',
    '1:1: parse error: expected type instant vector in call to function "info", got scalar',
  );
  good('histogram_quantiles(foo, "q", 0.1, 0.2)');
  bad(
    'histogram_quantiles(foo, "q")',
    '1:1: parse error: expected at least 3 argument(s) in call to "histogram_quantiles", got 2',
  );
  good('start() + end() + range() + step()');
  good('min_of(1, max_of(2, time()))');
  good('start{a="b"} + step');
});

describe('places', () => {
  bad('foo\n+ (\n  1 +)', '3:6: parse error: unexpected ")"');
  bad('"é" + é', "1:8: parse error: unexpected character: 'é'");
  test('are ranges of the text', () => {
    const query = 'sum(a{b="c"}[5m:] offset 5m) + 1';
    try {
      parse(query);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ParseError);
      const { position, reason } = error as ParseError;
      expect(query.slice(position.start, position.end)).toBe('a{b="c"}[5m:] offset 5m');
      expect(reason).toBe(
        'expected type instant vector in aggregation expression, got range vector',
      );
    }
  });
  test('of nodes', () => {
    const query = ' -rate(x{a="b"}[5m] @ end()) > bool sum by (a) (y offset -1h)';
    const shown = (node: object): string[] => {
      const { position } = node as { position?: { start: number; end: number } };
      const own = position === undefined ? [] : [query.slice(position.start, position.end)];
      const below = Object.values(node).flatMap((child: unknown) =>
        typeof child === 'object' && child !== null && child !== position ? shown(child) : [],
      );
      return [...own, ...below];
    };
    expect(shown(parse(query))).toEqual([
      '-rate(x{a="b"}[5m] @ end()) > bool sum by (a) (y offset -1h)',
      '-rate(x{a="b"}[5m] @ end())',
      'rate(x{a="b"}[5m] @ end())',
      'x{a="b"}[5m] @ end()',
      'x{a="b"}',
      'sum by (a) (y offset -1h)',
      'y offset -1h',
    ]);
  });
});

describe('strings', () => {
  const value = (query: string): string => {
    const node = parse(query);
    return node.kind === 'string' ? node.value : '';
  };
  test('have escapes', () => {
    expect(value(String.raw`"\a\b\f\n\r\t\v\\\"\101\x41é\U0001F600"`)).toBe(
      '\x07\b\f\n\r\t\v\\"AAé😀',
    );
    expect(value(String.raw`'"\''`)).toBe(`"'`);
    expect(value('`\\n\n`')).toBe('\\n\n');
  });
  test('can write bytes', () => {
    expect(value(String.raw`"\xc3\xa9\303\251"`)).toBe('éé');
    expect(value(String.raw`"a\xffz\xef\xbf\xbd"`)).toBe('a\udcffz\ufffd');
    expect(expressionText(parse(String.raw`"a\xffz"`))).toBe(String.raw`"a\xffz"`);
  });
});

describe('selectors', () => {
  test('are parsed alone', () => {
    expect(parseSelector('up{a!="b"}')).toEqual([
      { name: 'a', type: '!=', value: 'b' },
      { name: '__name__', type: '=', value: 'up' },
    ]);
    expect(parseSelector('{}')).toEqual([]);
    expect(() => parseSelector('up + 1')).toThrow('1:4: parse error: unexpected <op:+>');
    expect(() => parseSelector('')).toThrow(
      'unknown position: parse error: unexpected end of input',
    );
    expect(() => parseSelector('1')).toThrow('1:1: parse error: unexpected number "1"');
  });
});

describe('what is huge', () => {
  const deep = 10_000;
  const tooDeep = /parse error: expression is nested too deeply: more than (300|1000) levels$/;
  const nested: Record<string, string> = {
    parentheses: '('.repeat(deep) + '1' + ')'.repeat(deep),
    'open parentheses': '('.repeat(deep),
    signs: '-'.repeat(deep) + 'foo',
    calls: 'abs('.repeat(deep) + 'foo' + ')'.repeat(deep),
    aggregations: 'sum('.repeat(deep) + 'foo' + ')'.repeat(deep),
    subqueries: 'foo' + '[5m:]'.repeat(deep),
    powers: '2^'.repeat(deep) + '2',
    sums: '2+'.repeat(deep) + '2',
    durations: `foo[${'('.repeat(deep)}1${')'.repeat(deep)}]`,
    'sums of durations': `foo[${'1+'.repeat(deep)}1]`,
    'signs of durations': `foo[${'-'.repeat(deep)}1]`,
  };
  for (const [name, query] of Object.entries(nested)) {
    test(`${deep} ${name}`, () => expect(() => parse(query)).toThrow(tooDeep));
  }
  test('nesting up to the limit', () => {
    const levels = NESTING_MAX - 2;
    expect(parse('('.repeat(levels) + '1' + ')'.repeat(levels)).kind).toBe('paren');
    expect(parse('1+'.repeat(TREE_DEPTH_MAX - 1) + '1').kind).toBe('binary');
  });
  test('a megabyte', () => {
    const million = 1_000_000;
    expect(() => parse('"'.padEnd(million, 'a'))).toThrow('unterminated quoted string');
    expect(() => parse(''.padEnd(million, 'a '))).toThrow('unexpected identifier "a"');
    expect(parse(`foo{a=~"${'a|'.repeat(million / 2)}"}`).kind).toBe('vectorSelector');
    expect(parse(`{${'a="b",'.repeat(million / 6)}}`).kind).toBe('vectorSelector');
    expect(parse(`label_join(foo, "a", "b"${', "c"'.repeat(million / 5)})`).kind).toBe('call');
  });
});
