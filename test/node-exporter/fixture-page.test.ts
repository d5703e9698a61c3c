// SPDX-License-Identifier: Apache-2.0
// Upstream's fake machine and the page that its exporter gives for it: ours is compared line for line.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/index.ts';
import { createNodeClock } from '../../src/platform/index.ts';
import { parseFlags } from '../../src/targets/flags.ts';
import { createNodeExporter } from '../../src/targets/node-exporter.ts';
import { nodeExporterFlags } from '../../src/targets/node-exporter-flags.ts';
import { conformanceFolder } from '../conformance.ts';
import { scrape } from './exporter-under-test.ts';
import { fixtureRoot, upstreamRoot } from './fixture-root.ts';

const folder = conformanceFolder('node-exporter');
const root = folder === undefined ? '' : fixtureRoot(folder);

/** Left out on both sides, as the data's README says. */
const dropped =
  /^(go_|node_exporter_build_info|node_scrape_collector_duration_seconds|process_|node_textfile_mtime_seconds|node_time_(zone|seconds)|node_network_(receive|transmit)_(bytes|packets)_total)/;

const enabled =
  'arp bcache bcachefs bonding btrfs buddyinfo cgroups conntrack cpu cpufreq cpu_vulnerabilities diskstats dmi drbd edac entropy fibrechannel filefd hwmon infiniband interrupts ipvs kernel_hung ksmd lnstat loadavg mdadm meminfo meminfo_numa mountstats netdev netstat nfs nfsd pcidevice pressure processes qdisc rapl schedstat slabinfo sockstat softirqs stat sysctl textfile thermal_zone udp_queues vmstat watchdog wifi xfrm xfs zfs zoneinfo';
const disabled = 'selinux filesystem timex uname';

/** Lines that differ though they should not, each with its reason. There is none. */
const deviations: readonly string[] = [];

const flagsFor = (root: string): string[] => [
  `--path.rootfs=${root}`,
  `--path.procfs=${root}/proc`,
  `--path.sysfs=${root}/sys`,
  `--path.udev.data=${root}/udev/data`,
  '--collector.cpu.info',
  '--collector.cpu.info.bugs-include=^(cpu_meltdown|spectre_.*|mds)$',
  '--collector.cpu.info.flags-include=^(aes|avx.?|constant_tsc)$',
  '--collector.arp.device-exclude=nope',
  '--no-collector.arp.netlink',
  '--collector.bcache.priorityStats',
  '--collector.hwmon.chip-include=(applesmc|asus_nb_wmi|coretemp|hwmon4|ieee80211|nct6779)',
  '--collector.netclass.ignore-invalid-speed',
  '--collector.netclass.ignored-devices=(dmz|int)',
  '--collector.netdev.device-include=lo',
  '--collector.qdisc.device-include=(wlan0|eth0)',
  `--collector.qdisc.fixtures=${root}/qdisc/`,
  `--collector.wifi.fixtures=${root}/wifi`,
  '--collector.stat.softirq',
  '--collector.sysctl.include-info=kernel.seccomp.actions_avail',
  '--collector.sysctl.include=fs.file-nr',
  '--collector.sysctl.include=fs.file-nr:total,current,max',
  '--collector.sysctl.include=kernel.threads-max',
  `--collector.textfile.directory=${root}/textfile/two_metric_files/`,
  ...enabled.split(' ').map((name) => `--collector.${name}`),
  ...disabled.split(' ').map((name) => `--no-collector.${name}`),
];

async function pageFor(args: readonly string[], url = '/metrics'): Promise<string> {
  const parsed = parseFlags(nodeExporterFlags, args);
  if (parsed.kind !== 'values') throw new Error('these flags ask for help');
  const exporter = createNodeExporter(parsed.values, {
    clock: createNodeClock(),
    logger: silentLogger,
  });
  return (await scrape(exporter, url)).page;
}

const metricOf = (line: string): string =>
  line.replace(/^# (HELP|TYPE) /, '').split(/[ {]/)[0] ?? '';
const compared = (page: string): string[] =>
  page.split('\n').filter((line) => line !== '' && !dropped.test(metricOf(line)));

test.skipIf(folder === undefined)("upstream's expected page, line for line", async () => {
  const ours = compared((await pageFor(flagsFor(root))).replaceAll(root, upstreamRoot));
  const expected = compared(readFileSync(resolve(folder!, 'e2e-output.txt'), 'utf8'));
  const have = new Set(ours);
  const wanted = new Set(expected);
  const missing = expected.filter((line) => !have.has(line) && !deviations.includes(line));
  const extra = ours.filter((line) => !wanted.has(line) && !deviations.includes(line));
  console.info(`${expected.length - missing.length} of ${expected.length} lines match`);
  expect({ missing, extra }).toEqual({ missing: [], extra: [] });
  if (deviations.length === 0) expect(ours).toEqual(expected);
});
