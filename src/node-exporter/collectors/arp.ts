// SPDX-License-Identifier: Apache-2.0
// arp: neighbours by device.

import type { SystemCalls } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { listLinks, NETLINK_ROUTE, netlinkDump } from '../netlink.ts';
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

const RTM_GETNEIGH = 30;
/** `struct ndmsg`: family, index at 4, state at 8. */
const NDMSG_BYTES = 12;
/** NUD_NOARP: neighbours that are never asked for. */
const STATE_NO_ARP = 0x40;

/** Neighbours by device, IPv6 as well as IPv4. @throws SystemCallError */
function netlinkCounts(calls: SystemCalls): Map<string, number> {
  const names = new Map(listLinks(calls).map(({ index, name }) => [index, name]));
  const counts = new Map<string, number>();
  const request = new Uint8Array(NDMSG_BYTES);
  for (const message of netlinkDump(calls, NETLINK_ROUTE, RTM_GETNEIGH, request)) {
    const device = names.get(message.getInt32(4, true));
    if (device === undefined || (message.getUint16(8, true) & STATE_NO_ARP) !== 0) continue;
    counts.set(device, (counts.get(device) ?? 0) + 1);
  }
  return counts;
}

export function arp(context: CollectorContext): Collector {
  const { devices, netlink } = context.options.arp;
  return (sink) => {
    const calls = netlink ? context.system.calls : undefined;
    const counts = calls === undefined ? procCounts(context) : netlinkCounts(calls);
    for (const [device, count] of counts)
      if (keepsName(devices, device)) sink.add(entries, count, device);
  };
}
