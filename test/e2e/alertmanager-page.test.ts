// SPDX-License-Identifier: Apache-2.0
// Alertmanager's page over the real program in a real browser: alerts and why, silences, what if, status.

import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available, built, eventually, freePort, Stage } from './program.ts';

const chromiumPath = '/usr/bin/chromium';
const canRun = built && available(chromiumPath);

const stage = new Stage();
const manager: { url: string } = { url: '' };
let browser: Browser;
let receiver: Server | undefined;

const configText = (url: string): string => `
route:
  receiver: people
  group_by: [dc]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - matchers: [team="db"]
    receiver: broken
  - matchers: [team="slow"]
    receiver: later
    group_interval: 1h
  - matchers: [alertname="Quiet"]
    receiver: people
    mute_time_intervals: [always]
receivers:
- name: people
  webhook_configs: [{url: '${url}/ok'}]
- name: broken
  webhook_configs: [{url: '${url}/refused'}]
- name: later
  webhook_configs: [{url: '${url}/later'}]
inhibit_rules:
- name: outage
  source_matchers: [severity="critical"]
  target_matchers: [severity="warning"]
  equal: [dc]
time_intervals:
- name: always
  time_intervals: [{years: ['2000:3000']}]
`;

const alert = (alertname: string, labels: Record<string, string>) => ({
  labels: { alertname, ...labels },
  annotations: { summary: `about ${alertname}`, runbook: 'http://runbook.example/x' },
  generatorURL: 'http://prom.example/graph?g0.expr=up',
});

async function api(path: string, body?: unknown): Promise<unknown> {
  const init =
    body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        };
  const response = await fetch(`${manager.url}/api${path}`, init);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text === '' ? undefined : JSON.parse(text);
}

interface Silence {
  readonly id: string;
  readonly comment: string;
  readonly createdBy: string;
  readonly status: { readonly state: string };
}
const silences = async (): Promise<readonly Silence[]> =>
  (await api('/v2/silences')) as readonly Silence[];

/** A page whose every error fails the test that opened it. */
async function open(path: string, scheme: 'light' | 'dark' = 'light') {
  const context = await browser.newContext({
    colorScheme: scheme,
    timezoneId: 'Europe/Berlin',
    viewport: { width: 1200, height: 900 },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(manager.url + path);
  const close = async (): Promise<void> => {
    expect(errors).toEqual([]);
    await context.close();
  };
  return { page, close };
}

const row = (page: Page, name: string) => page.locator('.alert-row', { hasText: `about ${name}` });

beforeAll(async () => {
  if (!canRun) return;
  if (!existsSync(chromiumPath)) throw new Error(`CI needs ${chromiumPath}`);
  const [port, receiverPort] = [await freePort(), await freePort()];
  receiver = createServer((request, response) => {
    if (request.url === '/later') {
      response.statusCode = 503;
      response.end('come again');
      return;
    }
    response.statusCode = request.url === '/ok' ? 200 : 400;
    response.end(request.url === '/ok' ? '' : 'no such channel');
  });
  receiver.listen(receiverPort, '127.0.0.1');
  const directory = stage.directory();
  const config = join(directory, 'am.yml');
  writeFileSync(config, configText(`http://127.0.0.1:${receiverPort}`));
  manager.url = `http://127.0.0.1:${port}/am`;
  stage.hearth([
    'alertmanager',
    `--config.file=${config}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.external-url=http://am.example/am',
    '--cluster.listen-address=',
  ]);
  await eventually('it is ready', async () => {
    const response = await fetch(`${manager.url}/-/ready`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
  await api('/v2/alerts', [
    alert('Outage', { dc: 'a', severity: 'critical' }),
    alert('Slow', { dc: 'a', severity: 'warning' }),
    alert('Replica', { dc: 'b', team: 'db' }),
    alert('Quiet', { dc: 'c' }),
    alert('Retried', { dc: 'a', team: 'slow' }),
  ]);
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  receiver?.close();
  await stage.close();
});

describe.skipIf(!canRun)('the page of Alertmanager', () => {
  test('shows alerts in their groups, and filters them', async () => {
    // Without its slash, too.
    const { page, close } = await open('');
    await row(page, 'Outage').waitFor();
    expect(page.url()).toMatch(/\/am\/#\/alerts$/);
    expect(await page.locator('.alert-group').count()).toBe(3);
    expect(await row(page, 'Slow').count()).toBe(0);
    await page.getByRole('checkbox', { name: 'Inhibited' }).check();
    await row(page, 'Slow').locator('.badge', { hasText: 'inhibited' }).waitFor();
    await page.getByRole('checkbox', { name: 'Muted' }).check();
    await row(page, 'Quiet').locator('.badge', { hasText: 'muted by always' }).waitFor();
    expect(page.url()).toContain('inhibited=true&muted=true');
    // A label of an alert filters.
    await row(page, 'Outage').getByRole('button', { name: 'severity=' }).click();
    await row(page, 'Quiet').waitFor({ state: 'detached' });
    expect(await page.locator('.alert-row').count()).toBe(1);
    const filter = page.getByLabel('Filter by label');
    await filter.fill('dc=~"("');
    await filter.press('Enter');
    await page.getByRole('alert').getByText('error parsing regexp').waitFor();
    await filter.fill('dc=b');
    await filter.press('Enter');
    await page.getByText('No alert matches the filter').waitFor();
    await page.getByRole('button', { name: 'Remove severity="critical"' }).click();
    await row(page, 'Replica').waitFor();
    expect(decodeURIComponent(page.url())).toContain('filter={dc="b"}');
    await page.getByLabel('Receiver', { exact: true }).selectOption('people');
    await page.getByText('No alert matches the filter').waitFor();
    await close();
  });

  test('opens links as notifications have them, and groups by other labels', async () => {
    const { page, close } = await open(
      '/#/alerts?silenced=false&inhibited=true&muted=true&active=true&filter=%7Balertname%3D~%22Outage%7CSlow%7CQuiet%22%7D&group=severity',
    );
    await row(page, 'Quiet').waitFor();
    const heads = page.locator('.alert-group-head');
    await heads.nth(2).waitFor();
    expect(await heads.allTextContents()).toEqual([
      'severity="critical"1 alert',
      'severity="warning"1 alert',
      'Not grouped1 alert',
    ]);
    await close();
  });

  test('says why', async () => {
    const { page, close } = await open('/#/alerts?inhibited=true&muted=true');
    const drawer = page.getByRole('dialog');
    const why = (name: string) => row(page, name).getByRole('button', { name: 'Why' }).click();
    await why('Outage');
    await drawer.getByText('knows already').first().waitFor();
    await drawer.locator('.flush .badge.ok', { hasText: 'sent' }).first().waitFor();
    await drawer.getByText('does not match: team="db"').waitFor();
    await drawer.getByRole('button', { name: 'Close' }).click();
    await drawer.waitFor({ state: 'detached' });
    await why('Replica');
    await drawer.locator('.failure', { hasText: 'no such channel' }).first().waitFor();
    await drawer.getByRole('button', { name: 'Close' }).click();
    await why('Retried');
    await drawer.locator('.flush .badge.warn', { hasText: 'sending' }).waitFor();
    await drawer.locator('.failure', { hasText: 'come again' }).waitFor();
    await drawer.getByText(/[2-9] attempts, the next/).waitFor();
    await drawer.getByRole('button', { name: 'Close' }).click();
    await why('Quiet');
    await drawer.getByText('a time interval mutes it').waitFor();
    await drawer.getByRole('button', { name: 'Close' }).click();
    // From the inhibited one to the one that inhibits it.
    await why('Slow');
    await drawer.getByText('through the rule outage').first().waitFor();
    await drawer.locator('.reason .link-button').first().click();
    await drawer.getByRole('heading', { name: 'Outage' }).waitFor();
    await page.goBack();
    await drawer.getByRole('heading', { name: 'Slow' }).waitFor();
    await close();
  });

  test('makes a silence with a preview, changes it, and expires it after asking', async () => {
    const { page, close } = await open('/#/alerts');
    await row(page, 'Replica').getByRole('link', { name: 'Silence' }).click();
    await page.getByText('It would mute 1 alert').waitFor();
    await page.getByRole('button', { name: 'Remove alertname="Replica"' }).click();
    await page.getByRole('button', { name: 'Remove dc="b"' }).click();
    await page.getByRole('button', { name: 'Remove team="db"' }).click();
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('At least one matcher is needed').waitFor();
    expect(await page.getByText('This is needed').count()).toBe(2);
    await page.getByLabel('Add matchers').fill('team=~"d.*", severity!=critical');
    await page.keyboard.press('Enter');
    await page.getByText('It would mute 1 alert').waitFor();
    const [duration, end] = [
      page.getByLabel('Duration'),
      page.getByRole('textbox', { name: 'End (Europe/Berlin)' }),
    ];
    const before = await end.inputValue();
    await duration.fill('1d');
    expect(Date.parse(await end.inputValue()) - Date.parse(before)).toBe(22 * 3_600_000);
    // Picked from the calendar: the day changes, the time of day stays; then the time of day.
    const atDay = await end.inputValue();
    await page.getByRole('button', { name: 'End: calendar' }).click();
    await page.getByRole('button', { name: 'Next month' }).click();
    const calendar = page.locator('.calendar');
    await calendar.locator('.calendar-day:not(.other)', { hasText: /^15$/ }).click();
    const picked = await end.inputValue();
    expect(picked).toMatch(/^\d{4}-\d\d-15 /);
    expect(picked.slice(11)).toBe(atDay.slice(11));
    await page.getByLabel('Time of day').fill('06:30:00');
    expect(await end.inputValue()).toBe(`${picked.slice(0, 11)}06:30:00`);
    expect(await duration.inputValue()).toMatch(/^\d+/);
    await page.keyboard.press('Escape');
    await calendar.waitFor({ state: 'detached' });
    await duration.fill('one day');
    await page.getByText('Like 2h, 1d12h, 30m').waitFor();
    await duration.fill('3h');
    await page.getByLabel('Creator').fill('ada');
    await page.getByLabel('Comment').fill('disk is being changed');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('It mutes 1 alert').waitFor();
    const [made] = await silences();
    expect(made).toMatchObject({ createdBy: 'ada', comment: 'disk is being changed' });
    expect(page.url()).toContain(`/am/#/silences/${made?.id}`);

    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByLabel('Comment').fill('disk was changed');
    await page.getByRole('button', { name: 'Update' }).click();
    await page.getByRole('cell', { name: 'disk was changed' }).waitFor();
    expect((await silences()).length).toBe(1);

    await page.getByRole('link', { name: 'Alerts' }).click();
    await row(page, 'Outage').waitFor();
    await row(page, 'Replica').waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: 'Silenced' }).check();
    await row(page, 'Replica').getByRole('link', { name: 'silenced' }).waitFor();

    await page.getByRole('link', { name: 'Silences', exact: true }).click();
    await page.getByText('Active 1').waitFor();
    await page.getByRole('button', { name: 'Expire' }).click();
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await silences())[0]?.status.state).toBe('active');
    await page.getByRole('button', { name: 'Expire' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Expire' }).click();
    await page.getByText('No active silences').waitFor();
    expect((await silences())[0]?.status.state).toBe('expired');
    await page.getByText('Expired 1').click();
    await page.getByRole('link', { name: 'Recreate' }).click();
    expect(await page.getByLabel('Creator').inputValue()).toBe('ada');
    // Whoever made one is remembered.
    await page.getByRole('link', { name: 'New silence' }).click();
    await page.getByRole('heading', { name: 'New silence' }).waitFor();
    expect(await page.getByLabel('Creator').inputValue()).toBe('ada');
    await close();
  });

  test('takes a silence from a link, and shows why it is refused', async () => {
    const { page, close } = await open(
      '/#/silences/new?filter=%7Balertname%3D~%22.%2A%22%7D&comment=from%20a%20link',
    );
    expect(await page.getByLabel('Comment').inputValue()).toBe('from a link');
    await page.getByText('These fit every alert').waitFor();
    await page.goto(`${manager.url}/#/silences/00000000-0000-4000-8000-000000000000`);
    await page.getByText('Cannot load the silence').waitFor();
    await close();
  });

  test('says what would become of an alert', async () => {
    const { page, close } = await open('/#/what-if');
    await page.getByText('Who would be told?').waitFor();
    const labels = page.getByLabel('Add labels');
    await labels.fill('team=~db');
    await labels.press('Enter');
    await page.getByText('A label is name="value"').waitFor();
    await labels.fill('alertname=DiskFull, team=db');
    await labels.press('Enter');
    const answer = page.getByLabel('Answer');
    await answer.getByText('Somebody is told').waitFor();
    expect(await answer.locator('.destination b').textContent()).toBe('broken');
    const moment = page.getByRole('textbox', { name: 'Moment (Europe/Berlin)' });
    await moment.fill('2030-01-02 03:04');
    await moment.press('Enter');
    await answer.getByText('2030-01-02 03:04:00 UTC+1').waitFor();
    expect(page.url()).toContain('time=2030-01-02+02%3A04%3A00');
    await page.reload();
    await answer.getByText('2030-01-02 03:04:00 UTC+1').waitFor();
    await close();
  });

  test('settings: zone of times, first day of the week, creator', async () => {
    const { page, close } = await open('/#/settings');
    await page.getByLabel('Creator of new silences').fill('grace');
    await page.getByText('Sunday').click();
    expect(await page.evaluate('localStorage.firstDayOfWeek')).toBe('Sunday');
    expect(await page.evaluate('localStorage.defaultCreator')).toBe('grace');
    await page.getByRole('link', { name: 'New silence' }).click();
    expect(await page.getByLabel('Creator').inputValue()).toBe('grace');
    const start = (zone: string) => page.getByRole('textbox', { name: `Start (${zone})` });
    const local = await start('Europe/Berlin').inputValue();
    const now = Date.now();
    // An hour or two before UTC.
    expect(Date.parse(`${local.replace(' ', 'T')}Z`) - now).toBeGreaterThan(50 * 60_000);
    await page.getByRole('button', { name: 'Start: calendar' }).click();
    expect(await page.locator('.calendar th').first().textContent()).toBe('Su');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText('UTC', { exact: true }).click();
    await page.getByRole('link', { name: 'New silence' }).click();
    const utc = await start('UTC').inputValue();
    expect(Math.abs(Date.parse(`${utc.replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(60_000);
    await close();
  });

  test('is dark where the system is, and shows state and failure', async () => {
    const { page, close } = await open('/#/status', 'dark');
    await page.getByText('Cluster').waitFor();
    await page.getByText('mute_time_intervals').waitFor();
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe('rgb(16, 19, 23)');
    await page.route('**/api/v2/alerts/groups*', (route) => route.abort());
    await page.getByRole('link', { name: 'Alerts' }).click();
    await page.getByText('Alertmanager cannot be reached.').waitFor();
    await close();
  });
});
