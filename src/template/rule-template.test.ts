// SPDX-License-Identifier: Apache-2.0
// What upstream's own tests of rule templates expect.
import { expect, test } from 'vitest';
import type { QuerySample } from './index.ts';
import { AlertExpander, checkAlertTemplate, type TemplateError } from './index.ts';

const samples: readonly QuerySample[] = [
  { labels: { __name__: 'metric', instance: 'b' }, value: 21 },
  { labels: { __name__: 'metric', instance: 'a', __value__: 'eleven' }, value: 11 },
];

const expander = new AlertExpander('Test', {
  query: (expression) => {
    if (expression === 'bad') throw new Error('no such thing');
    return expression === 'none' ? [] : samples;
  },
  nowMs: 1_353_755_652_000,
  externalUrl: 'http://testhost:9090/path/prefix',
  pathPrefix: '/path/prefix',
});

const data = {
  labels: { job: 'node' },
  externalLabels: { region: 'eu' },
  externalUrl: 'http://testhost:9090/path/prefix',
  value: 0.25,
};

const gives = (text: string, expected: string): void =>
  test(text, () => expect(expander.expand(text, data)).toBe(expected));

gives(
  '{{ $labels.job }} {{ $value }} {{ $externalLabels.region }} {{ $externalURL }}',
  'node 0.25 eu http://testhost:9090/path/prefix',
);
gives('{{ .Labels.absent }}|{{ $labels.absent }}', '|');
gives(
  '{{ range query "metric" | sortByLabel "instance" }}{{.Labels.instance}}:{{.Value}}: {{end}}',
  'a:11: b:21: ',
);
gives('{{ query "metric" | first | value }}', '21');
gives('{{ query "metric" | first | label "instance" }}', 'b');
gives('{{ range query "metric" | sortByLabel "instance" }}{{ . | strvalue }}{{end}}', 'eleven');
gives(
  '{{ humanize 1.0 }}:{{ humanize 1234567.0 }}:{{ humanize .12 }}:{{ humanize "1024" }}',
  '1:1.235M:120m:1.024k',
);
gives('{{ humanize1024 1048576.0 }}:{{ humanize1024 0.0 }}:{{ humanize1024 1.0 }}', '1Mi:0:1');
gives('{{ range query "metric" }}{{ humanizeDuration .Value }}:{{end}}', '21s:11s:');
gives(
  '{{ humanizeDuration 0.0 }}:{{ humanizeDuration 899.0 }}:{{ humanizeDuration 86400.0 }}:{{ humanizeDuration -3661.0 }}',
  '0s:14m 59s:1d 0h 0m 0s:-1h 1m 1s',
);
gives(
  '{{ humanizeDuration .1 }}:{{ humanizeDuration .0001 }}:{{ humanizeDuration .12345 }}',
  '100ms:100us:123.5ms',
);
gives(
  '{{ -0.22222 | humanizePercentage }}:{{ 0.0 | humanizePercentage }}:{{ 0.1234567 | humanizePercentage }}',
  '-22.22%:0%:12.35%',
);
gives('{{ 1435065584.128 | humanizeTimestamp }}', '2015-06-23 13:19:44.128 +0000 UTC');
gives('{{ "1435065584.128" | humanizeTimestamp }}', '2015-06-23 13:19:44.128 +0000 UTC');
gives('{{ (1435065584.128 | toTime).Format "2006" }} {{ toDuration 1800 }}', '2015 30m0s');
gives('{{ parseDuration "1h2m10ms" }}', '3720.01');
gives('{{ now }}', '1.353755652e+09');
gives(
  '{{ "aa bb CC" | title }}{{ "aa" | toUpper }}{{ reReplaceAll "(a)b" "x$1" "ab" }}',
  'Aa Bb CCAAxa',
);
gives(
  '{{ "foo{bar=\\"x\\"}" | graphLink }} {{ "up" | tableLink }}',
  '/graph?g0.expr=foo%7Bbar%3D%22x%22%7D&g0.tab=0 /graph?g0.expr=up&g0.tab=1',
);
gives(
  '{{ "hostname:1234" | stripPort }} {{ "[::1]:80" | stripPort }} {{ "h" | stripPort }}',
  'hostname ::1 h',
);
gives(
  '{{ "a.example.com:1234" | stripDomain }} {{ "10.1.2.3:80" | stripDomain }}',
  'a:1234 10.1.2.3:80',
);
gives('{{define "x"}}{{.arg0}}:{{.arg1}}{{end}}{{template "x" (args 1 "2")}}', '1:2');
gives(
  '{{ pathPrefix }} {{ externalURL }} {{ urlQueryEscape "a b" }}',
  '/path/prefix http://testhost:9090/path/prefix a+b',
);

const fails = (text: string, message: string): void =>
  test(`${text} fails`, () => expect(() => expander.expand(text, data)).toThrow(message));

fails(
  '{{ query "none" | first }}',
  'error calling first: first() called on vector with no elements',
);
fails('{{ query "bad" }}', 'error calling query: no such thing');
fails(
  '{{ humanize "one" }}',
  'error calling humanize: strconv.ParseFloat: parsing "one": invalid syntax',
);
fails(
  '{{ 9223372036854775808.0 | humanizeTimestamp }}',
  'cannot be represented as a nanoseconds timestamp since it overflows int64',
);
fails('{{ .Bad', 'error parsing template __alert_Test: template: __alert_Test:1:');
fails('{{ .Bad }}', 'error executing template __alert_Test: template: __alert_Test:1:');

test('a failure becomes the text of its place', () => {
  const errors: TemplateError[] = [];
  const text = expander.expandOrExplain('{{ .Bad }}', data, (error) => errors.push(error));
  expect(text).toMatch(/^<error expanding template: error executing template __alert_Test: /);
  expect(errors).toHaveLength(1);
});

test('templates are checked without running queries', () => {
  expect(() => checkAlertTemplate('A', '{{ query "x" | first }}')).not.toThrow();
  expect(() => checkAlertTemplate('A', '{{ nope }}')).toThrow('function "nope" not defined');
});
