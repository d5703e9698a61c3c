// SPDX-License-Identifier: Apache-2.0
// The example of docs/user/promql-library.md, bundled for a browser and run in one: parser, planner,
// operators and all. What it prints is what the page says.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../tools/tidy.ts';

const chromiumPath = '/usr/bin/chromium';
const canRun = existsSync(chromiumPath) || process.env.CI === 'true';

const page = readFileSync(join(repositoryRoot, 'docs/user/promql-library.md'), 'utf8');
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';

/** A script for browsers: no module of Node may be in it. */
async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, loader: 'ts', resolveDir: repositoryRoot },
    alias: { 'hearth/promql': resolve(repositoryRoot, 'src/promql/index.ts') },
    bundle: true,
    format: 'iife',
    platform: 'browser',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

describe.skipIf(!canRun)('hearth/promql in a browser', () => {
  test('runs the example of the documentation', async () => {
    const script = await bundle(block('ts'));
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox'],
    });
    try {
      const tab = await browser.newPage();
      const printed: string[] = [];
      const errors: string[] = [];
      tab.on('console', (message) => printed.push(message.text()));
      tab.on('pageerror', (error) => errors.push(String(error)));
      await tab.addScriptTag({ content: script });
      expect(errors).toEqual([]);
      expect(printed.join('\n')).toBe(block('text').trim());
    } finally {
      await browser.close();
    }
  }, 60_000);

  test('parses, checks and prints there too', async () => {
    const script = await bundle(`
      import { formatExpression, ParseError, parseExpression } from 'hearth/promql';
      const said = [];
      for (const query of ['sum(rate(x[5m]))by(a)', 'rate(x)', 'a{b=~"["}']) {
        try {
          said.push(formatExpression(parseExpression(query)));
        } catch (error) {
          said.push(error instanceof ParseError ? error.message : 'no ParseError: ' + error);
        }
      }
      document.title = JSON.stringify(said);
    `);
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox'],
    });
    try {
      const tab = await browser.newPage();
      await tab.addScriptTag({ content: script });
      expect(JSON.parse(await tab.title())).toEqual([
        'sum by (a) (rate(x[5m]))',
        '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
        '1:3: parse error: error parsing regexp: missing closing ]: `[`',
      ]);
    } finally {
      await browser.close();
    }
  }, 60_000);
});
