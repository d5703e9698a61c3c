// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conformanceFolder } from '../../test/conformance.ts';
import { ConfigError, parseAlertmanagerConfig } from './index.ts';

const found = conformanceFolder('alertmanager-config');
const folder = found ?? '';

const errorOf = (text: string): string => {
  try {
    parseAlertmanagerConfig(text, 'am.yml');
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
};

test.skipIf(found === undefined)('upstream’s files get upstream’s verdicts', () => {
  const wrong: string[] = [];
  let right = 0;
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.yml'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    const error = errorOf(text);
    const isBad = /-both-|-no-(?!username)|-invalid|-old-team|-and-webhook/.test(name);
    // A receiver's own URL does not mend a global section that says two things.
    const loads = error === '';
    if (loads === isBad) wrong.push(`${name}: ${loads ? 'loads' : error}`);
    else right++;
    if (!loads && !/am\.yml:\d+:\d+: /.test(error)) wrong.push(`${name}: no place: ${error}`);
  }
  expect(wrong).toEqual([]);
  expect(right).toBeGreaterThan(40);
});

const base = (rest: string): string => `route: {receiver: a}\nreceivers: [{name: a}]\n${rest}`;

describe('sections that do nothing yet', () => {
  test('are checked and listed', () => {
    const { notYetSupported } = parseAlertmanagerConfig(
      base(
        `tracing: {endpoint: 'localhost:4317', insecure: true, timeout: 5s, headers: {x-a: {values: [b]}}}\nevent_recorder: {file_outputs: [{path: x}]}\n`,
      ),
      'am.yml',
    );
    expect(notYetSupported).toEqual([
      { path: 'tracing', line: 3 },
      { path: 'event_recorder', line: 4 },
    ]);
    expect(parseAlertmanagerConfig(base(''), 'am.yml').notYetSupported).toEqual([]);
  });

  test('have upstream’s errors', () => {
    expect(errorOf(base('tracing: {insecure: true}'))).toMatch(/tracing endpoint must be set/);
    expect(errorOf(base('tracing: {endpoint: x, client_type: udp}'))).toMatch(/http or grpc/);
    expect(errorOf(base('tracing: {endpoint: x, compression: lz4}'))).toMatch(
      /valid options: gzip/,
    );
    expect(errorOf(base('tracing: {endpoint: x, nope: 1}'))).toMatch(/nope/);
    expect(errorOf(base('event_recorder: {outputs: []}'))).toMatch(/outputs/);
  });
});

describe('mistakes', () => {
  const refuses = (text: string, message: string): void =>
    test(message, () => expect(errorOf(text)).toContain(message));
  refuses('receivers: [{name: a}]', 'no routes provided');
  refuses('route: {}\nreceivers: [{name: a}]', 'root route must specify a default receiver');
  refuses(
    'route: {receiver: a, matchers: [a=b]}\nreceivers: [{name: a}]',
    'root route must not have any matchers',
  );
  refuses(
    'route: {receiver: a, continue: true}\nreceivers: [{name: a}]',
    'cannot have continue in root route',
  );
  refuses('route: {receiver: b}\nreceivers: [{name: a}]', 'undefined receiver "b" used in route');
  refuses(
    'route: {receiver: a}\nreceivers: [{name: a}, {name: a}]',
    'notification config name "a" is not unique',
  );
  refuses(
    'route: {receiver: a, group_by: [x, x]}\nreceivers: [{name: a}]',
    'duplicated label "x" in group_by',
  );
  refuses(
    'route: {receiver: a, group_by: ["...", x]}\nreceivers: [{name: a}]',
    "cannot have wildcard group_by ('...') and other labels at the same time",
  );
  refuses(
    'route: {receiver: a, group_interval: 0s}\nreceivers: [{name: a}]',
    'group_interval cannot be zero',
  );
  refuses(
    'route: {receiver: a, repeat_interval: 0s}\nreceivers: [{name: a}]',
    'repeat_interval cannot be zero',
  );
  refuses(
    'route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\nreceivers: [{name: a}]',
    'undefined time interval "x" used in route',
  );
  refuses(base('time_intervals: [{name: x}, {name: x}]'), 'time interval "x" is not unique');
  refuses(
    base(
      'time_intervals: [{name: x, time_intervals: [{times: [{start_time: "09:00", end_time: "08:00"}]}]}]',
    ),
    'start time cannot be equal or greater than end time',
  );
  refuses(
    base('time_intervals: [{name: x, time_intervals: [{weekdays: [someday]}]}]'),
    '"someday" is not a valid weekday',
  );
  refuses(
    base('time_intervals: [{name: x, time_intervals: [{days_of_month: ["32"]}]}]'),
    'is not a valid day of the month',
  );
  refuses(
    base('time_intervals: [{name: x, time_intervals: [{location: Nowhere/City}]}]'),
    'unknown time zone Nowhere/City',
  );
  refuses(base('inhibit_rules: [{source_match_re: {a: "("}}]'), 'missing closing )');
  refuses(base('inhibit_rules: [{source_matchers: ["a~b"]}]'), 'bad matcher format');
  const jira = (rest: string, global = ''): string =>
    `global: {${global}}\nroute: {receiver: a}\nreceivers: [{name: a, jira_configs: [{${rest}}]}]`;
  refuses(jira('issue_type: Bug'), 'missing project in jira_config');
  refuses(jira('project: P'), 'missing issue_type in jira_config');
  refuses(jira('project: P, issue_type: Bug'), 'no global Jira Cloud URL set');
  refuses(
    jira('project: P, issue_type: Bug, api_type: server', 'jira_api_url: "http://j"'),
    'unknown api_type on jira_config, must be auto, cloud or datacenter',
  );
  refuses(
    jira('project: P, issue_type: Bug, summary: {text: x}', 'jira_api_url: "http://j"'),
    'unknown key',
  );
  const sns = (rest: string): string =>
    `route: {receiver: a}\nreceivers: [{name: a, sns_configs: [{${rest}}]}]`;
  const oneTarget = 'must provide either a Target ARN, Topic ARN, or Phone Number for SNS config';
  refuses(sns('subject: s'), oneTarget);
  test('two targets', () =>
    expect(errorOf(sns('topic_arn: a, phone_number: "1"'))).toContain(oneTarget));
  refuses(
    sns('topic_arn: a, sigv4: {access_key: k}'),
    'must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config',
  );
  refuses(
    sns('topic_arn: a, sigv4: {external_id: e}'),
    'external_id can only be used with role_arn',
  );
  refuses(base('recievers: []'), 'unknown key (did you mean "receivers"?)');
});

test('what is written is what comes out', () => {
  const { route, timeIntervals, inhibitRules, original } = parseAlertmanagerConfig(
    `global: {slack_app_token: hush, resolve_timeout: 1m}
route:
  receiver: a
  group_by: [x]
  routes:
  - match: {a: b}
    match_re: {c: "d|e"}
    matchers: ['f!=g', 'h="i"']
    group_by: []
    mute_time_intervals: [n]
receivers: [{name: a, slack_configs: [{channel: c}]}]
inhibit_rules: [{source_matchers: [a=b], target_match: {c: d}, equal: [e]}]
time_intervals:
- name: n
  time_intervals: [{times: [{start_time: "09:00", end_time: "24:00"}], weekdays: ["monday:friday"], months: ["june", "8:9"], days_of_month: ["-3:-1"], years: ["2026"], location: Europe/Berlin}]
`,
    'am.yml',
  );
  expect(route.routes[0]).toMatchObject({
    receiver: undefined,
    groupBy: [],
    matchers: [
      { name: 'a', type: '=', value: 'b' },
      { name: 'c', type: '=~', value: 'd|e' },
      { name: 'f', type: '!=', value: 'g' },
      { name: 'h', type: '=', value: 'i' },
    ],
    muteTimeIntervals: ['n'],
  });
  expect(inhibitRules).toEqual([
    {
      name: '',
      sourceMatchers: [{ name: 'a', type: '=', value: 'b' }],
      targetMatchers: [{ name: 'c', type: '=', value: 'd' }],
      equal: ['e'],
    },
  ]);
  expect(timeIntervals.get('n')).toEqual([
    {
      times: [{ begin: 540, end: 1440 }],
      weekdays: [{ begin: 1, end: 5 }],
      months: [
        { begin: 6, end: 6 },
        { begin: 8, end: 9 },
      ],
      daysOfMonth: [{ begin: -3, end: -1 }],
      years: [{ begin: 2026, end: 2026 }],
      location: 'Europe/Berlin',
    },
  ]);
  expect(original).not.toContain('hush');
});

test('Jira: summary and description as texts and as mappings, the URL of the global section', () => {
  const { receivers } = parseAlertmanagerConfig(
    `global: {jira_api_url: "https://j.example/rest/api/2/"}
route: {receiver: a}
receivers:
- name: a
  jira_configs:
  - project: P
    issue_type: Bug
    summary: short
    description: {template: long, enable_update: false}
    reopen_duration: 90m
    fields: {customfield_1: {n: 3}}
`,
    'am.yml',
  );
  expect(receivers[0]?.integrations[0]).toMatchObject({
    type: 'jira',
    sendResolved: true,
    apiUrl: 'https://j.example/rest/api/2',
    apiType: 'auto',
    texts: { summary: 'short', description: 'long' },
    updates: { summary: true, description: false },
    reopenDurationMs: 5_400_000,
    fields: { customfield_1: { n: 3 } },
  });
});

test('no style of YAML shows a secret', () => {
  const { original } = parseAlertmanagerConfig(
    `global:
  smtp_auth_password: |
    hush one
    hush two
  opsgenie_api_key: &key "hush"
  http_config: {authorization: {credentials: hush}}
route: {receiver: a}
receivers:
- name: a
  webhook_configs: [{url: 'http://hush'}]
  pagerduty_configs: [{routing_key: hush, url: 'http://shown'}]
  opsgenie_configs: [{api_key: *key}]
  sns_configs: [{topic_arn: t, sigv4: {access_key: k, secret_key: hush}}]
`,
    'am.yml',
  );
  expect(original).not.toContain('hush');
  expect(original).toContain('http://shown');
  expect(original.match(/<secret>/g)?.length).toBeGreaterThanOrEqual(7);
});
