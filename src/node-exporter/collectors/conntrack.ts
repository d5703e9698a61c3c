// SPDX-License-Identifier: Apache-2.0
// conntrack: the connection tracking table of netfilter.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { gauge } from '../sink.ts';
import { readProc, readProcIfThere } from '../source.ts';
import { decimal, eachLine, fields, hexadecimal } from '../text.ts';

const entries = gauge(
  'node_nf_conntrack_entries',
  'Number of currently allocated flow entries for connection tracking.',
);
const limit = gauge(
  'node_nf_conntrack_entries_limit',
  'Maximum size of connection tracking table.',
);
const stat = (name: string, help: string): Descriptor =>
  gauge(`node_nf_conntrack_stat_${name}`, help);

/** By the column's name in /proc/net/stat/nf_conntrack. */
const columns: Readonly<Record<string, Descriptor>> = {
  found: stat('found', 'Number of searched entries which were successful.'),
  invalid: stat('invalid', 'Number of packets seen which can not be tracked.'),
  ignore: stat(
    'ignore',
    'Number of packets seen which are already connected to a conntrack entry.',
  ),
  insert: stat('insert', 'Number of entries inserted into the list.'),
  insert_failed: stat(
    'insert_failed',
    'Number of entries for which list insertion was attempted but failed.',
  ),
  drop: stat('drop', 'Number of packets dropped due to conntrack failure.'),
  early_drop: stat(
    'early_drop',
    'Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.',
  ),
  search_restart: stat(
    'search_restart',
    'Number of conntrack table lookups which had to be restarted due to hashtable resizes.',
  ),
};

/** One line of hexadecimal columns for each CPU below a line of their names. */
function statistics(text: string): Map<string, number> {
  const sums = new Map<string, number>();
  let names: string[] | undefined;
  eachLine(text, (line) => {
    const parts = fields(line);
    if (names === undefined) {
      names = parts;
      return;
    }
    names.forEach((name, i) => {
      sums.set(name, (sums.get(name) ?? 0) + hexadecimal(parts[i], `nf_conntrack ${name}`));
    });
  });
  return sums;
}

export function conntrack(context: CollectorContext): Collector {
  const number = (path: string): number => decimal(readProcIfThere(context, path).trim(), path);
  return (sink) => {
    sink.add(entries, number('sys/net/netfilter/nf_conntrack_count'));
    sink.add(limit, number('sys/net/netfilter/nf_conntrack_max'));
    let text = '';
    try {
      text = readProc(context, 'net/stat/nf_conntrack');
    } catch (error) {
      // Some kernels have the table without its statistics.
      if (!(error instanceof FileError)) throw error;
    }
    if (text === '') return;
    const sums = statistics(text);
    for (const [name, to] of Object.entries(columns)) sink.add(to, sums.get(name) ?? 0);
  };
}
