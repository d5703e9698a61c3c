// SPDX-License-Identifier: Apache-2.0
// Templates with mistakes in them: what promtool and amtool say of each, beside the real programs.
//
// The packaged ones are built with Go 1.19. What later Go says otherwise is listed here.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { built, entry } from '../e2e/program.ts';
import { newDirectory } from '../new-directory.ts';
import { peerPath } from '../peers.ts';

interface Templates {
  /** Refused when a rule file is read, but for a few. */
  readonly parsed: readonly string[];
  /** Refused when an alert is expanded. */
  readonly executed: readonly string[];
  /** Refused when a notification is written. */
  readonly notifications: readonly string[];
}

const templates = JSON.parse(
  readFileSync(new URL('bad-templates.json', import.meta.url), 'utf8'),
) as Templates;

/** What Go 1.25 says, or takes, where 1.19 says something else. */
const laterGo: Readonly<Record<string, string>> = {
  '{{ if .X }}{{ else with .Y }}{{ end }}': 'unexpected <with> in input',
  '{{ .X) }}': 'unexpected right paren',
  '{{ printf "very long string literal here" ) }}': 'unexpected right paren',
  '{{ call 1 }}': 'error calling call: non-function 1 of type int',
  '{{ call .Value }}': 'error calling call: non-function .Value of type float64',
  '{{ call "x" 1 }}': 'error calling call: non-function "x" of type string',
  '{{ range $x := 3 }}{{ $x }}{{ end }}': '012',
  '{{ range 2 }}{{ . }}{{ end }}': '01',
  '{{ query "" }}': 'unknown position: parse error: no expression found in input',
  '{{ .CommonAnnotations.Names.X }}': "can't evaluate field X in type template.Strings",
};
/** Complex numbers, which are not ours, and a failure of the real one that 3.14 does not have. */
const notOurs: ReadonlySet<string> = new Set(['{{ 1i }}', '{{ externalURL.X }}']);

const real = { promtool: peerPath('promtool'), amtool: peerPath('amtool') };
type Tool = keyof typeof real;

function run(command: string, args: readonly string[], cwd: string): string {
  // Both streams in the order in which they were written.
  const script = ['-c', 'exec "$0" "$@" 2>&1', command, ...args];
  const done = spawnSync('sh', script, { cwd, encoding: 'utf8' });
  return `${done.status}\n${done.stdout}`;
}

const both = (tool: Tool, args: readonly string[], cwd: string): [ours: string, theirs: string] => [
  run(process.execPath, [resolve(entry), tool, ...args], cwd),
  run(real[tool] ?? '', args, cwd),
];

const ruleFile = (texts: readonly string[]): string =>
  JSON.stringify({
    groups: [
      {
        name: 'g',
        rules: texts.map((text, i) => ({
          alert: `A${i}`,
          expr: 'up == 1',
          annotations: { a: text },
        })),
      },
    ],
  });

/** What is said of each template, by its number. */
function said(output: string, begins: RegExp, shown: RegExp): Map<number, string> {
  const texts = new Map<number, string>();
  let current: number | undefined;
  for (const line of output.split('\n')) {
    const begin = begins.exec(line);
    if (begin !== null) current = Number(begin[1]);
    const text = shown
      .exec(line)
      ?.slice(1)
      .find((part) => part !== undefined);
    // The last one counts: before what a test got stands what it expected.
    if (current !== undefined && text !== undefined) texts.set(current, text);
  }
  return texts;
}

function compare(
  texts: readonly string[],
  ours: Map<number, string>,
  theirs: Map<number, string>,
): void {
  const differences: unknown[] = [];
  for (const [i, text] of texts.entries()) {
    if (notOurs.has(text)) continue;
    const [mine, other] = [ours.get(i), theirs.get(i)];
    const later = laterGo[text];
    if (later === undefined ? mine === other : mine?.replaceAll('\\"', '"').includes(later))
      continue;
    differences.push({ text, mine, other });
  }
  expect(differences).toEqual([]);
}

describe.runIf(built && real.promtool !== undefined && real.amtool !== undefined)(
  'templates with mistakes',
  () => {
    test('when rules are read', () => {
      const directory = newDirectory();
      const files = templates.parsed.map((text, i) => {
        writeFileSync(join(directory, `t${i}.yml`), ruleFile([text]));
        return `t${i}.yml`;
      });
      const [ours, theirs] = both('promtool', ['check', 'rules', ...files], directory);
      // 3.14 tells line and column in the file before the rule, 2.42 does not.
      const read = (output: string) =>
        said(output, /^Checking t(\d+)/, /annotation "a": (.*)|(SUCCESS)/);
      compare(templates.parsed, read(ours), read(theirs));
      expect(read(ours).size).toBeGreaterThan(150);
    });

    test('when alerts are expanded', () => {
      const directory = newDirectory();
      writeFileSync(join(directory, 'r.yml'), ruleFile(templates.executed));
      const test = {
        interval: '1m',
        external_labels: { e: 'f' },
        input_series: [{ series: 'up{instance="i",job="j"}', values: '1 1 1' }],
        alert_rule_test: templates.executed.map((_, i) => ({
          eval_time: '1m',
          alertname: `A${i}`,
          exp_alerts: [{ exp_labels: { x: 'y' } }],
        })),
      };
      writeFileSync(
        join(directory, 't.yml'),
        JSON.stringify({ rule_files: ['r.yml'], tests: [test] }),
      );
      const [ours, theirs] = both('promtool', ['test', 'rules', 't.yml'], directory);
      // The value of an alert may be a histogram since 2.43, and the type says so.
      const read = (output: string) =>
        said(
          output.replaceAll('Value float64 }', 'Value interface {} }'),
          /alertname: A(\d+)/,
          /Annotations:\{(.*)\}$/,
        );
      compare(templates.executed, read(ours), read(theirs));
      expect(read(ours).size).toBe(templates.executed.length);
    });

    test('when notifications are written', () => {
      const directory = newDirectory();
      writeFileSync(join(directory, 'x.tmpl'), '{{ define "q" }}{{ end }}');
      const ours = new Map<number, string>();
      const theirs = new Map<number, string>();
      for (const [i, text] of templates.notifications.entries()) {
        const glob = join(directory, '*.tmpl');
        const args = ['template', 'render', `--template.glob=${glob}`, `--template.text=${text}`];
        const [mine, other] = both('amtool', args, directory);
        ours.set(i, mine);
        theirs.set(i, other);
      }
      compare(templates.notifications, ours, theirs);
    }, 60_000);
  },
);
