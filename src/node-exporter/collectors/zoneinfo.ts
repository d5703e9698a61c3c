// SPDX-License-Identifier: Apache-2.0
// zoneinfo: pages by zone of memory.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

/** By the kernel's name. */
const descriptors: Readonly<Record<string, Descriptor>> = {
  nr_free_pages: gauge(
    'node_zoneinfo_nr_free_pages',
    'Total number of free pages in the zone',
    'node',
    'zone',
  ),
  min: gauge('node_zoneinfo_min_pages', 'Zone watermark pages_min', 'node', 'zone'),
  low: gauge('node_zoneinfo_low_pages', 'Zone watermark pages_low', 'node', 'zone'),
  high: gauge('node_zoneinfo_high_pages', 'Zone watermark pages_high', 'node', 'zone'),
  spanned: gauge(
    'node_zoneinfo_spanned_pages',
    'Total pages spanned by the zone, including holes',
    'node',
    'zone',
  ),
  present: gauge(
    'node_zoneinfo_present_pages',
    'Physical pages existing within the zone',
    'node',
    'zone',
  ),
  managed: gauge(
    'node_zoneinfo_managed_pages',
    'Present pages managed by the buddy system',
    'node',
    'zone',
  ),
  nr_active_anon: gauge(
    'node_zoneinfo_nr_active_anon_pages',
    'Number of anonymous pages recently more used',
    'node',
    'zone',
  ),
  nr_inactive_anon: gauge(
    'node_zoneinfo_nr_inactive_anon_pages',
    'Number of anonymous pages recently less used',
    'node',
    'zone',
  ),
  nr_isolated_anon: gauge(
    'node_zoneinfo_nr_isolated_anon_pages',
    'Temporary isolated pages from anon lru',
    'node',
    'zone',
  ),
  nr_anon_pages: gauge(
    'node_zoneinfo_nr_anon_pages',
    'Number of anonymous pages currently used by the system',
    'node',
    'zone',
  ),
  nr_anon_transparent_hugepages: gauge(
    'node_zoneinfo_nr_anon_transparent_hugepages',
    'Number of anonymous transparent huge pages currently used by the system',
    'node',
    'zone',
  ),
  nr_active_file: gauge(
    'node_zoneinfo_nr_active_file_pages',
    'Number of active pages with file-backing',
    'node',
    'zone',
  ),
  nr_inactive_file: gauge(
    'node_zoneinfo_nr_inactive_file_pages',
    'Number of inactive pages with file-backing',
    'node',
    'zone',
  ),
  nr_isolated_file: gauge(
    'node_zoneinfo_nr_isolated_file_pages',
    'Temporary isolated pages from file lru',
    'node',
    'zone',
  ),
  nr_file_pages: gauge('node_zoneinfo_nr_file_pages', 'Number of file pages', 'node', 'zone'),
  nr_slab_reclaimable: gauge(
    'node_zoneinfo_nr_slab_reclaimable_pages',
    'Number of reclaimable slab pages',
    'node',
    'zone',
  ),
  nr_slab_unreclaimable: gauge(
    'node_zoneinfo_nr_slab_unreclaimable_pages',
    'Number of unreclaimable slab pages',
    'node',
    'zone',
  ),
  nr_kernel_stack: gauge(
    'node_zoneinfo_nr_kernel_stacks',
    'Number of kernel stacks',
    'node',
    'zone',
  ),
  nr_mapped: gauge('node_zoneinfo_nr_mapped_pages', 'Number of mapped pages', 'node', 'zone'),
  nr_dirty: gauge('node_zoneinfo_nr_dirty_pages', 'Number of dirty pages', 'node', 'zone'),
  nr_writeback: gauge(
    'node_zoneinfo_nr_writeback_pages',
    'Number of writeback pages',
    'node',
    'zone',
  ),
  nr_unevictable: gauge(
    'node_zoneinfo_nr_unevictable_pages',
    'Number of unevictable pages',
    'node',
    'zone',
  ),
  nr_shmem: gauge(
    'node_zoneinfo_nr_shmem_pages',
    'Number of shmem pages (included tmpfs/GEM pages)',
    'node',
    'zone',
  ),
  nr_dirtied: counter(
    'node_zoneinfo_nr_dirtied_total',
    'Page dirtyings since bootup',
    'node',
    'zone',
  ),
  nr_written: counter(
    'node_zoneinfo_nr_written_total',
    'Page writings since bootup',
    'node',
    'zone',
  ),
  numa_hit: counter('node_zoneinfo_numa_hit_total', 'Allocated in intended node', 'node', 'zone'),
  numa_miss: counter(
    'node_zoneinfo_numa_miss_total',
    'Allocated in non intended node',
    'node',
    'zone',
  ),
  numa_foreign: counter(
    'node_zoneinfo_numa_foreign_total',
    'Was intended here, hit elsewhere',
    'node',
    'zone',
  ),
  numa_interleave: counter(
    'node_zoneinfo_numa_interleave_total',
    'Interleaver preferred this zone',
    'node',
    'zone',
  ),
  numa_local: counter(
    'node_zoneinfo_numa_local_total',
    'Allocation from local node',
    'node',
    'zone',
  ),
  numa_other: counter(
    'node_zoneinfo_numa_other_total',
    'Allocation from other node',
    'node',
    'zone',
  ),
  scanned: gauge('node_zoneinfo_scanned_pages', 'Pages scanned since last reclaim', 'node', 'zone'),
  nr_mlock_stack: gauge(
    'node_zoneinfo_nr_mlock_stack_pages',
    'mlock()ed pages found and moved off LRU',
    'node',
    'zone',
  ),
};

/** `protection: (0, 2039, 31932)`: pages kept for allocations that could also come from higher zones. */
function protection(parts: readonly string[]): number[] {
  return parts.slice(1).map((text) => decimal(text.replace(/[(),]/g, ''), 'zoneinfo protection'));
}

export function zoneinfo(context: CollectorContext): Collector {
  return (sink) => {
    let node = '';
    let zone = '';
    eachLine(readProc(context, 'zoneinfo'), (line) => {
      const parts = fields(line);
      if (parts[0] === 'Node') {
        node = (parts[1] ?? '').replace(',', '');
        zone = parts[3] ?? '';
        return;
      }
      if (parts[0] === 'protection:') {
        protection(parts).forEach((value, i) => {
          const name = `node_zoneinfo_protection_${i}`;
          sink.add(gauge(name, `Protection array ${i}. field`, 'node', 'zone'), value, node, zone);
        });
        return;
      }
      const to = parts.length === 2 ? descriptors[parts[0] ?? ''] : undefined;
      if (to !== undefined) sink.add(to, decimal(parts[1], `zoneinfo ${parts[0]}`), node, zone);
    });
  };
}
