// SPDX-License-Identifier: Apache-2.0
// Our amtool beside the real one: the same words, against the real Alertmanager and against ours, give the
// same output, the same error and the same exit code.
//
// Known differences of 0.25 (the packaged one) to 0.34 (what we are), each tested below:
// - `config routes` shows what a route groups by;
// - alerts in JSON say by which time intervals they are muted;
// - `config -o extended` and `silence update -q` show texts where 0.25 shows addresses in memory;
// - there is no default Alertmanager: the one of 0.25 is the packager's;
// - a silence that is not there is a 404.
// Ours alone: errors of configurations name the file and the place; a configuration whose secrets the
// Alertmanager has hidden can be read; an import with failures fails; `-` is the standard input.

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { amtool, type CommandHost, withFileDefaults } from '../../src/commands/index.ts';
import { createHost, runProgram } from '../../src/targets/promtool.ts';
import { built, eventually, freePort, Stage } from '../e2e/program.ts';
import { peerPath } from '../peers.ts';

const stage = new Stage();
afterAll(() => stage.close());

const realPath = peerPath('prometheus-alertmanager');
const amtoolPath = peerPath('amtool');

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs ours in this process. */
async function ours(args: readonly string[], input?: string, home = '/none'): Promise<Outcome> {
  let [out, err] = ['', ''];
  const host: CommandHost = {
    ...createHost(),
    environment: { HOME: home },
    readInput: () => Promise.resolve(input),
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  };
  const program = withFileDefaults(amtool, host);
  const code = await runProgram({ ...program, name: 'amtool' }, args, host);
  return { code, out, err };
}

const theirs = (args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(amtoolPath ?? '', args, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });

/** Without the warning that versions differ, and without the empty lines after errors. */
const comparable = ({ code, out, err }: Outcome): Outcome => ({
  code,
  out,
  err: err.replace(/^Warning: amtool version .*\n/gm, '').trimEnd(),
});

async function expectSame(args: readonly string[]): Promise<Outcome> {
  const [mine, real] = await Promise.all([ours(args), theirs(args)]);
  expect(comparable(mine), args.join(' ')).toEqual(comparable(real));
  return mine;
}

const configText = `
route:
  receiver: default
  group_by: ['...']
  routes:
  - matchers: [team="db"]
    receiver: db
    continue: true
    routes:
    - matchers: ['a=~"x|y"', 'b!="z"']
  - matchers: [alertname=~"Muted.*"]
    receiver: db
receivers:
- name: default
- name: db
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
  equal: [dc]
`;
const grouped = configText.replace("['...']", '[dc, job]');
const hidden = configText.replace(
  '- name: db',
  "- name: db\n  webhook_configs: [{url: 'http://127.0.0.1:9/x'}]",
);

async function start(kind: 'ours' | 'real', text = configText): Promise<string> {
  const directory = stage.directory();
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'am.yml');
  writeFileSync(config, text);
  const args = [
    `--config.file=${config}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ];
  if (kind === 'ours') stage.hearth(['alertmanager', ...args]);
  else stage.run(realPath ?? '', args);
  await eventually(`${kind} is ready`, async () => {
    const response = await fetch(`http://${address}/-/ready`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
  return `http://${address}`;
}

/** Two alerts of which one is silenced, and two silences. @returns the ids of the silences */
async function fill(url: string): Promise<string[]> {
  const run = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await ours([`--alertmanager.url=${url}`, ...args]);
    expect(code, err).toBe(0);
    return out.trim();
  };
  const until = '--end=2999-12-01T00:00:00Z';
  await run('alert', 'add', 'Foo', 'node=a', '--annotation=summary=full', '--annotation=b=<c>');
  await run('alert', 'add', 'alertname=Bär', 'team=db', '--start=2026-01-24T10:00:00+01:00');
  const ids = [
    await run('silence', 'add', 'Foo', 'node=~a|b', '-c', 'hi', '-a', 'me'),
    await run('silence', 'add', 'x!~y', 'z="q \\"k\\""', '-c', 'hi there', '-a', 'you', until),
  ];
  await eventually('the alert is silenced', async () =>
    (await run('alert', '-s')).includes('Foo') ? true : undefined,
  );
  return ids;
}

const missing = '00000000-0000-4000-8000-000000000000';

/** What gives the same with every server; `ID` is a silence. */
const commonCommands: readonly string[] = [
  'alert',
  '-o extended alert -s -a',
  'alert query Foo -s',
  'alert team=~d.',
  'alert team=db x',
  'alert -r db',
  'alert -r (',
  'alert query -o foo',
  'alert -i',
  '--date.format=2006/01/02 alert',
  'alert add Foo =',
  'alert add Foo a=~b',
  'alert add Foo --start=xx',
  'alert --timeout=1ns',
  'silence',
  'silence -o extended',
  'silence -o json',
  'silence query -q',
  'silence query Foo',
  'silence --within 2h',
  'silence --within 2x',
  'silence --created-by you',
  'silence add',
  'silence add Foo',
  'silence add Foo -c hi -d 0s',
  'silence add Foo -c hi -d bad',
  'silence add Foo -c hi --start xx',
  'silence add a!=b Foo -c hi',
  'silence add a=~.* -c hi',
  'silence add a=b -c hi --end 2006-12-01T00:00:00Z',
  'silence update ID -d 3h -c new',
  'silence update',
  'silence update nope',
  `silence update ${missing}`,
  'silence update ID --end 2006-01-02T15:04:05Z',
  'silence update ID -d 0s',
  'silence expire',
  'silence expire nope',
  'silence import nofile',
  'config',
  'config -o json',
  'config routes',
  'config routes show',
  'config routes test',
  'config routes test team=db a=x',
  'config routes test --tree team=db a=x',
  'config routes test --tree x=db --verify.receivers=db',
  'config routes test team=db --verify.receivers=db',
  'config routes test x=~y',
  'config routes test foo',
  'cluster',
  'cluster -o extended',
  'cluster show -o json',
  'alert foo --bar',
];

const canCompare = built && realPath !== undefined && amtoolPath !== undefined;

for (const kind of ['real', 'ours'] as const) {
  describe.runIf(canCompare)(`against the ${kind} Alertmanager`, () => {
    let url = '';
    let ids: string[] = [];
    const at = (words: string): string[] => [
      `--alertmanager.url=${url}`,
      ...words.split(' ').map((word) => (word === 'ID' ? (ids[0] ?? '') : word)),
    ];
    beforeAll(async () => {
      url = await start(kind);
      ids = await fill(url);
    }, 30_000);

    test('the same answers', async () => {
      for (const words of commonCommands) await expectSame(at(words));
    }, 30_000);

    test('alerts as JSON', async () => {
      const [mine, real] = await Promise.all([
        ours(at('-o json alert -s -a')),
        theirs(at('-o json alert -s -a')),
      ]);
      expect(mine.out).toContain('\\u003cc\\u003e');
      expect(mine.out.replaceAll('"mutedBy":[],', '')).toBe(real.out);
      expect(mine.out.includes('mutedBy')).toBe(kind === 'ours');
    });

    test('what 0.25 shows as addresses in memory', async () => {
      const config = await ours(at('config -o extended'));
      expect(config.out).toMatch(/routes:[\s\S]*\nversion \d+\.\d+[\s\S]*\nuptime 20/);
      const updated = await ours(at('silence update -q -d 4h ID'));
      expect(updated.out).toBe(`${ids[0]}\n`);
    });

    test('export, expire, import', async () => {
      const json = (await ours(at('silence -o json'))).out;
      expect((await ours(at('silence expire ID'))).code).toBe(0);
      expect((await expectSame(at('silence --expired --within 1h'))).out).toContain('Foo');
      // The one that ended becomes a new one; the other keeps its id.
      const imported = (await ours(at('silence import -w 1'), json)).out.trim().split('\n');
      expect(imported).toHaveLength(2);
      expect(imported).toContain(ids[1]);
      expect(imported).not.toContain(ids[0]);
      await expectSame(at('silence query Foo'));
      const forced = (await ours(at('silence import --force'), json)).out.trim().split('\n');
      expect(forced).not.toContain(ids[1]);
      const bad = await ours(at('silence import'), '[{}]');
      expect(bad.code).toBe(1);
      expect(bad.err).toContain("couldn't import 1 out of 1 silences");
      expect((await ours(at('silence import'), '')).err).toContain('is it JSON?: EOF');
      const gone = await ours(at(`silence expire ${missing}`));
      expect(gone.code).toBe(1);
      expect(gone.err).toMatch(/deleteSilence(?:NotFound|InternalServerError)/);
    });
  });
}

describe.runIf(canCompare)('routes of a running Alertmanager', () => {
  test('hidden secrets and what routes group by', async () => {
    const url = await start('ours', hidden);
    const routes = ['config', 'routes'];
    expect((await ours([`--alertmanager.url=${url}`, ...routes])).out).toContain('receiver: db');
    const file = join(stage.directory(), 'grouped.yml');
    writeFileSync(file, grouped);
    const shown = await ours([...routes, `--config.file=${file}`]);
    const real = await theirs([...routes, `--config.file=${file}`]);
    expect(shown.out).toContain('default-route  receiver: default  grouping: [dc,job]\n');
    expect(shown.out.replaceAll('  grouping: [dc,job]', '')).toBe(real.out);
  }, 30_000);
});

describe.runIf(amtoolPath !== undefined)('without an Alertmanager', () => {
  const directory = stage.directory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };

  test('check-config', async () => {
    const good = file('good.yml', configText);
    const bad = file('bad.yml', 'route: {receiver: x}');
    file('broken.tmpl', '{{ define "x" }}');
    const templates = file(
      'templates.yml',
      `${configText}templates: ['${directory}/*.tmpl', '${directory}/*.none']\n`,
    );
    await expectSame(['check-config', good]);
    await expectSame(['check-config', `${directory}/none`]);
    expect((await expectSame(['check-config', templates])).out).toContain('unexpected EOF');
    const piped = await ours(['check-config'], configText);
    expect(piped.out.replace('/dev/stdin', good)).toBe((await theirs(['check-config', good])).out);
    expect((await ours(['check-config', '-'], configText)).out).toContain('SUCCESS');
    const failed = await ours(['check-config', good, bad]);
    expect(failed.code).toBe(1);
    expect(failed.out).toContain('FAILED');
    expect(failed.out).toContain('undefined receiver "x" used in route');
    expect(failed.err).toContain('failed to validate 1 file(s)');
  });

  test('template render', async () => {
    file(
      'good.tpl',
      '{{ define "x" }}Hi {{ .Status }} {{ range .Alerts }}{{ .Labels.b }}{{ end }}{{ end }}',
    );
    const data = file(
      'data.json',
      '{"status":"firing","alerts":[{"status":"firing","labels":{"b":"c<"},"startsAt":"2020-01-01T00:00:00Z"}]}',
    );
    const render = (text: string, ...more: string[]) =>
      expectSame([
        'template',
        'render',
        `--template.glob=${directory}/*.tpl`,
        `--template.text=${text}`,
        ...more,
      ]);
    await render('{{ template "x" . }}{{ .CommonLabels.SortedPairs.Values | join "," }}');
    await render('{{ .ExternalURL }}{{ range .Alerts }}{{ .Fingerprint }}{{ .Labels }}{{ end }}');
    await render('{{ .Foo }}');
    const facts =
      '{{ .Alerts.Firing | len }} {{ with index .Alerts 0 }}{{ .StartsAt }} {{ .EndsAt }}{{ end }}';
    await render(`{{ template "x" . }} ${facts}`, `--template.data=${data}`);
    const html = await render(
      '<!DOCTYPE html><b>a < {{ .Status }} <3<{{ template "x" . }}</b>',
      `--template.data=${data}`,
      '--template.type=html',
    );
    expect(html.out).toContain('c&lt;');
    await render('x', '--template.data=none');
    await render('x', '--template.type=pdf');
    const builtIn = await ours([
      ...['template', 'render', `--template.glob=${directory}/*.none`],
      '--template.text={{ template "slack.default.title" . }}',
    ]);
    expect(builtIn.out).toBe('[ALERTSTATUS] grouplabelvalue1 grouplabelvalue2 ');
  });

  test('wrong words', async () => {
    for (const words of ['foo', 'template', '--nope', 'config routes --config.file=none'])
      await expectSame(words.split(' '));
    const dead = '--alertmanager.url=http://127.0.0.1:1';
    for (const words of ['alert', 'config']) await expectSame([dead, words]);
    expect((await ours(['alert'])).err).toContain('required flag --alertmanager.url not provided');
    expect((await ours(['config', 'routes', 'test'])).err).toContain('--config.file or');
    expect((await ours(['silence', '--help'])).out).toContain('silence query');
  });

  test('completion', async () => {
    const complete = (words: string): string[] => ['--completion-bash', ...words.split(' ')];
    const lines = ({ out }: Outcome): string[] => out.trim().split('\n');
    await expectSame(complete('silence'));
    const typed = complete('silence query --');
    const newer = ['--id', '--enable-feature'];
    const shown = lines(await ours(typed));
    expect(shown).toEqual(expect.arrayContaining(newer));
    expect(shown.filter((flag) => !newer.includes(flag))).toEqual(lines(await theirs(typed)));
    expect(lines(await ours(complete('config routes te')))).toEqual(['show', 'test']);
    // A real shell takes the script and gets the words.
    const { out: script } = await ours(['--completion-script-bash']);
    const run = `hearth() { echo "$@" >&2; printf 'query\\nupdate\\n'; }; ${script}
      COMP_WORDS=(amtool silence u); COMP_CWORD=2; _hearth_amtool; echo "\${COMPREPLY[@]}"`;
    const shell = await new Promise<string>((resolve) => {
      execFile('bash', ['-c', run], (_error, out, err) => resolve(err + out));
    });
    expect(shell).toBe('amtool --completion-bash silence u\nupdate\n');
  });

  test('configuration files', async () => {
    mkdirSync(join(directory, '.config/amtool'), { recursive: true });
    const path = '.config/amtool/config.yml';
    file(path, 'alertmanager.url: http://127.0.0.1:1/x\ncomment_required: false\noutput: json\n');
    const { err } = await ours(['silence', 'add', 'Foo'], undefined, directory);
    expect(err).toContain('Post "http://127.0.0.1:1/x/api/v2/silences": dial tcp');
    const flag = '--alertmanager.url=http://127.0.0.1:2/';
    expect((await ours([flag, 'alert'], undefined, directory)).err).toContain('127.0.0.1:2/api/v2');
    file(path, 'output: yaml\n');
    expect((await ours([flag, 'alert'], undefined, directory)).err).toContain('enum value');
    file(path, 'a: [');
    await expect(ours(['alert'], undefined, directory)).rejects.toThrow('could not load config');
    const http = file('http.yml', 'basic_auth: {username: a}\nnope: 1\n');
    const failed = await ours([flag, `--http.config.file=${http}`, 'alert']);
    expect(failed.err).toContain('failed to load HTTP config file: ');
  });
});

describe.runIf(built)('what if', () => {
  const muting = `${hidden
    .replace('receiver: db\n', 'receiver: db\n    mute_time_intervals: [nights]\n')
    .replace(
      'inhibit_rules:',
      'time_intervals:\n- name: nights\n  time_intervals: [{times: [{start_time: "00:00", end_time: "06:00"}]}]\ninhibit_rules:',
    )
    .replace('- source_matchers', '- name: outage\n  source_matchers')}`;

  test('labels and a moment: who, and why not', async () => {
    const url = await start('ours', muting);
    const ask = async (words: string): Promise<string> => {
      const { code, out, err } = await ours([`--alertmanager.url=${url}`, ...words.split(' ')]);
      expect(code, err).toBe(0);
      return out;
    };
    expect(await ask('what-if Disk team=db --time=2026-12-24T12:00:00Z')).toBe(
      [
        'Somebody would be told at 2026-12-24 12:00:00 UTC.',
        '',
        'Receiver  Integration  Outcome',
        'db        webhook[0]   would be told: first notification',
        '',
      ].join('\n'),
    );
    expect(await ask('what-if Disk team=db --time=2026-12-24T03:00:00Z')).toMatch(
      /^Nobody would be told at 2026-12-24 03:00:00 UTC\.\n[\s\S]*muted by nights/,
    );
    const id = (await ask('silence add Disk -c hi -a me')).trim();
    await ask('alert add Big severity=critical dc=x');
    expect(await ask('what-if Disk team=db')).toMatch(
      new RegExp(`^Nobody [^\\n]*\\nSilenced by ${id}\\n\\n[\\s\\S]*webhook\\[0\\] +silenced`),
    );
    expect(await ask('what-if Other severity=warning dc=x')).toMatch(
      /^Nobody [^\n]*\nInhibited by the alert [0-9a-f]{16}, inhibition rule 0 \(outage\)\n/,
    );
    const tree = await ask('-o extended what-if Muted1');
    expect(tree).toContain('├── {team="db"}  receiver: db  not matched: team="db"\n');
    expect(tree).toContain('└── {alertname=~"Muted.*"}  receiver: db  taken\n');
    expect(JSON.parse(await ask('-o json what-if Muted1'))).toHaveProperty('destinations');
    // Nothing was told and no alert was made of it.
    expect(await ask('alert')).not.toContain('Muted1');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('alertmanager_notifications_total{integration="webhook"} 0\n');
    const none = await ours([`--alertmanager.url=${url}`, 'what-if']);
    expect(none.err).toContain('at least one label is needed');
  }, 30_000);

  test.skipIf(realPath === undefined)(
    'the real Alertmanager cannot tell',
    async () => {
      const url = await start('real');
      const asked = await ours([`--alertmanager.url=${url}`, 'what-if', 'Disk']);
      expect(asked.code).toBe(1);
      expect(asked.err).toContain('what-if needs the Alertmanager of Hearth');
    },
    30_000,
  );
});
