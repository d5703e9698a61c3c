// SPDX-License-Identifier: Apache-2.0
// The textfile collector on upstream's directories: each has the page that upstream gives for it.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conformanceFolder } from '../conformance.ts';
import { newExporter, scrape } from './exporter-under-test.ts';

const folder = conformanceFolder('node-exporter/textfile');
const cases = folder === undefined ? [] : readdirSync(folder).filter((f) => f.endsWith('.out'));

/** What a case's flag is, where it is not the directory of its name. */
const directories: Readonly<Record<string, string>> = {
  glob_extra_dimension: '*_extra_dimension',
  nonexistent_path: 'there_is_no_such_path',
};

test.each(cases)('%s', async (file) => {
  const name = file.replace('.out', '');
  const exporter = newExporter({
    only: ['textfile'],
    withoutOwnMetrics: true,
    options: (defaults) => ({
      ...defaults,
      textfileDirectories: [`${folder}/${directories[name] ?? name}`],
    }),
  });
  const page = (await scrape(exporter)).page
    .replaceAll(folder!, 'fixtures/textfile')
    .split('\n')
    .filter((line) => !/node_(exporter_build_info|scrape_collector)/.test(line))
    .map((line) => line.replace(/^(node_textfile_mtime_seconds\{.*\}) .*$/, '$1 1'));
  expect(page.join('\n')).toBe(readFileSync(`${folder}/${file}`, 'utf8'));
});

test.skipIf(folder === undefined)('the cases are there', () => {
  expect(cases.length).toBeGreaterThanOrEqual(15);
});
