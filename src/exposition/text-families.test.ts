// SPDX-License-Identifier: Apache-2.0
// Messages were read off Debian's pushgateway and the sources of the Go parser.

import { expect, test } from 'vitest';
import { parseTextFamilies } from './text-families.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const families = (text: string, scheme: 'utf8' | 'legacy' = 'utf8') => [
  ...parseTextFamilies(bytes(text), scheme).values(),
];

const bad = (text: string, message: string, scheme: 'utf8' | 'legacy' = 'utf8') =>
  test(`refuses ${JSON.stringify(text)}`, () => {
    expect(() => families(text, scheme)).toThrow(`text format parsing error in line ${message}`);
  });

bad('a 1', '1: unexpected end of input stream');
bad('a', '1: unexpected end of input stream');
bad('# HELP a', '1: unexpected end of input stream');
bad('a{x="1"', '1: unexpected end of input stream');
bad('ok 1\n\n 1a 3\n', '3: invalid metric name');
bad('\0\0\0', '1: invalid metric name');
bad('a\n', '1: expected float as value, got ""');
bad('a x\n', '1: expected float as value, got "x"');
bad('a 1_0\n', '1: expected float as value, got "1_0"');
bad('a 0x10\n', '1: expected float as value, got "0x10"');
bad('a 1e999\n', '1: expected float as value, got "1e999"');
bad('a{x=1} 1\n', `1: expected '"' at start of label value, found '1'`);
bad('a{x-y="1"} 1\n', "1: expected '=' after label name, found '-'");
bad('a{x="1" y="2"} 1\n', '1: unexpected end of label value "1"');
bad('a{x="1\\q"} 1\n', "1: invalid escape sequence '\\q'");
bad('a{x="1} 1\n', '1: label value "1} 1" contains unescaped new-line');
bad('a{x="1",x="2"} 1\n', '1: duplicate label names for metric "a"');
bad('a{__name__="b"} 1\n', '1: label name "__name__" is reserved');
bad('a{="b"} 1\n', '1: invalid label name for metric "a"');
bad('a 1 x\n', '1: expected integer as timestamp, got "x"');
bad('a 1 1 1\n', '1: spurious string after timestamp: " 1"');
bad('# TYPE a foo\n', '1: unknown metric type "foo"');
bad('# TYPE a counter\n# TYPE a counter\n', '2: second TYPE line for metric name "a", or TYPE');
bad('a 1\n# TYPE a counter\n', '2: second TYPE line for metric name "a", or TYPE reported after');
bad('# HELP a x\n# HELP a y\n', '2: second HELP line for metric name "a"');
bad('# HELP a \\x\n', "1: invalid escape sequence '\\x'");
bad('# HELP 1a b\n', '1: invalid metric name in comment');
bad('# TYPE s summary\ns{quantile="x"} 1\n', "2: expected float as value for 'quantile' label");
bad(
  '# TYPE h histogram\nh_bucket{le=""} 1\n',
  '2: expected float as value for \'le\' label, got ""',
);
bad('# TYPE h histogram\nh_count -1\n', '2: negative count for histogram "h"');
bad('{x="1"} 1\n', '1: invalid metric name');
bad('{"a","b"} 1\n', '1: multiple metric names for metric "a"');
bad('{"a.b"} 1\n', '1: invalid metric name "a.b"', 'legacy');
bad('a{"x.y"="1"} 1\n', '1: invalid label name "x.y"', 'legacy');

test('bytes that are not UTF-8 are refused in label values', () => {
  const body = Uint8Array.from(bytes('a{x="\x01"} 1\n'), (byte) => (byte === 1 ? 0xff : byte));
  expect(() => parseTextFamilies(body)).toThrow('line 1: invalid label value "\\xff"');
});

test('reads values, times, help, blanks and empty lines', () => {
  expect(
    families(
      '# a comment\n#\n\n# HELP a The\\n "a".\n# TYPE a counter\n' +
        ' a { y = "2" , x="1\\"\\\\\\n" , } 1.5e3 -7\n\ta +Inf\nb NaN\n# TYPE unused gauge\n',
    ),
  ).toEqual([
    {
      name: 'a',
      help: 'The\n "a".',
      type: 'counter',
      metrics: [
        { labels: ['x', '1"\\\n', 'y', '2'], value: 1500, timestampMs: -7 },
        { labels: [], value: Number.POSITIVE_INFINITY },
      ],
    },
    { name: 'b', help: '', type: 'untyped', metrics: [{ labels: [], value: Number.NaN }] },
  ]);
});

test('joins the lines of summaries and histograms, whatever the order of labels', () => {
  const [summary, histogram, stray] = families(
    '# TYPE s summary\ns{quantile="0.5",z="1",a="2"} 4\ns_count{a="2",z="1"} 9\ns_sum{z="1",a="2"} 5\n' +
      '# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 3.5\nh_count 3.5\nh_sum 7\n' +
      'x_count 3\n',
  );
  expect(summary?.metrics).toEqual([
    {
      labels: ['a', '2', 'z', '1'],
      value: 0,
      distribution: { count: 9, sum: 5, points: [{ bound: 0.5, value: 4 }] },
    },
  ]);
  expect(histogram?.metrics).toEqual([
    {
      labels: [],
      value: 0,
      distribution: {
        count: 3.5,
        sum: 7,
        isFloat: true,
        points: [
          { bound: 1, value: 2 },
          { bound: Number.POSITIVE_INFINITY, value: 3.5 },
        ],
      },
    },
  ]);
  expect(stray).toMatchObject({ name: 'x_count', type: 'untyped' });
});

test('takes quoted names inside of the braces', () => {
  expect(families('{"a.b","x.y"="1"} 2\n# HELP "c d" e\n{"c d"} 3\n')).toEqual([
    { name: 'a.b', help: '', type: 'untyped', metrics: [{ labels: ['x.y', '1'], value: 2 }] },
    { name: 'c d', help: 'e', type: 'untyped', metrics: [{ labels: [], value: 3 }] },
  ]);
});

test('ten thousand labels are read in no time to speak of', () => {
  const labels = Array.from({ length: 10_000 }, (_, i) => `l${i}="v"`).join(',');
  expect(families(`a{${labels}} 1\n`)[0]?.metrics[0]?.labels.length).toBe(20_000);
  expect(() => families(`a{${labels},l77="again"} 1\n`)).toThrow('duplicate label names');
});
