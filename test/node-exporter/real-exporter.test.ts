// SPDX-License-Identifier: Apache-2.0
// Beside Debian's exporter on this machine: same families, types, help and label sets, like values.

import { expect, test } from 'vitest';
import { compileRegexp } from '../../src/model/index.ts';
import { defaultPatterns } from '../../src/node-exporter/index.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';
import { newExporter, scrape } from './exporter-under-test.ts';

const peer = peerPath('prometheus-node-exporter');

/** What Debian's 1.5 has, but for what asks other programs (their sockets are tests of their own). */
const collectors =
  'arp bcache bonding btrfs buddyinfo cgroups conntrack cpu cpufreq diskstats dmi drbd drm edac entropy ethtool fibrechannel filefd filesystem hwmon infiniband interrupts ipvs ksmd lnstat loadavg mdadm meminfo meminfo_numa mountstats netclass netdev netstat network_route nfs nfsd nvme os perf powersupplyclass pressure processes qdisc rapl schedstat selinux slabinfo sockstat softnet stat sysctl tapestats tcpstat textfile thermal_zone time timex udp_queues uname vmstat wifi xfs zfs zoneinfo'.split(
    ' ',
  );

/** Differences between 1.5 (Debian's) and 1.12 (ours), by reference: each with its reason. */
const newerFamilies: Readonly<Record<string, string>> = {
  node_filesystem_mount_info: 'added in 1.9',
  node_filesystem_purgeable_bytes: 'added in 1.10, always 0 on Linux',
  node_cpu_online: 'added in 1.10',
  node_netstat_TcpExt_TCPOFOQueue: 'default field since 1.6',
  node_netstat_TcpExt_TCPRcvQDrop: 'default field since 1.6',
  node_ksmd_general_profit_bytes: 'added in 1.12',
  node_softnet_backlog_len: 'added in 1.6',
  node_softnet_cpu_collision_total: 'added in 1.6',
  node_softnet_flow_limit_count_total: 'added in 1.6',
  node_softnet_received_rps_total: 'added in 1.6',
};
const olderFamilies: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^node_memory_/, reason: '1.12 exports a fixed list of fields, 1.5 all of them' },
];
const newerTexts: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^node_ksmd_/, reason: 'help texts were written in 1.12' },
];
/** Labels that 1.12 added to families that 1.5 has. */
const newerLabels = new Set(['device_error', 'rotational', 'adminstate']);
/** Series whose set changes from one moment to the next. */
const passing = /^node_(processes_(threads_)?state|tcp_connection_states)\{/;

interface Page {
  /** family → "type help" */
  readonly families: Map<string, string>;
  /** series text without newer labels → value */
  readonly series: Map<string, number>;
}

function parsePage(page: string): Page {
  const families = new Map<string, string>();
  const series = new Map<string, number>();
  const helps = new Map<string, string>();
  for (const line of page.split('\n')) {
    const help = /^# HELP (node_\S+) (.*)$/.exec(line);
    if (help !== null) helps.set(help[1]!, help[2]!);
    const type = /^# TYPE (node_\S+) (\S+)$/.exec(line);
    if (type !== null) families.set(type[1]!, `${type[2]} ${helps.get(type[1]!) ?? ''}`);
    const sample = /^(node_[a-zA-Z0-9_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) continue;
    const labels = [...(sample[2] ?? '').matchAll(/([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"/g)];
    const kept = labels
      .filter(([, name]) => !newerLabels.has(name!))
      .map(([, name, value]) => `${name}=${value}`);
    series.set(`${sample[1]}{${kept.join(',')}}`, Number(sample[3]));
  }
  return { families, series };
}

const about = (family: string): boolean => /^node_(scrape_|exporter_)/.test(family);

test.skipIf(peer === undefined)("the same families and series as Debian's exporter", async () => {
  const port = await freePort();
  const running = startPeer(peer!, [
    `--web.listen-address=127.0.0.1:${port}`,
    '--collector.disable-defaults',
    '--collector.netdev.device-exclude=^$',
    '--collector.sysctl.include=kernel.threads-max',
    `--collector.diskstats.device-exclude=${defaultPatterns.diskstatsDeviceExclude}`,
    '--collector.textfile.directory=',
    `--collector.filesystem.mount-points-exclude=${defaultPatterns.mountPointsExclude}`,
    ...collectors.map((name) => `--collector.${name}`),
  ]);
  try {
    await waitForUrl(`http://127.0.0.1:${port}/metrics`, running);
    const exporter = newExporter({
      only: collectors,
      options: (defaults) => ({
        ...defaults,
        arp: { ...defaults.arp, netlink: false },
        sysctl: [{ name: 'kernel.threads-max', keys: [], isText: false }],
      }),
    });
    const theirs = parsePage(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    const ours = parsePage((await scrape(exporter)).page);
    const differing: string[] = [];
    for (const [family, text] of theirs.families) {
      const older = olderFamilies.some(({ pattern }) => pattern.test(family));
      if (about(family) || (older && !ours.families.has(family))) continue;
      const own = ours.families.get(family);
      if (own !== text && !newerTexts.some(({ pattern }) => pattern.test(family)))
        differing.push(`${family}: ${own}, theirs: ${text}`);
    }
    expect(differing).toEqual([]);
    const unknown = [...ours.families.keys()].filter(
      (family) =>
        !about(family) && newerFamilies[family] === undefined && !theirs.families.has(family),
    );
    expect(unknown).toEqual([]);
    const familyOf = (key: string): string => key.slice(0, key.indexOf('{'));
    const shared = [...theirs.series.keys()].filter(
      (key) => ours.families.has(familyOf(key)) && !about(familyOf(key)),
    );
    const missing = shared.filter((key) => !ours.series.has(key) && !passing.test(key));
    expect(missing).toEqual([]);
    const extra = [...ours.series.keys()].filter(
      (key) =>
        theirs.families.has(familyOf(key)) &&
        !theirs.series.has(key) &&
        !passing.test(key) &&
        !about(familyOf(key)),
    );
    expect(extra).toEqual([]);
    expect(shared.length).toBeGreaterThan(500);
    // Success or not, collector by collector.
    const success = (page: Page): string[] =>
      [...page.series].filter(([key]) => /collector_success/.test(key)).map(String);
    expect(success(ours)).toEqual(success(theirs));
    // Counters of the kernel went on between the two pages, but never back and not by much.
    for (const key of shared.filter((name) =>
      /^node_(cpu_seconds|context|forks|disk_.*completed|network_.*_packets)/.test(name),
    )) {
      const before = theirs.series.get(key)!;
      expect(ours.series.get(key)!, key).toBeGreaterThanOrEqual(before);
      expect(ours.series.get(key)! - before, key).toBeLessThan(1e6);
    }
    for (const key of shared.filter((name) =>
      /^node_(boot_time|memory_MemTotal|filesystem_size|uname|filefd_maximum)/.test(name),
    )) {
      expect(ours.series.get(key), key).toBe(theirs.series.get(key));
    }
  } finally {
    await running.stop();
  }
});

test('collect[] restricts, exclude[] removes, mistakes are answered 400 with upstream texts', async () => {
  const exporter = newExporter({ without: ['uname'] });
  const names = async (url: string): Promise<string[]> =>
    [...parsePage((await scrape(exporter, url)).page).series.keys()]
      .filter((key) => key.startsWith('node_scrape_collector_success'))
      .map((key) => /collector=(\w+)/.exec(key)![1]!);
  expect(await names('/metrics?collect[]=loadavg&collect[]=meminfo')).toEqual([
    'loadavg',
    'meminfo',
  ]);
  expect(await names('/metrics?exclude[]=loadavg')).not.toContain('loadavg');
  const text = async (url: string): Promise<string> => {
    const { status, page } = await scrape(exporter, url);
    return `${status} ${page.trim()}`;
  };
  expect(await text('/metrics?collect[]=loadavg&exclude[]=cpu')).toBe(
    '400 Combined collect and exclude queries are not allowed.',
  );
  expect(await text('/metrics?collect[]=nope')).toBe(
    "400 Couldn't create filtered metrics handler: couldn't create collector: missing collector: nope",
  );
  expect(await text('/metrics?collect[]=uname')).toBe(
    "400 Couldn't create filtered metrics handler: couldn't create collector: disabled collector: uname",
  );
  expect((await scrape(exporter, '/')).page).toContain('href="/metrics"');
  expect((await scrape(exporter, '/other')).status).toBe(404);
});

test('a collector whose source is missing or broken costs only itself', async () => {
  const paths = {
    procfs: '/nonexistent',
    sysfs: '/nonexistent',
    rootfs: '/',
    udevData: '/nonexistent',
  };
  const { status, page } = await scrape(newExporter({ paths }));
  expect(status).toBe(200);
  expect(page).toContain('node_scrape_collector_success{collector="meminfo"} 0');
  expect(page).toContain('node_scrape_collector_success{collector="uname"} 1');
  expect(page).toContain('node_uname_info{');
});

test('more scrapes at a time than allowed are answered 503', async () => {
  const exporter = newExporter({ maxRequests: 1 });
  const [first, second] = await Promise.all([scrape(exporter), scrape(exporter)]);
  expect([first.status, second.status]).toEqual([200, 503]);
  expect(second.page).toBe('Limit of concurrent requests reached (1), try again later.\n');
});

test('device filters are unanchored', async () => {
  const re = compileRegexp('(?s:.*?)(?:^nothing$)(?s:.*)');
  const exporter = newExporter({
    options: (defaults) => ({
      ...defaults,
      netdev: { ...defaults.netdev, devices: { include: re, exclude: undefined } },
    }),
  });
  expect((await scrape(exporter)).page).not.toContain('node_network_receive_bytes_total{');
});

test('Accept chooses the exposition', async () => {
  const exporter = newExporter({ only: ['loadavg'] });
  const types = async (accept: string): Promise<string | undefined> => {
    const response = await exporter.handle({
      method: 'GET',
      path: '/metrics',
      params: new URLSearchParams(),
      headers: { accept },
      body: new Uint8Array(),
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    });
    return response.headers['content-type']?.split(';')[0];
  };
  expect(await types('*/*')).toBe('text/plain');
  expect(await types('application/openmetrics-text;version=1.0.0')).toBe(
    'application/openmetrics-text',
  );
  expect(
    await types(
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
    ),
  ).toBe('application/vnd.google.protobuf');
});
