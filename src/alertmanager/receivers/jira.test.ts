// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { createJira } from './jira.ts';
import type { JiraOptions } from './options.ts';
import {
  answered,
  fakeContext,
  notificationOf,
} from '../../../test/alertmanager/receiver-fixtures.ts';

const API = 'https://jira.example/rest/api/2';

const options = (changes: Partial<JiraOptions> = {}, texts: object = {}): JiraOptions => ({
  type: 'jira',
  sendResolved: true,
  httpClient: {} as JiraOptions['httpClient'],
  apiUrl: API,
  apiType: 'auto',
  texts: {
    project: '{{ .CommonLabels.team }}',
    issueType: 'Bug',
    summary: '{{ template "jira.default.summary" . }}',
    description: '{{ template "jira.default.description" . }}',
    priority: '{{ template "jira.default.priority" . }}',
    reopenTransition: '',
    resolveTransition: 'Close',
    wontFixResolution: '',
    ...texts,
  },
  updates: { summary: true, description: true },
  labels: ['zoo', '{{ .CommonLabels.alertname }}'],
  reopenDurationMs: 0,
  fields: {},
  ...changes,
});

const firing = notificationOf([{ alertname: 'Down', team: 'OPS', severity: 'critical' }], false);
const resolved = notificationOf([{ alertname: 'Down', team: 'OPS', severity: 'warning' }], true);
const issue = (category: string): unknown => ({
  issues: [{ key: 'OPS-7', fields: { status: { statusCategory: { key: category } } } }],
});
const { signal } = new AbortController();

async function talk(
  given: JiraOptions,
  notification: typeof firing,
  answers: Parameters<typeof fakeContext>[0],
) {
  const { context, requests } = fakeContext(answers);
  const outcome = await createJira(given, 0, context).notify(notification, signal);
  const seen = requests.map(({ method, url, body }) => ({
    what: `${method} ${url}`,
    body: body === undefined ? undefined : JSON.parse(String(body)),
  }));
  return { outcome, seen };
}

test('no issue yet: one is made', async () => {
  const given = options({ fields: { customfield_1: { value: '{{ .CommonLabels.team }}' } } });
  const { outcome, seen } = await talk(given, firing, [
    answered(200, { issues: [] }),
    answered(201, { key: 'OPS-1' }),
  ]);
  expect(outcome).toEqual({ ok: true });
  expect(seen.map(({ what }) => what)).toEqual([`POST ${API}/search`, `POST ${API}/issue`]);
  const label = seen[1]?.body.fields.labels[0];
  expect(label).toMatch(/^ALERT\{[0-9a-f]{64}\}$/);
  expect(seen[0]?.body).toEqual({
    jql: `statusCategory != Done and project="OPS" and labels="${label}" order by status ASC,resolutiondate DESC`,
    maxResults: 2,
    fields: ['status'],
  });
  expect(seen[1]?.body.fields).toMatchObject({
    project: { key: 'OPS' },
    issuetype: { name: 'Bug' },
    labels: [label, 'Down', 'zoo'],
    priority: { name: 'High' },
    summary: '[FIRING:1]  (Down critical OPS)',
    customfield_1: { value: 'OPS' },
  });
  expect(seen[1]?.body.fields.description).toContain('# Alerts Firing:');
});

test('an open issue is updated, without what updates shall leave alone', async () => {
  const given = options({ updates: { summary: false, description: true } });
  const { outcome, seen } = await talk(given, firing, [
    answered(200, issue('new')),
    answered(204, undefined),
  ]);
  expect(outcome).toEqual({ ok: true });
  expect(seen[1]?.what).toBe(`PUT ${API}/issue/OPS-7`);
  expect(seen[1]?.body.fields).not.toHaveProperty('summary');
  expect(seen[1]?.body.fields).toHaveProperty('description');
  expect(seen).toHaveLength(2);
});

test('resolved: the issue is updated and closed', async () => {
  const { outcome, seen } = await talk(options(), resolved, [
    answered(200, issue('indeterminate')),
    answered(204, undefined),
    answered(200, {
      transitions: [
        { id: '3', name: 'Start' },
        { id: '9', name: 'Close' },
      ],
    }),
    answered(204, undefined),
  ]);
  expect(outcome).toEqual({ ok: true });
  expect(seen[1]?.body.fields.priority).toEqual({ name: 'Medium' });
  expect(seen.slice(2)).toEqual([
    { what: `GET ${API}/issue/OPS-7/transitions`, body: undefined },
    { what: `POST ${API}/issue/OPS-7/transitions`, body: { transition: { id: '9' } } },
  ]);
});

test('an issue closed lately is opened again', async () => {
  const given = options(
    { reopenDurationMs: 5_400_000 },
    { reopenTransition: 'Reopen', wontFixResolution: "Won't Fix" },
  );
  const { seen } = await talk(given, firing, [
    answered(200, issue('done')),
    answered(204, undefined),
    answered(200, { transitions: [{ id: '4', name: 'Reopen' }] }),
    answered(204, undefined),
  ]);
  expect(seen[0]?.body.jql).toMatch(
    /^resolution != "Won't Fix" and \(resolutiondate is EMPTY OR resolutiondate >= -90m\) and project="OPS" and labels="ALERT/,
  );
  expect(seen[3]?.body).toEqual({ transition: { id: '4' } });
});

test('resolved and no issue: nothing to do', async () => {
  const { outcome, seen } = await talk(options(), resolved, [answered(200, { issues: [] })]);
  expect(outcome).toEqual({ ok: true });
  expect(seen).toHaveLength(1);
});

test('a transition that is not there', async () => {
  const { outcome } = await talk(options(), resolved, [
    answered(200, issue('new')),
    answered(204, undefined),
    answered(200, { transitions: [] }),
  ]);
  expect(outcome).toMatchObject({
    ok: false,
    retry: false,
    message: "can't find transition Close for issue OPS-7",
  });
});

test('which search, by the kind of Jira', async () => {
  const searched = async (changes: Partial<JiraOptions>): Promise<string | undefined> =>
    (await talk(options(changes), resolved, [answered(200, {})])).seen[0]?.what;
  const cloud = 'https://a.atlassian.net/rest/api/2';
  const found = 'POST https://a.atlassian.net/rest/api/3/search/jql';
  expect(await searched({ apiUrl: cloud })).toBe(found);
  expect(await searched({ apiUrl: 'https://a.atlassian.net/rest/api/3' })).toBe(found);
  expect(await searched({ apiUrl: cloud, apiType: 'datacenter' })).toBe(`POST ${cloud}/search`);
  expect(await searched({ apiType: 'cloud' })).toBe(
    'POST https://jira.example/rest/api/3/search/jql',
  );
});

test('version 3 gets documents', async () => {
  const described = async (description: string): Promise<unknown> => {
    const given = options({ apiUrl: 'https://jira.example/rest/api/3' }, { description });
    const { seen } = await talk(given, firing, [answered(200, {}), answered(201, {})]);
    return seen[1]?.body.fields.description;
  };
  expect(await described('{"type":"doc","version":1,"content":[]}')).toEqual({
    type: 'doc',
    version: 1,
    content: [],
  });
  expect(await described('{{ .CommonLabels.team }}\n\nb')).toEqual({
    type: 'doc',
    version: 1,
    content: [
      { type: 'paragraph', content: [{ type: 'text', text: 'OPS' }] },
      { type: 'paragraph', content: [] },
      { type: 'paragraph', content: [{ type: 'text', text: 'b' }] },
    ],
  });
});

test('long texts are cut', async () => {
  const given = options({}, { summary: 'é'.repeat(300), description: 'é'.repeat(40_000) });
  const { seen } = await talk(given, firing, [answered(200, {}), answered(201, {})]);
  const { summary, description } = seen[1]?.body.fields ?? {};
  expect([...String(summary)]).toHaveLength(255);
  expect([...String(description)]).toHaveLength(32_767);
});

test('what is worth another try', async () => {
  const outcomeOf = async (...answers: Parameters<typeof fakeContext>[0]) =>
    (await talk(options(), firing, answers)).outcome;
  expect(await outcomeOf(answered(429, { slow: 1 }))).toMatchObject({
    retry: true,
    reason: 'rateLimited',
    message: 'failed to look up existing issues: unexpected status code 429: {"slow":1}',
  });
  expect(await outcomeOf(answered(200, {}), answered(400, { no: 1 }))).toMatchObject({
    retry: false,
    reason: 'clientError',
    message: 'failed to POST request to "issue": unexpected status code 400: {"no":1}',
  });
  expect(await outcomeOf(answered(503, {}))).toMatchObject({ retry: true, reason: 'serverError' });
});
