// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ExpositionError, type ExpositionFormat, ExpositionParser } from './parser.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf8'));
/** One byte a character, so that `\xff` can be written. */
const rawBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** All entries as readable lines. */
function entries(bytes: Uint8Array, format: ExpositionFormat): string[] {
  const parser = new ExpositionParser(format);
  parser.reset(bytes);
  const found: string[] = [];
  for (;;) {
    const kind = parser.next();
    if (kind === 'end') return found;
    if (kind === 'sample') {
      const labels = parser.labels().map(({ name, value }) => `${name}=${value}`);
      const time = parser.timeMs === undefined ? '' : ` @${parser.timeMs}`;
      const { exemplar } = parser;
      const shown = exemplar === undefined ? '' : ` # ${JSON.stringify(exemplar)}`;
      found.push(`${labels.join(',')} ${parser.value}${time}${shown}`);
    } else if (kind === 'help') found.push(`help ${parser.metricName}: ${parser.text}`);
    else if (kind === 'type') found.push(`type ${parser.metricName}: ${parser.metricType}`);
    else if (kind === 'unit') found.push(`unit ${parser.metricName}: ${parser.text}`);
  }
}

const ok = (format: ExpositionFormat, text: string, expected: string[]): void =>
  test(`${format} reads ${JSON.stringify(text)}`, () =>
    expect(entries(bytesOf(text), format)).toEqual(expected));
const bad = (format: ExpositionFormat, text: string, message: string): void =>
  test(`${format} refuses ${JSON.stringify(text)}`, () => {
    expect(() => entries(rawBytes(text), format)).toThrow(ExpositionError);
    let error = '';
    try {
      entries(rawBytes(text), format);
    } catch (thrown) {
      error = String((thrown as Error).message);
    }
    expect(error).toBe(message);
  });

ok('text', '', []);
ok('text', '\n\n', []);
ok('text', 'a 1', ['__name__=a 1']);
ok('text', 'a{b="c",} 7.424100000000001e-05 123\n', ['__name__=a,b=c 0.00007424100000000001 @123']);
ok('text', 'a { b = "2.0" c = "d" }\t1\n', ['__name__=a,b=2.0,c=d 1']);
ok('text', 'a:b{_l="\\"x\\"\\n\\\\"} +Inf\n', ['__name__=a:b,_l="x"\n\\ Infinity']);
ok('text', 'a{b="x\ny"} NaN\nb -inf\n', ['__name__=a,b=x\ny NaN', '__name__=b -Infinity']);
ok('text', '{"my.metric","l.x"="v",y="z"} 3\n', ['__name__=my.metric,l.x=v,y=z 3']);
ok('text', '{y="z","my.metric"} 3\n', ['__name__=my.metric,y=z 3']);
ok('text', '  a 1\n', ['__name__=a 1']);
ok('text', 'a{b="abc\0"} 1', ['__name__=a,b=abc\0 1']);
ok('text', 'a 1\n\0rest is ignored', ['__name__=a 1']);
ok('text', '# HELP a x \\n \\\\ \\" y\n# \tTYPE a summary\na{quantile="1"} 2\n', [
  'help a: x \n \\ \\" y',
  'type a: summary',
  '__name__=a,quantile=1.0 2',
]);
ok('text', '#\n# Hello\n# HELP\n#HELP a b\n# HELP nohelp1\n# HELP nohelp2 \n', [
  'help nohelp1: ',
  'help nohelp2: ',
]);
ok(
  'text',
  '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="1000000"} 1\nh_bucket{le="x"} 1\n',
  [
    'type h: histogram',
    '__name__=h_bucket,le=1.0 1',
    '__name__=h_bucket,le=1e+06 1',
    '__name__=h_bucket,le=x 1',
  ],
);
ok('text', '# TYPE "a.b" untyped\n', ['type a.b: unknown']);
ok('text', 'le{le="1"} 1\n', ['__name__=le,le=1 1']);

bad('text', 'a', 'expected value after metric, got "\\n" ("INVALID") while parsing: "a\\n"');
bad('text', "a{b='c'} 1\n", `expected label value, got "'" ("INVALID") while parsing: "a{b='"`);
bad('text', 'a{b=\n', 'expected label value, got "\\n" ("INVALID") while parsing: "a{b=\\n"');
bad(
  'text',
  'a{\xff="foo"} 1\n',
  'expected label name, got "\\xff" ("INVALID") while parsing: "a{\\xff"',
);
bad('text', 'a{b="\xff"} 1\n', 'invalid UTF-8 label value: "\\"\\xff\\""');
bad(
  'text',
  '{"a", "b = "c"}',
  'expected equal, got "c\\"" ("LNAME") while parsing: "{\\"a\\", \\"b = \\"c\\""',
);
bad(
  'text',
  '{"a",b\\nc="d"} 1',
  'expected equal, got "\\\\" ("INVALID") while parsing: "{\\"a\\",b\\\\"',
);
bad(
  'text',
  'a true\n',
  'strconv.ParseFloat: parsing "true": invalid syntax while parsing: "a true"',
);
bad(
  'text',
  'something_weird{problem="',
  'expected label value, got "\\"\\n" ("INVALID") while parsing: "something_weird{problem=\\"\\n"',
);
bad(
  'text',
  'empty_label_name{=""} 0',
  'expected label name, got "=\\"" ("EQUAL") while parsing: "empty_label_name{=\\""',
);
bad('text', 'foo 1_2\n', 'unsupported character in float while parsing: "foo 1_2"');
bad('text', 'foo 0x1p-3\n', 'unsupported character in float while parsing: "foo 0x1p-3"');
bad(
  'text',
  'foo 0 1_2\n',
  'expected next entry after timestamp, got "_" ("INVALID") while parsing: "foo 0 1_"',
);
bad('text', '{a="ok"} 1', 'metric name not set while parsing: "{a=\\"ok\\"} 1"');
bad(
  'text',
  '# TYPE #\n#EOF\n',
  'expected metric name after TYPE, got "#" ("INVALID") while parsing: "# TYPE #"',
);
bad(
  'text',
  'a 1 -5\n',
  'expected timestamp or new record, got "-" ("INVALID") while parsing: "a 1 -"',
);
bad('text', '9 1\n', 'expected a valid start token, got "9" ("INVALID") while parsing: "9"');
bad(
  'text',
  'a 1e999\n',
  'strconv.ParseFloat: parsing "1e999": value out of range while parsing: "a 1e999"',
);
bad(
  'text',
  'a 1 99999999999999999999\n',
  'strconv.ParseInt: parsing "99999999999999999999": value out of range while parsing: ' +
    '"a 1 99999999999999999999"',
);
bad(
  'text',
  'a\xff 1\n',
  'strconv.ParseFloat: parsing "\\xff": invalid syntax while parsing: "a\\xff"',
);
bad('text', '# TYPE a bogus\n', 'invalid metric type "bogus"');
bad('text', '# HELP a \xff\n', 'help text "\\xff" is not a valid utf8 string');
bad('text', 'a{"b","c"} 1\n', 'metric name already set while parsing: "a{\\"b\\","');
bad(
  'text',
  'a{b=\0"ssss"} 1\n',
  'expected label value, got "\\x00" ("INVALID") while parsing: "a{b=\\x00"',
);
bad(
  'text',
  'a{b="\0',
  'expected label value, got "\\"\\x00\\n" ("INVALID") while parsing: "a{b=\\"\\x00\\n"',
);
bad(
  'text',
  'a\0{b="d"} 1',
  'expected value after metric, got "\\x00" ("INVALID") while parsing: "a\\x00"',
);

const om = (text: string, expected: string[]): void => ok('openmetrics', text, expected);
const badOm = (text: string, message: string): void => bad('openmetrics', text, message);
om('# EOF', []);
om('# EOF\n', []);
om('a 1 123.123\n# EOF\n', ['__name__=a 1 @123123']);
om('# UNIT go_gc_seconds seconds\n# UNIT nounit \n# HELP m \\n \\" \\x\n# EOF\n', [
  'unit go_gc_seconds: seconds',
  'unit nounit: ',
  'help m: \n " \\x',
]);
om('# TYPE ss stateset\nss{ss="a"} 1\n# TYPE ii info\nii{a="b"} 1\n# EOF\n', [
  'type ss: stateset',
  '__name__=ss,ss=a 1',
  'type ii: info',
  '__name__=ii,a=b 1',
]);
om('a_total 1 # {id="x"} 4\nb 1 2 # {"i.d"="x",y="z"} 4 5.5\n# EOF', [
  '__name__=a_total 1 # {"labels":[{"name":"id","value":"x"}],"value":4}',
  '__name__=b 1 @2000 # {"labels":[{"name":"i.d","value":"x"},{"name":"y","value":"z"}],' +
    '"value":4,"timeMs":5500}',
]);
badOm('', 'data does not end with # EOF');
badOm('\n', 'expected a valid start token, got "\\n" ("INVALID") while parsing: "\\n"');
badOm('metric', 'expected value after metric, got "metric" ("EOF") while parsing: "metric"');
badOm('metric 1', 'data does not end with # EOF');
badOm('metric 1\n', 'data does not end with # EOF');
badOm('metric_total 1 # {aa="bb"} 4', 'data does not end with # EOF');
badOm(' a 1\n', 'expected a valid start token, got " " ("INVALID") while parsing: " "');
badOm('# TYPE c counter \n', 'invalid metric type "counter "');
badOm('#  TYPE c', 'expected a valid start token, got "#  " ("INVALID") while parsing: "#  "');
badOm(
  '# TYPE \n#EOF\n',
  'expected metric name after TYPE, got "\\n" ("INVALID") while parsing: "# TYPE \\n"',
);
badOm('# TYPE m\n#EOF\n', 'expected text in TYPE');
badOm('# UNIT metricsuffix suffix\n', 'unit "suffix" not a suffix of metric "metricsuffix"');
badOm('a\t1\n', 'expected value after metric, got "\\t" ("INVALID") while parsing: "a\\t"');
badOm('a 1\t2\n', 'strconv.ParseFloat: parsing "1\\t2": invalid syntax while parsing: "a 1\\t2"');
badOm(
  'a 1 2 \n',
  'expected next entry after timestamp, got " \\n" ("INVALID") while parsing: "a 1 2 \\n"',
);
badOm('a 1 \n', 'expected timestamp or # symbol, got " \\n" ("INVALID") while parsing: "a 1 \\n"');
badOm(
  'a 1 2 #\n',
  'expected next entry after timestamp, got " #\\n" ("TIMESTAMP") while parsing: "a 1 2 #\\n"',
);
badOm('a 1 1z\n', 'strconv.ParseFloat: parsing "1z": invalid syntax while parsing: "a 1 1z"');
badOm('# EOF\na 1', 'unexpected data after # EOF');
badOm('# EOFa 1', 'unexpected data after # EOF');
badOm('#\tTYPE', 'expected a valid start token, got "#\\t" ("INVALID") while parsing: "#\\t"');
badOm('a{,b="c"} 1\n', 'expected label name, got ",b" ("COMMA") while parsing: "a{,b"');
badOm(
  'a{b="c"d="e"} 1\n',
  'expected comma or brace close, got "d=" ("LNAME") while parsing: "a{b=\\"c\\"d="',
);
badOm(
  'm 1 # {aa="bb"}\n# EOF\n',
  'expected value after exemplar labels, got "\\n" ("INVALID") while parsing: "m 1 # {aa=\\"bb\\"}\\n"',
);
badOm('m 1 # {bb}', 'expected label name, got "}" ("BCLOSE") while parsing: "m 1 # {bb}"');
badOm('m 1 # {aa=bb}', 'expected label value, got "b" ("INVALID") while parsing: "m 1 # {aa=b"');
badOm('a 1 NaN', 'invalid timestamp NaN');
badOm('a 1 Inf', 'invalid timestamp +Inf');
badOm('a 1 # {a="b"} 4 -Inf', 'invalid exemplar timestamp -Inf');
badOm('#', 'expected a valid start token, got "#" ("INVALID") while parsing: "#"');
badOm('# H', 'expected a valid start token, got "# H" ("INVALID") while parsing: "# H"');
badOm('a{b="\0', 'expected label value, got "\\"\\x00" ("INVALID") while parsing: "a{b=\\"\\x00"');

const folder = process.env.HEARTH_CONFORMANCE ?? '../shared/conformance';
const bodies: [string, ExpositionFormat, number][] = [
  ['1histogram.om.txt', 'openmetrics', 0],
  ['alltypes.237mfs.nometa.prom.txt', 'text', 0],
  ['alltypes.237mfs.prom.txt', 'text', 0],
  ['alltypes.5mfs.om.txt', 'openmetrics', 0],
];
const present = existsSync(join(folder, 'exposition'));
if (!present && process.env.CI === 'true') throw new Error(`no conformance data in ${folder}`);

for (const [name, format] of bodies) {
  test.skipIf(!present)(`reads every line of ${name}`, () => {
    const bytes = new Uint8Array(readFileSync(join(folder, 'exposition', name)));
    const found = entries(bytes, format);
    const lines = Buffer.from(bytes).toString().split('\n');
    const expected = lines.filter((line) => line !== '' && line !== '# EOF');
    expect(found).toHaveLength(expected.length);
    for (const [i, line] of expected.entries()) {
      if (line.startsWith('#')) continue;
      const value = /[}\w] ([^ ]+)( # .*)?$/.exec(line)?.[1] ?? '';
      const shown = /^\S*?.* ([^ ]+)( @| # |$)/.exec(found[i] ?? '');
      expect(shown).not.toBeNull();
      if (!line.includes(' # '))
        expect(found[i]?.endsWith(` ${Number(value.replace('Inf', 'Infinity'))}`)).toBe(true);
    }
  });

  test.skipIf(!present)(`${name} cut anywhere never hangs and fails only with a message`, () => {
    const whole = new Uint8Array(readFileSync(join(folder, 'exposition', name))).subarray(0, 6000);
    for (let length = 0; length < whole.length; length += whole.length > 5000 ? 3 : 1) {
      try {
        entries(whole.subarray(0, length), format);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpositionError);
      }
    }
  });
}

test('random bytes never crash the parser', () => {
  const alphabet = 'a{}="\\\n #1.e+-, \0HELPTYPEOF\xff';
  let state = 12345;
  for (let round = 0; round < 4000; round++) {
    let text = '';
    for (let i = 0; i < 40; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      text += alphabet[(state >>> 16) % alphabet.length];
    }
    for (const format of ['text', 'openmetrics'] as const) {
      try {
        entries(rawBytes(text), format);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpositionError);
      }
    }
  }
});
