// SPDX-License-Identifier: Apache-2.0
// netclass over netlink: one request for all devices instead of some twenty files for each, most of which
// take the kernel's lock on all network devices. What netlink does not have comes from sysfs.

import type { SystemCalls } from '../../base/index.ts';
import type { CollectorContext } from '../collector.ts';
import { familyId, genericDump, genericPayload } from '../generic-netlink.ts';
import type { Link } from '../netlink.ts';
import {
  attribute,
  attributes,
  hardwareAddress,
  LinkAttribute,
  listLinks,
  textOf,
  unsigned64,
} from '../netlink.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readSysLine } from '../source.ts';
import { decimalIfAny, hexadecimal } from '../text.ts';
import { linkStatistics } from './netdev.ts';
import { BYTES_PER_MEGABIT, property, speedBytes, up } from './netclass-metrics.ts';

const info = gauge(
  'node_network_info',
  'Non-numeric data of <iface>, value is always 1.',
  'address',
  'broadcast',
  'device',
  'duplex',
  'ifalias',
  'operstate',
);

/** IF_OPER_ of <linux/if.h>. */
const operationalStates = [
  ...['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'],
];

const fromLink: readonly (readonly [attribute: number, to: Descriptor])[] = [
  [LinkAttribute.carrier, property('carrier')],
  [LinkAttribute.carrierChanges, property('carrier_changes_total', counter)],
  [LinkAttribute.carrierUpCount, property('carrier_up_changes_total', counter)],
  [LinkAttribute.carrierDownCount, property('carrier_down_changes_total', counter)],
  [LinkAttribute.linkMode, property('iface_link_mode')],
  // As upstream, which has no better source for it here.
  [LinkAttribute.linkMode, property('dormant')],
  [LinkAttribute.mtu, property('mtu_bytes')],
  [LinkAttribute.group, property('net_dev_group')],
  [LinkAttribute.transmitQueueLength, property('transmit_queue_length')],
];
const fromSys: readonly (readonly [file: string, to: Descriptor])[] = [
  ['addr_assign_type', property('address_assign_type')],
  ['dev_id', property('device_id')],
  ['name_assign_type', property('name_assign_type')],
];
const deviceFlags = property('flags');
const interfaceId = property('iface_id');
const interfaceLink = property('iface_link');
const protocolType = property('protocol_type');
const statistics = linkStatistics.map((name) => property(`${name}_total`));

const MSG_LINKMODES_GET = 4;
const LINKMODES_HEADER = 1;
/** Newer families insist on the flag of attributes that hold attributes. */
const NESTED = 0x8000;
const LINKMODES_SPEED = 5;
const LINKMODES_DUPLEX = 6;
const HEADER_DEVICE_NAME = 2;
const SPEED_UNKNOWN = 0xffffffff;
const duplexNames: Readonly<Record<number, string>> = { 0: 'Half', 1: 'Full', 255: 'Unknown' };

interface LinkSpeed {
  /** Undefined where the device does not say. */
  readonly megabits: number | undefined;
  readonly duplex: string;
}

/** Speed and duplex by device, from ethtool's family; undefined where the kernel is older than 5.6. */
function linkSpeeds(calls: SystemCalls): Map<string, LinkSpeed> | undefined {
  const family = familyId(calls, 'ethtool');
  if (family === undefined) return undefined;
  const everything = genericPayload(
    MSG_LINKMODES_GET,
    attribute(NESTED | LINKMODES_HEADER, new Uint8Array(0)),
  );
  const speeds = new Map<string, LinkSpeed>();
  for (const found of genericDump(calls, family, everything)) {
    const header = found.get(LINKMODES_HEADER);
    if (header === undefined) continue;
    const speed = found.get(LINKMODES_SPEED)?.getUint32(0, true);
    const duplex = found.get(LINKMODES_DUPLEX)?.getUint8(0);
    speeds.set(textOf(attributes(header, 0).get(HEADER_DEVICE_NAME)), {
      megabits: speed === SPEED_UNKNOWN ? undefined : speed,
      duplex: duplex === undefined ? '' : (duplexNames[duplex] ?? ''),
    });
  }
  return speeds;
}

/** A number of one or four bytes. */
const numberOf = (view: DataView): number =>
  view.byteLength < 4 ? view.getUint8(0) : view.getUint32(0, true);

const sysNumber = (text: string): number | undefined =>
  text.startsWith('0x') ? hexadecimal(text, 'a network property') : decimalIfAny(text);

function collectLink(
  context: CollectorContext,
  sink: MetricSink,
  link: Link,
  speed: LinkSpeed | undefined,
): void {
  const { name, alias, index, type, flags, attributes: found } = link;
  const stateView = found.get(LinkAttribute.operationalState);
  const state = operationalStates[stateView === undefined ? 0 : numberOf(stateView)] ?? 'unknown';
  sink.add(up, state === 'up' ? 1 : 0, name);
  const address = hardwareAddress(found.get(LinkAttribute.address));
  const broadcast = hardwareAddress(found.get(LinkAttribute.broadcast));
  sink.add(info, 1, address, broadcast, name, speed?.duplex ?? '', alias, state);
  if (speed?.megabits !== undefined) sink.add(speedBytes, speed.megabits * BYTES_PER_MEGABIT, name);
  for (const [number, to] of fromLink) {
    const view = found.get(number);
    if (view !== undefined) sink.add(to, numberOf(view), name);
  }
  sink.add(deviceFlags, flags, name);
  sink.add(interfaceId, index, name);
  // The kernel leaves the link out where it is the device itself.
  sink.add(interfaceLink, found.get(LinkAttribute.link)?.getUint32(0, true) ?? index, name);
  sink.add(protocolType, type, name);
  for (const [file, to] of fromSys) {
    const value = sysNumber(readSysLine(context, `class/net/${name}/${file}`) ?? '');
    if (value !== undefined) sink.add(to, value, name);
  }
}

/** All network devices of this network namespace. @throws SystemCallError */
export function collectLinks(
  context: CollectorContext,
  calls: SystemCalls,
  sink: MetricSink,
): void {
  const { ignored, withStats } = context.options.netclass;
  const speeds = linkSpeeds(calls);
  if (speeds === undefined) {
    context.logger.info(
      'ETHTOOL netlink interface unavailable, duplex and linkspeed are not scraped.',
    );
  }
  for (const link of listLinks(calls)) {
    if (ignored?.test(link.name) === true) continue;
    collectLink(context, sink, link, speeds?.get(link.name));
    const counters = withStats ? link.statistics : undefined;
    if (counters === undefined) continue;
    statistics.forEach((to, i) => {
      if (8 * i + 8 <= counters.byteLength) sink.add(to, unsigned64(counters, 8 * i), link.name);
    });
  }
}
