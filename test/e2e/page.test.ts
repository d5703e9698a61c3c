// SPDX-License-Identifier: Apache-2.0
// The page of the real program in a real browser: a query, its graph, the targets, the colours, an error.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiClient, available, built, freePort, Stage } from './program.ts';

const chromiumPath = '/usr/bin/chromium';
const canRun = built && available(chromiumPath);

const stage = new Stage();
const server: { url: string } = { url: '' };
let browser: Browser;

/** A page whose every error fails the test that opened it. */
async function open(path: string, scheme: 'light' | 'dark' = 'light') {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width: 1200, height: 900 },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(server.url + path);
  const close = async (): Promise<void> => {
    expect(errors).toEqual([]);
    await context.close();
  };
  return { page, close };
}

const editor = (page: Page) => page.locator('.cm-content[aria-label="Expression"]');

const background = (page: Page): Promise<string> =>
  page.evaluate('getComputedStyle(document.body).backgroundColor');

/** Pixels of the chart that are neither empty nor grey: drawn lines. */
const colouredPixels = (page: Page): Promise<number> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('.time-chart canvas');
    if (canvas === null) return 0;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const spread = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
      if (data[i + 3] > 100 && spread > 60) count += 1;
    }
    return count;
  })()`);

beforeAll(async () => {
  if (!canRun) return;
  if (!existsSync(chromiumPath)) throw new Error(`CI needs ${chromiumPath}`);
  const [port, closed] = [await freePort(), await freePort()];
  const directory = stage.directory();
  const config = join(directory, 'prometheus.yml');
  writeFileSync(
    join(directory, 'rules.yml'),
    `groups:
- name: machines
  rules:
  - {record: 'job:up:sum', expr: sum by (job) (up)}
  - {alert: TargetDown, expr: up == 0, labels: {severity: page}, annotations: {summary: 'no answer of {{ $labels.job }}'}}
  - {alert: NeverFires, expr: up > 1}
`,
  );
  writeFileSync(
    config,
    `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- job_name: self
  static_configs: [{targets: ['127.0.0.1:${port}'], labels: {team: core}}]
- job_name: broken
  static_configs: [{targets: ['127.0.0.1:${closed}', 'unwanted:1']}]
  relabel_configs: [{source_labels: [__address__], regex: 'unwanted.*', action: drop}]
`,
  );
  server.url = `http://127.0.0.1:${port}`;
  const flags = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  stage.hearth(['server', ...flags]);
  const api = new ApiClient(server.url);
  await api.ready();
  await api.result('count_over_time(process_cpu_seconds_total[10s]) > 2');
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await stage.close();
});

describe.skipIf(!canRun)('the page', () => {
  test('runs a query and shows its result, then its graph', async () => {
    const { page, close } = await open('/');
    await page.waitForURL('**/query');
    await editor(page).click();
    // Enter executes although operators are offered behind the brace.
    await page.keyboard.type('sum by (job) (up{team="core"})');
    await page.keyboard.press('Enter');
    const row = page.locator('.vector-row', { hasText: 'job="self"' });
    await row.waitFor();
    expect(await row.locator('.vector-value').textContent()).toBe('1');
    expect(page.url()).toContain('g0.expr=sum+by');
    await page.locator('label', { hasText: 'Graph' }).click();
    await page.locator('.time-chart canvas').waitFor();
    await page.getByLabel('Range', { exact: true }).getByRole('textbox').fill('20s');
    await page.keyboard.press('Enter');
    await expect.poll(() => colouredPixels(page)).toBeGreaterThan(100);
    expect(page.url()).toContain('g0.range_input=20s');
    expect(page.url()).toContain('g0.tab=graph');
    expect(await page.locator('.legend tbody tr').count()).toBe(1);
    // Back to the longer range, back to the table.
    await page.goBack();
    await page.goBack();
    await row.waitFor();
    await close();
  });

  test('opens the links of alerts', async () => {
    const link = '/graph?g0.expr=process_start_time_seconds&g0.tab=1&g1.expr=vector(7)&g1.tab=0';
    const { page, close } = await open(link);
    await page.locator('.vector-row', { hasText: 'process_start_time_seconds' }).waitFor();
    await page.locator('.time-chart canvas').waitFor();
    expect(new URL(page.url()).pathname).toBe('/query');
    expect(await page.locator('.query-panel').count()).toBe(2);
    await close();
  });

  test('shows an error and where it is, and keeps what was typed', async () => {
    const { page, close } = await open('/query?g0.expr=sum(rate(up[5m])');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toContain('parse error: unclosed left parenthesis');
    expect(await page.locator('.error-place').textContent()).toContain('^');
    await editor(page).click();
    await page.keyboard.press('End');
    await page.keyboard.type(' + 1');
    await page.getByRole('link', { name: 'Targets' }).click();
    await page.locator('.targets').first().waitFor();
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.waitForFunction(
      `document.querySelector('.cm-content')?.textContent === 'sum(rate(up[5m]) + 1'`,
    );
    await close();
  });

  test('completes metric names of the server', async () => {
    const { page, close } = await open('/query');
    await editor(page).click();
    await page.keyboard.type('process_start_ti');
    const option = page.locator('.cm-tooltip-autocomplete li', {
      hasText: 'process_start_time_seconds',
    });
    await option.click();
    await page.waitForFunction(
      `document.querySelector('.cm-content')?.textContent === 'process_start_time_seconds'`,
    );
    await close();
  });

  test('shows values of every type', async () => {
    const exprs = ['up[3s]', '42', '"a text"', 'vector(1) > 2'];
    const search = exprs.map((expr, i) => `g${i}.expr=${encodeURIComponent(expr)}`).join('&');
    const { page, close } = await open(`/query?${search}`);
    await page.locator('.matrix-values').first().waitFor();
    await page.getByText('a text', { exact: true }).waitFor();
    await page.locator('.vector-value', { hasText: '42' }).waitFor();
    await page.getByText('Empty query result').waitFor();
    await close();
  });

  test('zooms into a selected piece and leaves one series alone', async () => {
    const { page, close } = await open('/query?g0.expr=up&g0.tab=graph&g0.range_input=10m');
    const plot = page.locator('.time-chart .u-over');
    await plot.waitFor();
    const names = page.locator('.legend-name');
    await names.nth(1).click();
    expect(await page.locator('.legend tr.off').count()).toBe(1);
    await names.nth(1).click();
    expect(await page.locator('.legend tr.off').count()).toBe(0);
    const box = await plot.boundingBox();
    if (box === null) throw new Error('the plot has no place');
    await page.mouse.move(box.x + box.width / 2, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 3, box.y + 120, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.url()).toMatch(/g0\.range_input=(4m[345]\d|5m)/);
    await close();
  });

  test('takes an expression apart and shows a part of it', async () => {
    const expr = encodeURIComponent('sum(up) + count(up{team="core"})');
    const { page, close } = await open(`/query?g0.expr=${expr}`);
    await page.locator('.vector-value', { hasText: '2' }).waitFor();
    await page.getByLabel('More for this query').click();
    await page.getByText('Show tree view').click();
    const parts = page.locator('.tree-part');
    await expect
      .poll(() => parts.allTextContents())
      .toEqual(['… + …', 'sum(…)', 'up', 'count(…)', 'up{team="core"}']);
    await parts.nth(4).click();
    await page.locator('.vector-row', { hasText: 'job="self"' }).waitFor();
    expect(page.url()).toContain('g0.show_tree=1');
    await page.locator('label', { hasText: 'Explain' }).click();
    await page.getByText('team is "core"').waitFor();
    await parts.first().click();
    await page.locator('.explain .badge', { hasText: '1 match' }).waitFor();
    await close();
  });

  test('shows the targets with their errors and labels', async () => {
    const { page, close } = await open('/targets');
    await page.getByText('connection refused').waitFor();
    const up = page.locator('.fold', { hasText: 'self' });
    await up.locator('.badge', { hasText: /^up$/ }).waitFor();
    expect(await page.getByText('__scrape_interval__').count()).toBe(0);
    await up.getByText('Show labels before relabelling').click();
    await up.getByText('__scrape_interval__').waitFor();
    await page.getByLabel('Filter by URL, label or error').fill('refused');
    await up.waitFor({ state: 'detached' });
    expect(page.url()).toContain('search=refused');
    await close();
  });

  test('shows what relabelling dropped', async () => {
    const { page, close } = await open('/service-discovery?state=dropped');
    await page.getByText('"unwanted:1"').waitFor();
    await page.getByText('dropped by relabelling').waitFor();
    await close();
  });

  test('has the status pages', async () => {
    const { page, close } = await open('/status');
    await page.getByText('3.14.0+hearth').waitFor();
    for (const [path, text] of [
      ['/tsdb-status', 'Series by metric name'],
      ['/flags', '--storage.tsdb.path'],
      ['/config', 'scrape_configs'],
      ['/alertmanager-discovery', 'No Alertmanager is known'],
    ] as const) {
      await page.goto(server.url + path);
      await page.getByText(text).first().waitFor();
    }
    await close();
  });

  test('shows alerts and rules, and opens their expressions', async () => {
    const { page, close } = await open('/alerts?annotations=1');
    const alert = page.locator('.fold', { hasText: 'TargetDown' });
    await alert.getByText('no answer of broken').waitFor();
    await page.locator('label', { hasText: /^Firing 1$/ }).click();
    await page.locator('.fold', { hasText: 'NeverFires' }).waitFor({ state: 'detached' });
    expect(page.url()).toContain('state=firing');
    await alert.getByText('up == 0').click();
    await page.waitForURL('**/query?g0.expr=up+%3D%3D+0**');
    await page.locator('.vector-row', { hasText: 'job="broken"' }).waitFor();
    await page.goto(`${server.url}/rules`);
    await page.getByText('job:up:sum').waitFor();
    expect(await page.locator('.rule-health .badge').allTextContents()).toEqual(['ok', 'ok', 'ok']);
    await close();
  });

  test('rules and alerts fit a phone, their state included', async () => {
    const { page, close } = await open('/rules');
    await page.setViewportSize({ width: 420, height: 900 });
    const right = async (selector: string): Promise<number> => {
      const box = await page.locator(selector).first().boundingBox();
      return box === null ? Number.NaN : box.x + box.width;
    };
    await page.locator('.rule-health .badge').first().waitFor();
    expect(await right('.rule-health .badge')).toBeLessThanOrEqual(420);
    await page.goto(`${server.url}/alerts`);
    await page.getByText('1 firing', { exact: false }).first().waitFor();
    await page.locator('.alert-rows tbody td:last-child').first().waitFor();
    expect(await right('.alert-rows tbody td:last-child')).toBeLessThanOrEqual(420);
    expect(await right('.alert-rows tbody td:first-child')).toBeGreaterThan(380);
    await close();
  });

  test('says where alerts and rules come from when there are none', async () => {
    const { page, close } = await open('/flags');
    await page.route('**/api/v1/rules*', (route) =>
      route.fulfill({ json: { status: 'success', data: { groups: [] } } }),
    );
    await page.goto(`${server.url}/rules`);
    await page.getByText('No rules are defined').waitFor();
    await page.goto(`${server.url}/alerts`);
    await page.getByText('No alerting rules are defined').waitFor();
    await close();
  });

  test('takes what is typed before the editor is there', async () => {
    const { page, close } = await open('/flags');
    let letThrough = (): void => undefined;
    const typed = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    await page.route('**/assets/promql-editor*', async (route) => {
      await typed;
      await route.continue();
    });
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.locator('.plain-editor').waitFor();
    await page.keyboard.type('sum(up)');
    await page.keyboard.press('ArrowLeft');
    letThrough();
    await editor(page).waitFor();
    await page.keyboard.type(' > 1');
    await expect.poll(() => editor(page).textContent()).toBe('sum(up > 1)');
    await close();
  });

  test('works without the editor, and asks to be loaded again when it is stale', async () => {
    const { page, close } = await open('/flags');
    await page.route('**/assets/promql-editor*', (route) => route.abort());
    await page.route('**/assets/targets*', (route) => route.abort());
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.locator('.plain-editor').waitFor();
    await page.keyboard.type('vector(4)');
    await page.keyboard.press('Enter');
    await page.locator('.vector-value', { hasText: '4' }).waitFor();
    await page.getByRole('link', { name: 'Targets' }).click();
    await page.getByRole('button', { name: 'Load it again' }).waitFor();
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.locator('.vector-value', { hasText: '4' }).waitFor();
    await close();
  });

  test('says that the server is gone, and keeps what was typed', async () => {
    const { page, close } = await open('/query?g0.expr=up');
    await page.locator('.vector-row').first().waitFor();
    await page.route('**/api/v1/**', (route) => route.abort());
    await page.locator('.execute').click();
    await page.getByText('The server cannot be reached.').waitFor();
    expect(await editor(page).textContent()).toBe('up');
    await close();
  });

  test('claims no numbers that it does not know', async () => {
    const { page, close } = await open('/targets');
    const health = page.getByLabel('Health');
    await expect.poll(() => health.textContent()).toMatch(/^All \dUp \dDown \dUnknown \d$/);
    await page.route('**/api/v1/**', (route) => route.abort());
    await page.reload();
    await expect.poll(() => health.textContent()).toBe('AllUpDownUnknown');
    await close();
  });

  test('follows the colours of the system, or the choice of its reader', async () => {
    const light = await open('/query');
    const lightColour = await background(light.page);
    await light.close();
    const { page, close } = await open('/query', 'dark');
    const darkColour = await background(page);
    expect(darkColour).not.toBe(lightColour);
    await page.getByLabel('Colour scheme').click();
    await page.getByText('Light', { exact: true }).click();
    await expect.poll(() => background(page)).toBe(lightColour);
    await page.reload();
    await editor(page).waitFor();
    expect(await background(page)).toBe(lightColour);
    await close();
  });
});
