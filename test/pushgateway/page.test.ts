// SPDX-License-Identifier: Apache-2.0
// The page in a real browser: groups, metrics, filter, deleting, both colour schemes.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../tools/tidy.ts';
import { ask, type GatewayUnderTest, startGateway } from './gateway-under-test.ts';

const chromiumPath = '/usr/bin/chromium';
const built = existsSync(join(repositoryRoot, 'dist/ui/pushgateway/index.html'));
const canRun = (built && existsSync(chromiumPath)) || process.env.CI === 'true';

describe.skipIf(!canRun)('the page', () => {
  let under: GatewayUnderTest;
  let browser: Browser;

  beforeAll(async () => {
    under = await startGateway([
      '--web.enable-admin-api',
      '--web.route-prefix=/gw',
      '--web.external-url=http://x/gw',
    ]);
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await under?.close();
  });

  const push = (path: string, body: string) =>
    ask(under.url, { method: 'POST', path: `/gw/metrics/job/${path}`, body });

  async function open(scheme: 'light' | 'dark'): Promise<{ page: Page; close(): Promise<void> }> {
    const context = await browser.newContext({ colorScheme: scheme });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`${under.url}/gw/`);
    const close = async (): Promise<void> => {
      expect(errors).toEqual([]);
      await context.close();
    };
    return { page, close };
  }

  test('shows groups and metrics, filters, and deletes after asking', async () => {
    await push('backup/instance/db-1', '# TYPE took gauge\ntook{db="orders"} 12.5\n');
    await push('nightly?ttl=1h', 'records 3\n');
    await push('broken', 'a 1\na 1\n');
    const { page, close } = await open('light');
    await page.locator('.group').nth(2).waitFor();
    expect(await page.locator('.badge.bad', { hasText: 'Last push failed' }).count()).toBe(1);
    expect(await page.locator('.badge', { hasText: /^(1h|59m \d+s) left$/ }).count()).toBe(1);
    await page.getByRole('button', { name: /backup/ }).click();
    await page.locator('.family-head', { hasText: 'took' }).click();
    await page.locator('table.metrics td', { hasText: '12.5' }).waitFor();
    await page.getByLabel('Filter by label or metric').fill('records');
    await page.locator('.group').nth(1).waitFor({ state: 'detached' });
    expect(await page.locator('.group').count()).toBe(1);
    await page.getByRole('button', { name: 'Delete this group' }).click();
    await page.getByRole('button', { name: 'Keep' }).click();
    expect(under.gateway.store.groups.size).toBe(3);
    await page.getByRole('button', { name: 'Delete this group' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('No group matches the filter').waitFor();
    expect(under.gateway.store.groups.size).toBe(2);
    // What happens meanwhile shows by itself.
    await page.getByLabel('Filter by label or metric').fill('');
    await push('fresh', 'x 1\n');
    await page.locator('.group', { hasText: 'fresh' }).waitFor();
    await close();
  });

  test('is dark where the system is, and has the flags', async () => {
    const { page, close } = await open('dark');
    await page.getByRole('link', { name: 'Status' }).click();
    await page.getByText('--web.enable-admin-api').waitFor();
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe('rgb(16, 19, 23)');
    await close();
  });
});
