// SPDX-License-Identifier: Apache-2.0
// Requests to the kernel over netlink, and what is in its answers.
//
//   message:   length u32 | type u16 | flags u16 | sequence u32 | port u32 | a structure | attributes
//   attribute: length u16 | type u16 | value, padded to four bytes

import type { SystemCalls } from '../base/index.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

const HEADER_BYTES = 16;
const FLAG_REQUEST = 1;
const FLAG_DUMP = 0x300;
/** Attribute types carry two flags in their highest bits. */
const TYPE_MASK = 0x3fff;

/** A message with its header before `payload`. */
export function netlinkRequest(type: number, payload: Uint8Array, isDump: boolean): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, isDump ? FLAG_REQUEST | FLAG_DUMP : FLAG_REQUEST, true);
  view.setUint32(8, 1, true);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** What follows the header of each message that answers a request for everything of a kind. */
export function netlinkDump(
  calls: SystemCalls,
  protocol: number,
  type: number,
  payload: Uint8Array,
): DataView[] {
  return calls
    .netlink(protocol, netlinkRequest(type, payload, true))
    .map((message) => viewOf(message.subarray(HEADER_BYTES)));
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Attributes from byte `start` on, by type; of a repeated one the last. */
export function attributes(view: DataView, start: number): Map<number, DataView> {
  const found = new Map<number, DataView>();
  for (let at = start; at + 4 <= view.byteLength; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > view.byteLength) break;
    const type = view.getUint16(at + 2, true) & TYPE_MASK;
    found.set(type, new DataView(view.buffer, view.byteOffset + at + 4, length - 4));
    at += (length + 3) & ~3;
  }
  return found;
}

/** One attribute, padded. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** Text up to its final zero byte. */
export function textOf(view: DataView | undefined): string {
  if (view === undefined) return '';
  let length = view.byteLength;
  while (length > 0 && view.getUint8(length - 1) === 0) length--;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, length));
}

/** An unsigned 64-bit number: exact up to 2^53, as floats go. */
export const unsigned64 = (view: DataView, at: number): number =>
  view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** `192.0.2.1` or `2001:db8::1`. */
export function addressText(view: DataView | undefined): string {
  if (view === undefined) return '';
  if (view.byteLength === 4) return [0, 1, 2, 3].map((i) => view.getUint8(i)).join('.');
  if (view.byteLength !== 16) return '';
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i));
  // The longest run of two or more zero groups is left out.
  let [best, bestLength] = [-1, 1];
  for (let i = 0; i < 8; ) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) [best, bestLength] = [i, end - i];
    i = Math.max(end, i + 1);
  }
  const hex = (part: readonly number[]): string => part.map((n) => n.toString(16)).join(':');
  if (best < 0) return hex(groups);
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

/** `00:11:22:aa:bb:cc`. */
export const hardwareAddress = (view: DataView | undefined): string =>
  view === undefined
    ? ''
    : Array.from({ length: view.byteLength }, (_, i) =>
        view.getUint8(i).toString(16).padStart(2, '0'),
      ).join(':');

const RTM_GETLINK = 18;
const IFINFO_BYTES = 16;
/** Attributes of a link, as <linux/if_link.h> numbers them. */
export const LinkAttribute = {
  address: 1,
  broadcast: 2,
  name: 3,
  mtu: 4,
  link: 5,
  transmitQueueLength: 13,
  operationalState: 16,
  linkMode: 17,
  alias: 20,
  statistics: 23,
  group: 27,
  carrier: 33,
  carrierChanges: 35,
  carrierUpCount: 47,
  carrierDownCount: 48,
} as const;

/** One network device. */
export interface Link {
  readonly index: number;
  /** ARPHRD_ of <linux/if_arp.h>. */
  readonly type: number;
  /** IFF_ of <linux/if.h>. */
  readonly flags: number;
  /** All that the kernel says of it, by {@link LinkAttribute}. */
  readonly attributes: ReadonlyMap<number, DataView>;
  readonly name: string;
  readonly alias: string;
  /** `struct rtnl_link_stats64`: 64-bit counters in the kernel's order. */
  readonly statistics: DataView | undefined;
}

/** All network devices of this network namespace. @throws SystemCallError */
export function listLinks(calls: SystemCalls): Link[] {
  const payload = new Uint8Array(IFINFO_BYTES);
  return netlinkDump(calls, NETLINK_ROUTE, RTM_GETLINK, payload).map((message) => {
    const found = attributes(message, IFINFO_BYTES);
    return {
      index: message.getInt32(4, true),
      type: message.getUint16(2, true),
      flags: message.getUint32(8, true),
      attributes: found,
      name: textOf(found.get(LinkAttribute.name)),
      alias: textOf(found.get(LinkAttribute.alias)),
      statistics: found.get(LinkAttribute.statistics),
    };
  });
}
