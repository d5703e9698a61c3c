// SPDX-License-Identifier: Apache-2.0
// Every kind of message the parser has, each checked against the real parser's (test/differential).

import { describe, expect, test } from 'vitest';
import { formatExpression, parseExpression, QueryError } from '../../src/promql/index.ts';
import { newer } from '../differential/syntax-queries.ts';

const errors: readonly (readonly [query: string, message: string])[] = [
  [
    '0x',
    '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "0x": invalid syntax',
  ],
  ['0xg', '1:1: parse error: bad number or duration syntax: "0x"'],
  [
    '1e400',
    '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "1e400": value out of range',
  ],
  ['"\\\'"', "1:1: parse error: unknown escape sequence U+0027 '''"],
  ['"\\xg1"', "1:1: parse error: illegal character U+0067 'g' in escape sequence"],
  ['"\\400"', '1:1: parse error: escape sequence is an invalid Unicode code point'],
  ['"a', '1:1: parse error: unterminated quoted string'],
  ['`a', '1:1: parse error: unterminated raw string'],
  ['"\\', '1:1: parse error: escape sequence not terminated'],
  ['"\ufffd"', '1:1: parse error: invalid UTF-8 rune'],
  ['"\\é"', "1:1: parse error: unknown escape sequence U+00E9 'é'"],
  ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  [
    'foo{a="b",,}',
    '1:11: parse error: unexpected "," in label matching, expected identifier or "}"',
  ],
  [
    'foo{a}',
    '1:6: parse error: unexpected "}" in label matching, expected label matching operator',
  ],
  ['foo{a=}', '1:7: parse error: unexpected "}" in label matching, expected string'],
  ['foo{a=b}', '1:7: parse error: unexpected identifier "b" in label matching, expected string'],
  [
    'foo{a="b" c="d"}',
    '1:11: parse error: unexpected identifier "c" in label matching, expected "," or "}"',
  ],
  ['foo{a~"b"}', "1:6: parse error: unexpected character inside braces: '~'"],
  ['foo{a!"b"}', "1:6: parse error: unexpected character after '!' inside braces: '\"'"],
  ['foo{a', '1:6: parse error: unexpected end of input inside braces'],
  ['foo}', "1:4: parse error: unexpected character: '}'"],
  ['foo{{', "1:5: parse error: unexpected left brace '{'"],
  [
    'foo{a!~"*"}',
    '1:5: parse error: error parsing regexp: missing argument to repetition operator: `*`',
  ],
  ['foo{a=~"a{1001}"}', '1:5: parse error: error parsing regexp: invalid repeat count: `{1001}`'],
  ['foo{a=~"\\\\Z"}', '1:5: parse error: error parsing regexp: invalid escape sequence: `\\Z`'],
  ['foo{__name__="bar"}', '1:1: parse error: metric name must not be set twice: "foo" or "bar"'],
  ['foo{a="b"}{c="d"}', '1:11: parse error: unexpected "{"'],
  ['# only a comment', '1:1: parse error: no expression found in input'],
  ['on', '1:1: parse error: unexpected <on>'],
  ['foo == ', '1:8: parse error: unexpected end of input'],
  ['foo =~ bar', "1:5: parse error: unexpected character after '=': '~'"],
  ['\\', "1:1: parse error: unexpected character: '\\\\'"],
  ['foo[30m1h]', '1:5: parse error: not a valid duration string: "30m1h"'],
  ['foo[5m', '1:7: parse error: unclosed left bracket'],
  ['foo[5m[', "1:7: parse error: unexpected left bracket '['"],
  ['foo]', "1:4: parse error: unexpected right bracket ']'"],
  ['foo[5m] [5m]', '1:9: parse error: ranges only allowed for vector selectors'],
  ['foo offset 5m[5m]', '1:14: parse error: no offset modifiers allowed before range'],
  ['foo @ 5[5m]', '1:8: parse error: no @ modifiers allowed before range'],
  ['foo[5m:1m:1m]', "1:10: parse error: unexpected colon ':'"],
  ['foo @ start', '1:12: parse error: unexpected end of input in @, expected timestamp'],
  ['foo @ start(', '1:13: parse error: unclosed left parenthesis'],
  ['foo @ end(1)', '1:11: parse error: unexpected number "1" in @, expected timestamp'],
  ['foo @ Inf', '1:1: parse error: timestamp out of bounds for @ modifier: +Inf'],
  ['foo @ -Inf', '1:1: parse error: timestamp out of bounds for @ modifier: -Inf'],
  ['foo @ NaN', '1:1: parse error: timestamp out of bounds for @ modifier: NaN'],
  [
    'foo @ 1e30',
    '1:1: parse error: timestamp out of bounds for @ modifier: 1000000000000000019884624838656.000000',
  ],
  ['foo @ 1 @ 2', '1:1: parse error: @ <timestamp> may not be set multiple times'],
  ['foo offset 5m offset 5m', '1:1: parse error: offset may not be set multiple times'],
  [
    '1 offset 5m',
    '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  ],
  [
    '1 @ 5',
    '1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  ],
  ['foo[300y]', '1:5: parse error: duration out of range'],
  ['foo[0s]', '1:5: parse error: duration must be greater than 0'],
  [
    'foo[5m 1]',
    '1:8: parse error: unexpected number "1" in subquery or range, expected ":" or "]"',
  ],
  [
    '-"a"',
    '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string"',
  ],
  ['1 == 1', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
  ['foo + bool bar', '1:5: parse error: bool modifier can only be used on comparison operators'],
  ['1 and 2', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
  [
    '"a" + 1',
    '1:1: parse error: binary expression must contain only scalar and instant vector types',
  ],
  ['foo * on(,) bar', '1:10: parse error: unexpected "," in grouping opts, expected label'],
  ['foo * on bar', '1:10: parse error: unexpected identifier "bar" in grouping opts, expected "("'],
  [
    'foo * on(a b) bar',
    '1:12: parse error: unexpected identifier "b" in grouping opts, expected "," or ")"',
  ],
  ['foo * on(1) bar', '1:10: parse error: unexpected number "1" in grouping opts, expected label'],
  [
    'foo * on(a) group_left(a) bar',
    '1:5: parse error: label "a" must not occur in ON and GROUP clause at once',
  ],
  ['foo and on(a) group_left(b) bar', '1:1: parse error: no grouping allowed for "and" operation'],
  ['1 + on(a) foo', '1:1: parse error: vector matching only allowed between instant vectors'],
  ['foo)', "1:5: parse error: unexpected right parenthesis ')'"],
  ['sum()', '1:1: parse error: no arguments for aggregate expression provided'],
  [
    'sum(foo, bar)',
    '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2',
  ],
  ['sum(foo,)', '1:8: parse error: trailing commas not allowed in function call args'],
  ['sum(foo bar)', '1:9: parse error: unexpected identifier "bar" in aggregation'],
  ['sum by (a)', '1:11: parse error: unexpected end of input in aggregation'],
  [
    'topk(foo, bar)',
    '1:6: parse error: expected type scalar in aggregation parameter, got instant vector',
  ],
  ['topk("a", foo)', '1:6: parse error: expected type scalar in aggregation parameter, got string'],
  [
    'topk(5, 5)',
    '1:9: parse error: expected type instant vector in aggregation expression, got scalar',
  ],
  [
    'count_values(5, foo)',
    '1:14: parse error: expected type string in aggregation parameter, got scalar',
  ],
  [
    'sum("a")',
    '1:5: parse error: expected type instant vector in aggregation expression, got string',
  ],
  [
    'sum(foo[5m])',
    '1:5: parse error: expected type instant vector in aggregation expression, got range vector',
  ],
  [
    'sum(rate(foo))',
    '1:10: parse error: expected type range vector in call to function "rate", got instant vector',
  ],
  ['sum(foo +)', '1:10: parse error: unexpected ")" in aggregation'],
  [
    'sum(foo{a b})',
    '1:11: parse error: unexpected identifier "b" in label matching, expected label matching operator',
  ],
  ['sum(foo @)', '1:10: parse error: unexpected ")" in @, expected timestamp'],
  ['rate(foo[5m], 1)', '1:1: parse error: expected 1 argument(s) in call to "rate", got 2'],
  [
    'rate(1)',
    '1:6: parse error: expected type range vector in call to function "rate", got scalar',
  ],
  [
    'rate("a")',
    '1:6: parse error: expected type range vector in call to function "rate", got string',
  ],
  ['unknown(foo)', '1:1: parse error: unknown function with name "unknown"'],
  [
    'round(foo, 5, 6)',
    '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3',
  ],
  ['round()', '1:1: parse error: expected at least 1 argument(s) in call to "round", got 0'],
  [
    'round(foo, "a")',
    '1:12: parse error: expected type scalar in call to function "round", got string',
  ],
  [
    'round(foo, bar)',
    '1:12: parse error: expected type scalar in call to function "round", got instant vector',
  ],
  [
    'hour(1)',
    '1:6: parse error: expected type instant vector in call to function "hour", got scalar',
  ],
  [
    'label_replace(foo, a, "b", "c", "d")',
    '1:20: parse error: expected type string in call to function "label_replace", got instant vector',
  ],
  [
    'label_join(foo, "a", "b", 1)',
    '1:27: parse error: expected type string in call to function "label_join", got scalar',
  ],
  [
    'absent(foo[5m])',
    '1:8: parse error: expected type instant vector in call to function "absent", got range vector',
  ],
  ['1[5m:1m]', '1:1: parse error: subquery is only allowed on instant vector, got scalar instead'],
  [
    'foo[5m][5m:1m]',
    '1:1: parse error: subquery is only allowed on instant vector, got matrix instead',
  ],
  [
    '"a"[5m:1m]',
    '1:1: parse error: subquery is only allowed on instant vector, got string instead',
  ],
];

describe('messages', () => {
  for (const [query, message] of errors) {
    test(message, () => {
      let said = '';
      try {
        parseExpression(query);
      } catch (error) {
        said = error instanceof QueryError ? error.message : String(error);
      }
      expect(said).toBe(message);
    });
  }
});

describe('what 3.x says otherwise than 2.x', () => {
  for (const [query, text] of newer) {
    test(query, () => {
      let said = '';
      try {
        said = formatExpression(parseExpression(query));
      } catch (error) {
        said = error instanceof QueryError ? error.message : String(error);
      }
      expect(said).toBe(text);
    });
  }
});
