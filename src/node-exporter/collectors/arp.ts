// SPDX-License-Identifier: Apache-2.0
// arp: neighbours by device.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { eachLine, fields, SourceError } from '../text.ts';

const entries = gauge('node_arp_entries', 'ARP entries by device', 'device');
/** IP address, HW type, flags, HW address, mask, device. */
const COLUMN_COUNT = 6;

/** Rows of /proc/net/arp by device; the kernel leaves out what is in state NOARP. */
function procCounts(context: CollectorContext): Map<string, number> {
  const counts = new Map<string, number>();
  let header = true;
  eachLine(readProc(context, 'net/arp'), (line) => {
    if (header) {
      header = false;
      return;
    }
    const parts = fields(line);
    if (parts.length < COLUMN_COUNT)
      throw new SourceError(`unexpected line in net/arp: ${JSON.stringify(line)}`);
    const device = parts[COLUMN_COUNT - 1]!;
    counts.set(device, (counts.get(device) ?? 0) + 1);
  });
  return counts;
}

export function arp(context: CollectorContext): Collector {
  const { devices } = context.options.arp;
  return (sink) => {
    for (const [device, count] of procCounts(context))
      if (keepsName(devices, device)) sink.add(entries, count, device);
  };
}
