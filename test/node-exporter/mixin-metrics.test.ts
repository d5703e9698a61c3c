// SPDX-License-Identifier: Apache-2.0
// Every metric that the alerts, recording rules and dashboards of the node mixin select is on our pages,
// with the labels they select by: that of this machine, or those of fake ones where this one lacks the
// hardware. Checked against prometheus/node_exporter, docs/node-mixin (alerts, rules, dashboards).

import { expect, test } from 'vitest';
import { conformanceFolder } from '../conformance.ts';
import { newExporter, scrape } from './exporter-under-test.ts';
import { busRows, busVariant, startBus } from './fake-bus.ts';
import { fixtureRoot } from './fixture-root.ts';

const folder = conformanceFolder('node-exporter');

/** Selectors by the alert or rule that has them. Of a label with alternatives, each is a line of its own. */
const selected = `
NodeFilesystemSpaceFillingUp: node_filesystem_avail_bytes node_filesystem_size_bytes node_filesystem_readonly
NodeFilesystemAlmostOutOfSpace: node_filesystem_avail_bytes{fstype,mountpoint}
NodeFilesystemFilesFillingUp: node_filesystem_files_free node_filesystem_files
NodeFilesystemAlmostOutOfFiles: node_filesystem_files_free{fstype,mountpoint} node_filesystem_readonly
NodeNetworkReceiveErrs: node_network_receive_errs_total node_network_receive_packets_total
NodeNetworkTransmitErrs: node_network_transmit_errs_total node_network_transmit_packets_total
NodeHighNumberConntrackEntriesUsed: node_nf_conntrack_entries node_nf_conntrack_entries_limit
NodeTextFileCollectorScrapeError: node_textfile_scrape_error
NodeClockSkewDetected: node_timex_offset_seconds
NodeClockNotSynchronising: node_timex_sync_status node_timex_maxerror_seconds
NodeRAIDDegraded: node_md_disks_required{device} node_md_disks{device,state="active"}
NodeRAIDDiskFailure: node_md_disks{device,state="failed"}
NodeFileDescriptorLimit: node_filefd_allocated node_filefd_maximum
NodeCPUHighUsage: node_cpu_seconds_total{cpu,mode="user"}
NodeSystemSaturation: node_load1 node_cpu_seconds_total{cpu,mode="idle"}
NodeMemoryMajorPagesFaults: node_vmstat_pgmajfault
NodeMemoryHighUtilization: node_memory_MemAvailable_bytes node_memory_MemTotal_bytes
NodeDiskIOSaturation: node_disk_io_time_weighted_seconds_total{device}
NodeSystemdServiceFailed: node_systemd_unit_state{name,state="failed"}
NodeSystemdServiceCrashlooping: node_systemd_service_restart_total{name}
NodeBondingDegraded: node_bonding_slaves node_bonding_active
NodeHardwareTemperatureHigh: node_hwmon_temp_celsius{chip,sensor}
instance:node_num_cpu:sum: node_cpu_seconds_total{cpu,mode="idle"}
instance:node_cpu_utilisation: node_cpu_seconds_total{cpu,mode="iowait"}
instance:node_cpu_utilisation: node_cpu_seconds_total{cpu,mode="steal"}
instance:node_load1_per_cpu:ratio: node_load1
instance:node_memory_utilisation:ratio: node_memory_MemAvailable_bytes node_memory_MemTotal_bytes
instance:node_memory_utilisation:ratio: node_memory_Buffers_bytes node_memory_Cached_bytes
instance:node_memory_utilisation:ratio: node_memory_MemFree_bytes node_memory_Slab_bytes
instance:node_vmstat_pgmajfault: node_vmstat_pgmajfault
instance_device:node_disk_io_time_seconds: node_disk_io_time_seconds_total{device}
instance_device:node_disk_io_time_weighted_seconds: node_disk_io_time_weighted_seconds_total{device}
instance:node_network_receive_bytes: node_network_receive_bytes_total{device}
instance:node_network_transmit_bytes: node_network_transmit_bytes_total{device}
instance:node_network_receive_drop: node_network_receive_drop_total{device}
instance:node_network_transmit_drop: node_network_transmit_drop_total{device}
dashboards: node_load5 node_load15 node_disk_read_bytes_total{device} node_disk_written_bytes_total{device}
dashboards: node_uname_info{nodename,sysname} node_exporter_build_info node_time_seconds node_boot_time_seconds
dashboards: node_os_info{name,pretty_name} node_network_up{device} node_memory_SwapTotal_bytes
`;

interface Selector {
  readonly rule: string;
  readonly text: string;
  readonly name: string;
  /** Label pairs, or names of labels that must be there. */
  readonly labels: readonly string[];
}

const selectors: readonly Selector[] = selected
  .trim()
  .split('\n')
  .flatMap((line) => {
    const split = line.lastIndexOf(': ');
    return line
      .slice(split + 2)
      .split(' ')
      .map((text) => {
        const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(text) ?? [];
        return {
          rule: line.slice(0, split),
          text,
          name,
          labels: labels.split(',').filter(Boolean),
        };
      });
  });

const matches = (line: string, { name, labels }: Selector): boolean => {
  if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) return false;
  return labels.every((label) =>
    label.includes('=')
      ? new RegExp(`[{,]${label}[,}]`).test(line)
      : new RegExp(`[{,]${label}="`).test(line),
  );
};

/** A page with systemd's metrics, of a bus with one service. */
async function systemdPage(): Promise<string> {
  const bus = await startBus(({ member, path, parameters }) => {
    if (member === 'ListUnits')
      return busRows('a(ssssssouso)', [
        ['ssh.service', 'SSH', 'loaded', 'active', 'running', '', '/u/ssh', 0, '', '/'],
      ]);
    if (parameters[1] === 'NRestarts') return busVariant('u', 3);
    return path === '/u/ssh' ? busVariant('s', 'simple') : busVariant('s', '252');
  });
  try {
    const exporter = newExporter({
      only: ['systemd'],
      options: (defaults) => ({
        ...defaults,
        systemBusPath: bus.path,
        systemd: { ...defaults.systemd, restarts: true },
      }),
    });
    return (await scrape(exporter)).page;
  } finally {
    await bus.close();
  }
}

test.skipIf(folder === undefined)('the node mixin finds every metric it selects', async () => {
  const root = fixtureRoot(folder!);
  const fake = { procfs: `${root}/proc`, sysfs: `${root}/sys`, rootfs: root };
  const pages = [
    (await scrape(newExporter({}))).page,
    (await scrape(newExporter({ paths: { ...fake, udevData: `${root}/udev/data` } }))).page,
    await systemdPage(),
  ];
  const lines = pages.flatMap((page) => page.split('\n'));
  expect(selectors.length).toBeGreaterThan(60);
  expect(selectors.every(({ name }) => name.startsWith('node_'))).toBe(true);
  const missing = selectors.filter((selector) => !lines.some((line) => matches(line, selector)));
  expect(missing.map(({ rule, text }) => `${rule}: ${text}`)).toEqual([]);
});
