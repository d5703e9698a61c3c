// SPDX-License-Identifier: Apache-2.0
// Upstream's fake machine: every line of its expected page that belongs to a collector of ours.

import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { compileRegexp } from '../../src/model/index.ts';
import { conformanceFolder } from '../conformance.ts';
import { newExporter, scrape } from './exporter-under-test.ts';

const folder = conformanceFolder('node-exporter');

/** Metric names whose collector exists here; the issue that brings the rest widens this. */
const ours =
  /^node_(cpu_(seconds|guest_seconds|info|flag_info|bug_info|isolated|online|core_throttles|package_throttles)|load|memory_|disk_|network_(receive|transmit)|boot_time|context_switches|forks|intr|procs_(blocked|running)|softirqs_total|time_|vmstat|pressure|sockstat|netstat|filefd|textfile)/;
/** Left out on both sides, as the data's README says. */
const dropped =
  /^(go_|node_exporter_build_info|node_scrape_collector_duration_seconds|process_|node_textfile_mtime_seconds|node_time_(zone|seconds)|node_network_(receive|transmit)_(bytes|packets)_total)/;
/** Families whose collector is not ours yet though the name matches, or that another collector brings. */
const notYet = /^node_(memory_numa|network_(receive|transmit)_queue)/;

const metricOf = (line: string): string =>
  line.replace(/^# (HELP|TYPE) /, '').split(/[ {]/)[0] ?? '';

const relevant = (page: string): string[] =>
  page.split('\n').filter((line) => {
    const metric = metricOf(line);
    return ours.test(metric) && !dropped.test(metric) && !notYet.test(metric);
  });

/** The fixture with its sysfs unpacked beside it. */
function fixtureRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'hearth-node-'));
  for (const entry of readdirSync(folder!)) symlinkSync(resolve(folder!, entry), join(root, entry));
  const done = spawnSync('tar', ['-xzf', resolve(folder!, 'sys-udev.tar.gz'), '-C', root]);
  expect(done.status).toBe(0);
  return root;
}

test.skipIf(folder === undefined)("upstream's expected page, line for line", async () => {
  const root = fixtureRoot();
  expect(existsSync(join(root, 'sys'))).toBe(true);
  const re = (source: string) => compileRegexp(`.*(?:${source}).*`);
  const exporter = newExporter({
    paths: {
      rootfs: root,
      procfs: join(root, 'proc'),
      sysfs: join(root, 'sys'),
      udevData: join(root, 'udev/data'),
    },
    without: ['filesystem', 'uname'],
    options: (defaults) => ({
      ...defaults,
      cpu: {
        guest: true,
        info: true,
        bugsInclude: re('^(cpu_meltdown|spectre_.*|mds)$'),
        flagsInclude: re('^(aes|avx.?|constant_tsc)$'),
      },
      netdev: { ...defaults.netdev, devices: { include: re('lo'), exclude: undefined } },
      softirq: true,
      textfileDirectories: [join(root, 'textfile/two_metric_files')],
    }),
  });
  const expected = relevant(readFileSync(resolve(folder!, 'e2e-output.txt'), 'utf8'));
  expect(expected.length).toBeGreaterThan(300);
  expect(relevant((await scrape(exporter)).page)).toEqual(expected);
});
