// SPDX-License-Identifier: Apache-2.0
// Pages of upstream's fake machine for single collectors with other options.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CollectorOptions, IpvsLabel } from '../../src/node-exporter/index.ts';
import { conformanceFolder } from '../conformance.ts';
import { newExporter, scrape } from './exporter-under-test.ts';
import { fixtureRoot } from './fixture-root.ts';

const folder = conformanceFolder('node-exporter');
const root = folder === undefined ? '' : fixtureRoot(folder);

async function pageOf(
  collector: string,
  options: (defaults: CollectorOptions) => CollectorOptions,
): Promise<string[]> {
  const exporter = newExporter({
    only: [collector],
    withoutOwnMetrics: true,
    paths: {
      rootfs: root,
      procfs: `${root}/proc`,
      sysfs: `${root}/sys`,
      udevData: `${root}/udev/data`,
    },
    options,
  });
  return (await scrape(exporter)).page
    .split('\n')
    .filter((line) => line !== '' && !/node_(exporter_build_info|scrape_collector)/.test(line));
}

/** Lines of an expected page: some are written by hand, with blank lines and remarks. */
const expectedLines = (file: string): string[] =>
  readFileSync(`${folder}/${file}`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && (!line.startsWith('#') || /^# (HELP|TYPE)/.test(line)));

const ipvsCases: readonly (readonly [string, readonly IpvsLabel[]])[] = [
  [
    'ip_vs_result.txt',
    ['local_address', 'local_port', 'remote_address', 'remote_port', 'proto', 'local_mark'],
  ],
  ['ip_vs_result_lbs_local_address_local_port.txt', ['local_address', 'local_port']],
  ['ip_vs_result_lbs_local_port.txt', ['local_port']],
  ['ip_vs_result_lbs_none.txt', []],
];

test.skipIf(folder === undefined).each(ipvsCases)('ipvs: %s', async (file, ipvsLabels) => {
  const page = await pageOf('ipvs', (defaults) => ({ ...defaults, ipvsLabels }));
  expect(page).toEqual(expectedLines(file));
});

test.skipIf(folder === undefined)('pcidevice with names', async () => {
  const pcidevice = { idsFile: `${folder}/pci.ids`, names: true };
  const page = await pageOf('pcidevice', (defaults) => ({ ...defaults, pcidevice }));
  expect([...page].sort()).toEqual(expectedLines('pcidevice-names-output.txt').sort());
});
