// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { Value } from './index.ts';
import {
  alertFunctions,
  DurationValue,
  GoMap,
  Int,
  Struct,
  TemplateError,
  TemplateSet,
  TimeValue,
} from './index.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const data = new Struct('main.T', {
  Name: 'disk',
  Count: new Int(3),
  Value: 1.5,
  List: ['a', 'b', 'c'],
  Labels: GoMap.ofStrings({ job: 'node', b: 'x' }),
  Any: new GoMap([['k', 1]], 'map[string]interface {}', undefined),
  Empty: [],
  Time: new TimeValue(NOW),
  Nil: undefined,
});

function render(text: string, dot: Value = data): string {
  const set = new TemplateSet(alertFunctions(() => NOW));
  set.parse('t', text);
  return set.text('t', dot);
}

const gives = (text: string, expected: string, dot: Value = data): void =>
  test(text, () => expect(render(text, dot)).toBe(expected));

const fails = (text: string, message: string): void =>
  test(`${text} fails`, () => {
    expect(() => render(text)).toThrow(TemplateError);
    expect(() => render(text)).toThrow(message);
  });

describe('text and values', () => {
  gives('plain', 'plain');
  gives('{{.Name}}-{{.Count}}-{{.Value}}', 'disk-3-1.5');
  gives('{{"quoted\\n\\u00e9"}}{{`raw\\n`}}', 'quoted\néraw\\n');
  gives(
    "{{'a'}} {{0x10}} {{1e3}} {{1_000}} {{-5}} {{1e21}} {{1e-7}}",
    '97 16 1000 1000 -5 1e+21 1e-07',
  );
  gives('{{true}} {{.Nil}} {{.List}} {{.Labels}}', 'true <no value> [a b c] map[b:x job:node]');
  gives('{{.Labels.job}}{{.Labels.absent}}|{{.Any.absent}}', 'node|<no value>');
  gives('a {{- .Name -}} b', 'adiskb');
  gives('a {{/* note */}} b{{- /* note */ -}} c', 'a  bc');
});

describe('control', () => {
  gives('{{if .Empty}}a{{else if eq .Count 3}}b{{else}}c{{end}}', 'b');
  gives('{{with .Name}}{{.}}{{$.Count}}{{else}}none{{end}}', 'disk3');
  gives('{{with .Empty}}x{{else with .Name}}{{.}}{{end}}', 'disk');
  gives('{{range $i, $e := .List}}{{$i}}{{$e}} {{end}}', '0a 1b 2c ');
  gives('{{range .Empty}}x{{else}}none{{end}}', 'none');
  gives('{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}', 'b=x;job=node;');
  gives('{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', 'ac');
  gives('{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a');
  gives('{{range 3}}{{.}}{{end}}', '012');
  gives('{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{$y}}{{end}}{{$x}}', '32');
  gives('{{define "d"}}<{{.}}>{{end}}{{template "d" .Name}}{{template "d"}}', '<disk><<no value>>');
  gives('{{block "b" .Name}}[{{.}}]{{end}}', '[disk]');
});

describe('functions', () => {
  gives('{{.Name | printf "%s:%d" "x" | len}}', '18');
  gives(
    '{{printf "%5.2f|%-5s|%05d|%x|%q|%v|%t|%%" .Value .Name .Count "hi" "a\\"b" .List true}}',
    ' 1.50|disk |00003|6869|"a\\"b"|[a b c]|true|%',
  );
  gives(
    '{{printf "%d" .Value}}{{printf "%s"}}{{printf "x" 1}}',
    '%!d(float64=1.5)%!s(MISSING)x%!(EXTRA int=1)',
  );
  gives('{{printf "%.3g %g %e" 1234.5 100000.0 12.0}}', '1.23e+03 100000 1.200000e+01');
  gives('{{index .List 1}}{{index .Labels "job"}}{{slice .Name 1 3}}', 'bnodeis');
  gives('{{and .Name .Count}} {{or .Empty "x"}} {{not .Empty}}', '3 x true');
  gives('{{eq .Name "a" "disk"}}{{ne 1 2}}{{lt 1 2}}{{ge "b" "a"}}', 'truetruetruetrue');
  gives(
    '{{html "<a href=\'x\'>"}} {{js "it\'s"}} {{urlquery "a b&c"}}',
    "&lt;a href=&#39;x&#39;&gt; it\\'s a+b%26c",
  );
  gives('{{print 1 2 "a" "b" 3}}|{{println "a" 1}}', '1 2ab3|a 1\n');
  gives(
    '{{toUpper "a"}}{{title "low disk"}}{{trimSpace " x "}}{{join "-" .List}}',
    'ALow Diskxa-b-c',
  );
  gives(
    '{{reReplaceAll "(\\\\d+)-(\\\\w)" "$2$1" "12-a 3-b"}}{{match "^d.s" .Name}}',
    'a12 b3true',
  );
  gives(
    '{{toJson .Labels}}{{dict "a" 1 | toJson}}{{list 1 "a" | toJson}}',
    '{"b":"x","job":"node"}{"a":1}[1,"a"]',
  );
  gives('{{base64encode "a?>"}}{{base64decode "YT8-"}}', 'YT8-a?>');
  gives('{{(index .List 0) | printf "%s!"}}', 'a!');
});

describe('time', () => {
  gives('{{.Time}}', '2026-01-02 03:04:05 +0000 UTC');
  gives(
    '{{.Time.Format "Mon Jan _2 3:04PM 06 MST -0700 .000"}}',
    'Fri Jan  2 3:04AM 26 UTC +0000 .000',
  );
  gives(
    '{{date "2006-01-02T15:04:05Z07:00" (tz "Europe/Berlin" .Time)}}',
    '2026-01-02T04:04:05+01:00',
  );
  gives(
    '{{.Time.Unix}} {{.Time.Weekday}} {{.Time.Month}} {{.Time.YearDay}}',
    '1767323045 Friday January 2',
  );
  gives('{{since (toDate "2006-01-02" "2026-01-02")}} {{(since .Time).Seconds}}', '3h4m5s 0');
  gives('{{humanizeDuration 3661}} {{humanizeDuration 0.0123}}', '1h 1m 1s 12.3ms');
  test('durations print as Go prints them', () => {
    const texts = [0, 1e-6, 0.0015, 1.5, 1500, 61_000, 3_600_000].map((ms) =>
      new DurationValue(ms).text?.(),
    );
    expect(texts).toEqual(['0s', '1ns', '1.5µs', '1.5ms', '1.5s', '1m1s', '1h0m0s']);
  });
});

describe('mistakes', () => {
  fails('{{', 'template: t:1: unclosed action');
  fails('a\n{{.Name', 'template: t:2: unclosed action');
  fails('{{nope}}', 'template: t:1: function "nope" not defined');
  fails('{{$x}}', 'template: t:1: undefined variable "$x"');
  fails('{{if .Name}}', 'template: t:1: unexpected EOF');
  fails('{{end}}', 'template: t:1: unexpected {{end}}');
  fails('{{else}}', 'template: t:1: unexpected {{else}}');
  fails('{{if}}x{{end}}', 'template: t:1: missing value for if');
  fails('{{"a}}', 'template: t:1: unterminated quoted string');
  fails('{{break}}', 'template: t:1: {{break}} outside {{range}}');
  fails('{{.Name | 3}}', 'template: t:1: non executable command in pipeline stage 2');
  fails('{{/* a }}', 'template: t:1: unclosed comment');
  fails(
    'x{{.Absent}}',
    'template: t:1:3: executing "t" at <.Absent>: can\'t evaluate field Absent in type main.T',
  );
  fails(
    '{{template "no"}}',
    'template: t:1:11: executing "t" at <{{template "no"}}>: template "no" not defined',
  );
  fails('{{toUpper 1}}', 'executing "t" at <1>: expected string; found 1');
  fails(
    '{{toUpper .Value}}',
    'executing "t" at <.Value>: wrong type for value; expected string; got float64',
  );
  fails(
    '{{toUpper}}',
    'executing "t" at <toUpper>: wrong number of args for toUpper: want 1 got 0',
  );
  fails('{{eq 1 1.0}}', 'error calling eq: incompatible types for comparison');
  fails('{{index .List 9}}', 'error calling index: index out of range: 9');
  fails('{{range .Value}}{{end}}', "range can't iterate over 1.5");
  fails('{{.Name.Foo}}', "can't evaluate field Foo in type string");
  fails('{{define "r"}}{{template "r"}}{{end}}{{template "r"}}', 'exceeded maximum template depth');
});

describe('limits', () => {
  test('a loop ends', () => {
    expect(() => render('{{range 100000000}}{{range 100}}{{end}}{{end}}')).toThrow(
      /more than .* steps/,
    );
  });
  test('an explosion ends', () => {
    const set = new TemplateSet({}, { stepsMax: 1e9, depthMax: 100, outputMax: 100_000 });
    set.parse('t', `{{range 1000000}}${'x'.repeat(100)}{{end}}`);
    expect(() => set.text('t', undefined)).toThrow(/output longer than/);
  });
  test('deep nesting is refused, not fatal', () => {
    expect(() => render('{{if true}}'.repeat(5000) + '{{end}}'.repeat(5000))).toThrow(
      /nested deeper/,
    );
    expect(() => render(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`)).toThrow(/nested deeper/);
  });
});

describe('html', () => {
  const html = (name: string, text: string, value: Value, expected: string): void =>
    test(name, () => {
      const set = new TemplateSet(alertFunctions(() => NOW));
      set.parse('t', text);
      expect(set.html('t', value)).toBe(expected);
    });
  html('text', '<b>{{.}}</b>', '<i>&"', '<b>&lt;i&gt;&amp;&#34;</b>');
  html('safe text stays', '<b>{{safeHtml .}}</b>', '<i>x</i>', '<b><i>x</i></b>');
  html('attributes', '<a title="{{.}}">', 'a "b"', '<a title="a &#34;b&#34;">');
  html('URLs', '<a href="{{.}}">', 'javascript:alert(1)', '<a href="#ZgotmplZ">');
  html(
    'URLs of good schemes',
    '<a href="{{.}}">',
    'https://h/a b?x=1&y',
    '<a href="https://h/a%20b?x=1&amp;y">',
  );
  html('query parts', '<a href="/x?q={{.}}">', 'a&b c', '<a href="/x?q=a%26b%20c">');
  html('escaped query parts', '<a href="/x?{{urlquery .}}">', 'a&b c', '<a href="/x?a%26b&#43;c">');
  html(
    'escaped paths',
    '<a href="/{{urlquery .}}">{{urlquery .}}',
    'a b',
    '<a href="/a&#43;b">a&#43;b',
  );
  html(
    'scripts',
    '<script>var x = {{.}};</script>',
    '</script>',
    '<script>var x = "\\u003c/script\\u003e";</script>',
  );
  html('after a script', '<script>a</script><p>{{.}}</p>', '<', '<script>a</script><p>&lt;</p>');
  html('styles', '<p style="color:{{.}}">', 'red;x:expression(1)', '<p style="color:ZgotmplZ">');
  html('comments', 'a<!-- {{.}} -->{{.}}', '<', 'a&lt;');
  html(
    'comments of scripts and styles',
    "<style>/* it's */p{}</style><script>a // don't\n/* \n */ b = {{.}}; c = /'/g; d = '{{.}}'</script>",
    '/',
    `<style> p{}</style><script>a \n\n b = "/"; c = /'/g; d = '\\/'</script>`,
  );
  html('numbers in scripts', '<script>f({{.}})</script>', 1.5, '<script>f( 1.5 )</script>');
  html(
    'strings of scripts in attributes',
    `<p onclick="f('{{.}}')">`,
    '"',
    `<p onclick="f('\\u0022')">`,
  );
  html('no quotes', '<p class={{.}}>', 'a b', '<p class=a&#32;b>');
  html('names of attributes', '<p {{.}}=x {{.}}>', 'onclick', '<p ZgotmplZ=x ZgotmplZ>');
  html('what a pipeline made HTML', '{{. | html}}', '<+', '&lt;+');
  html(
    'values are no part of a URL',
    '<a href="{{.}}{{.}}">',
    'a?b&',
    '<a href="a?b&amp;a?b&amp;">',
  );
  html(
    'scripts that are none',
    '<script type="text/x">{{.}}</script>',
    "'",
    '<script type="text/x">&#39;</script>',
  );
  const refuses = (text: string, message: string): void =>
    test(`${text} is refused`, () => {
      const set = new TemplateSet({});
      set.parse('t', text);
      expect(() => set.html('t', '')).toThrow(message);
    });
  refuses('<p>{{template "x"}}', 'html/template:t:1:14: no such template "x"');
  refuses('{{if .}}{{block "y" .}}{{template "x"}}{{end}}{{end}}', 'no such template "x"');
  refuses(
    '<a title="x',
    'html/template:t: ends in a non-text context: {stateAttr delimDoubleQuote urlPartNone jsCtxRegexp [] attrNone elementNone <nil>}',
  );
});

test('later definitions win, empty ones do not, clones go their own way', () => {
  const set = new TemplateSet({});
  set.parse('a', '{{define "x"}}1{{end}}');
  set.parse('b', '{{define "x"}}2{{end}}');
  set.parse('c', '{{define "x"}}  {{end}}');
  const copy = set.clone();
  copy.parse('d', '{{define "x"}}3{{end}}');
  expect([set.text('x', undefined), copy.text('x', undefined)]).toEqual(['2', '3']);
});
