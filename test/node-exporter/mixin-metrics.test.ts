// SPDX-License-Identifier: Apache-2.0
// Every metric that the alerts and recording rules of the node mixin name is on our pages: that of
// this machine, or that of the fake machine where this one lacks the hardware.

import { expect, test } from 'vitest';
import { conformanceFolder } from '../conformance.ts';
import { newExporter, scrape } from './exporter-under-test.ts';
import { fixtureRoot } from './fixture-root.ts';

const folder = conformanceFolder('node-exporter');

/** Names only, by collector. */
const named = `
bonding: node_bonding_active node_bonding_slaves
conntrack: node_nf_conntrack_entries node_nf_conntrack_entries_limit
cpu: node_cpu_seconds_total
diskstats: node_disk_io_time_seconds_total node_disk_io_time_weighted_seconds_total
diskstats: node_disk_read_bytes_total node_disk_written_bytes_total
filefd: node_filefd_allocated node_filefd_maximum
filesystem: node_filesystem_avail_bytes node_filesystem_files node_filesystem_files_free
filesystem: node_filesystem_readonly node_filesystem_size_bytes
loadavg: node_load1 node_load5 node_load15
mdadm: node_md_disks node_md_disks_required
meminfo: node_memory_Buffers_bytes node_memory_Cached_bytes node_memory_MemAvailable_bytes
meminfo: node_memory_MemFree_bytes node_memory_MemTotal_bytes node_memory_Slab_bytes
netclass: node_network_up
netdev: node_network_receive_bytes_total node_network_receive_drop_total
netdev: node_network_receive_errs_total node_network_receive_packets_total
netdev: node_network_transmit_bytes_total node_network_transmit_drop_total
netdev: node_network_transmit_errs_total node_network_transmit_packets_total
textfile: node_textfile_scrape_error
timex: node_timex_maxerror_seconds node_timex_offset_seconds node_timex_sync_status
uname: node_uname_info
vmstat: node_vmstat_pgmajfault
`;

const wanted = named
  .trim()
  .split('\n')
  .flatMap((line) => {
    const [collector = '', ...names] = line.split(/:? /);
    return names.map((name) => ({ collector, name }));
  });

const namesOn = (page: string): string[] =>
  page.split('\n').flatMap((line) => /^(node_[A-Za-z0-9_]+)[{ ]/.exec(line)?.[1] ?? []);

test.skipIf(folder === undefined)('the node mixin finds every metric it names', async () => {
  const root = fixtureRoot(folder!);
  const fake = { procfs: `${root}/proc`, sysfs: `${root}/sys`, rootfs: root };
  const pages = [
    await scrape(newExporter({})),
    await scrape(newExporter({ paths: { ...fake, udevData: `${root}/udev/data` } })),
  ];
  const found = new Set(pages.flatMap(({ page }) => namesOn(page)));
  // systemd's unit states need a bus: sockets.test.ts asks a fake one.
  const missing = wanted.filter(({ name }) => !found.has(name));
  expect(missing).toEqual([]);
});
