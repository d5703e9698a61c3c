// SPDX-License-Identifier: Apache-2.0
// ksmd: the kernel's merging of equal pages.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { sysNumber } from '../source.ts';

const page = (name: string, help: string): readonly [string, Descriptor, number] => [
  name,
  gauge(`node_ksmd_${name}`, help),
  1,
];

/** File below kernel/mm/ksm, what it becomes, and its factor to the unit. */
const sources: readonly (readonly [file: string, Descriptor, factor: number])[] = [
  [
    'full_scans',
    counter('node_ksmd_full_scans_total', 'How many times all mergeable areas have been scanned.'),
    1,
  ],
  page('merge_across_nodes', 'Specifies if pages from different NUMA nodes can be merged.'),
  page('pages_shared', 'How many shared pages are being used.'),
  page('pages_sharing', 'How many more sites are sharing them i.e. how much saved.'),
  page('pages_to_scan', 'How many pages to scan before ksmd goes to sleep.'),
  page('pages_unshared', 'How many pages unique but repeatedly checked for merging.'),
  page('pages_volatile', 'How many pages changing too fast to be placed in a tree.'),
  page('run', 'The status of ksmd. stopped = 0, running = 1'),
  [
    'sleep_millisecs',
    gauge('node_ksmd_sleep_seconds', 'How many seconds ksmd should sleep before next scan.'),
    1 / 1000,
  ],
  [
    'general_profit',
    gauge(
      'node_ksmd_general_profit_bytes',
      'How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * sizeof(rmap_item)',
    ),
    1,
  ],
];

export function ksmd(context: CollectorContext): Collector {
  return (sink) => {
    for (const [file, to, factor] of sources)
      sink.add(to, sysNumber(context, `kernel/mm/ksm/${file}`) * factor);
  };
}
