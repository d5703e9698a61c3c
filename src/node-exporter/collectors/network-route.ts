// SPDX-License-Identifier: Apache-2.0
// network_route: the routing tables.

import type { SystemCalls } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { addressText, attributes, listLinks, NETLINK_ROUTE, netlinkDump } from '../netlink.ts';
import { gauge } from '../sink.ts';

const routeInfo = gauge(
  'node_network_route_info',
  'network routing table information',
  'dest',
  'device',
  'gw',
  'priority',
  'proto',
  'src',
  'weight',
);
const routeCount = gauge('node_network_routes', 'network routes by interface', 'device');

const RTM_GETROUTE = 26;
/** `struct rtmsg`: bits of the destination at 1, protocol at 5, type at 7. */
const RTMSG_BYTES = 12;
const TYPE_UNICAST = 1;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
/** `struct rtnexthop`: length u16, flags, hops at 3, index at 4. */
const NEXT_HOP_BYTES = 8;

/** Who made a route, by the number in <linux/rtnetlink.h>. */
const protocols: Readonly<Record<number, string>> = {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  8: 'gated',
  9: 'ra',
  10: 'mrt',
  11: 'zebra',
  12: 'bird',
  13: 'dnrouted',
  14: 'xorp',
  15: 'ntk',
  16: 'dhcp',
  17: 'mrouted',
  42: 'babel',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  192: 'eigrp',
};

interface Route {
  readonly device: string;
  readonly source: string;
  readonly destination: string;
  readonly gateway: string;
  readonly priority: string;
  readonly protocol: string;
  /** Of one of several next hops; empty for a route with one. */
  readonly weight: string;
}

function nextHops(multipath: DataView): { index: number; gateway: string; weight: string }[] {
  const hops: { index: number; gateway: string; weight: string }[] = [];
  for (let at = 0; at + NEXT_HOP_BYTES <= multipath.byteLength; ) {
    const length = multipath.getUint16(at, true);
    if (length < NEXT_HOP_BYTES || at + length > multipath.byteLength) break;
    const hop = new DataView(multipath.buffer, multipath.byteOffset + at, length);
    hops.push({
      index: hop.getInt32(4, true),
      gateway: addressText(attributes(hop, NEXT_HOP_BYTES).get(RTA_GATEWAY)),
      weight: String(hop.getUint8(3) + 1),
    });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** All unicast routes, each next hop as one. @throws SystemCallError */
function listRoutes(calls: SystemCalls): Route[] {
  const names = new Map(listLinks(calls).map(({ index, name }) => [index, name]));
  const routes: Route[] = [];
  const request = new Uint8Array(RTMSG_BYTES);
  for (const message of netlinkDump(calls, NETLINK_ROUTE, RTM_GETROUTE, request)) {
    if (message.getUint8(7) !== TYPE_UNICAST) continue;
    const found = attributes(message, RTMSG_BYTES);
    const bits = message.getUint8(1);
    const shared = {
      source: addressText(found.get(RTA_PREFSRC)),
      destination: bits === 0 ? 'default' : `${addressText(found.get(RTA_DST))}/${bits}`,
      priority: String(found.get(RTA_PRIORITY)?.getUint32(0, true) ?? 0),
      protocol: protocols[message.getUint8(5)] ?? 'unknown',
    };
    const multipath = found.get(RTA_MULTIPATH);
    const hops =
      multipath === undefined
        ? [
            {
              index: found.get(RTA_OIF)?.getInt32(0, true) ?? 0,
              gateway: addressText(found.get(RTA_GATEWAY)),
              weight: '',
            },
          ]
        : nextHops(multipath);
    for (const { index, gateway, weight } of hops)
      routes.push({ ...shared, device: names.get(index) ?? '', gateway, weight });
  }
  return routes;
}

export function networkRoute(context: CollectorContext): Collector {
  return (sink) => {
    const { calls } = context.system;
    if (calls === undefined)
      throw new NoDataError('netlink needs the optional package koffi, which is not installed');
    const counts = new Map<string, number>();
    for (const route of listRoutes(calls)) {
      const { device, gateway, priority, protocol } = route;
      const labels = [route.destination, device, gateway, priority, protocol] as const;
      sink.add(routeInfo, 1, ...labels, route.source, route.weight);
      counts.set(device, (counts.get(device) ?? 0) + 1);
    }
    for (const [device, count] of counts) sink.add(routeCount, count, device);
  };
}
