// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { ConsoleSource } from './index.ts';
import { expandConsole } from './index.ts';

const context = {
  query: (expression: string) => {
    if (expression === 'bad{') throw new Error('1:5: parse error: bad');
    return [{ labels: { __name__: 'up', instance: expression }, value: 1 }];
  },
  nowMs: 0,
  externalUrl: 'http://mon.example/p',
  pathPrefix: '/p',
};

function render(text: string, libraries: ConsoleSource['libraries'] = []): string {
  const params = { job: ['a<b', 'second'], q: ['x'] };
  const source = { name: '/dir/x.html', text, libraries };
  return expandConsole(source, { params, externalLabels: { region: 'eu' } }, context);
}

const gives = (text: string, expected: string): void =>
  test(text, () => expect(render(text)).toBe(expected));

const fails = (text: string, message: string): void =>
  test(`${text} fails`, () => expect(() => render(text)).toThrow(message));

describe('consoles', () => {
  gives('{{ .Params.job }} {{ $params.q }} {{ .Params.none }}|', 'a&lt;b x |');
  gives('{{ .RawParams.job }}{{ $rawParams.none }}', '[a&lt;b second][]');
  gives('{{ .RawParams.Get "job" }}{{ .RawParams.Has "none" }}', 'a&lt;bfalse');
  gives('{{ .Path }} {{ $path }}', 'dir/x.html dir/x.html');
  gives('{{ .ExternalLabels.region }}{{ $externalLabels.region }}', 'eueu');
  gives('{{ pathPrefix }} {{ externalURL }}', '/p http://mon.example/p');
  gives(
    '{{ range query "<x>" }}<b>{{ .Labels.instance }}</b>={{ .Value }}{{ end }}',
    '<b>&lt;x&gt;</b>=1',
  );
  gives(
    '{{ define "n" }}<i>{{ . }}</i>{{ end }}{{ $name := "n" }}{{ tmpl $name "<" }}',
    '<i>&lt;</i>',
  );

  test('libraries bring definitions', () => {
    const libraries = [
      { name: 'a.lib', text: 'ignored{{ define "head" }}<h1>{{ . }}</h1>{{ end }}' },
    ];
    expect(render('{{ template "head" .Path }}', libraries)).toBe('<h1>dir/x.html</h1>');
    expect(() => render('', [{ name: 'a.lib', text: '\n{{ if }}' }])).toThrow(
      'error parsing template files for __console_/dir/x.html: template: a.lib:2: missing value for if',
    );
  });

  fails(
    '{{ query "bad{" }}',
    'error executing template __console_/dir/x.html: template: __console_/dir/x.html:1:',
  );
  fails('{{ query "bad{" }}', 'at <query "bad{">: error calling query: 1:5: parse error: bad');
  fails(
    '{{ nope }}',
    'error parsing template __console_/dir/x.html: template: __console_/dir/x.html:1:',
  );
  fails('{{ tmpl "none" . }}', 'error calling tmpl: html/template: "none" is undefined');
  fails('{{ define "r" }}{{ tmpl "r" . }}{{ end }}{{ tmpl "r" . }}', 'calls of tmpl in each other');
  fails(
    '{{ define "r" }}{{ range 1000 }}x{{ end }}{{ end }}{{ range 100000 }}{{ tmpl "r" . }}{{ end }}',
    'steps',
  );
});
