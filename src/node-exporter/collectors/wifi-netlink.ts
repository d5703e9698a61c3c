// SPDX-License-Identifier: Apache-2.0
// Wireless devices, networks and stations from the kernel's nl80211.

import type { SystemCalls } from '../../base/index.ts';
import { NoDataError } from '../collector.ts';
import { familyId, genericDump, genericPayload } from '../generic-netlink.ts';
import { attribute, attributes, hardwareAddress, textOf, unsigned64 } from '../netlink.ts';
import type { WifiSource, WifiStation } from './wifi-source.ts';

const CMD_GET_INTERFACE = 5;
const CMD_GET_STATION = 17;
const CMD_GET_SCAN = 32;
const ATTR_IFINDEX = 3;
const ATTR_IFNAME = 4;
const ATTR_IFTYPE = 5;
const ATTR_MAC = 6;
const ATTR_STA_INFO = 21;
const ATTR_WIPHY_FREQ = 38;
const ATTR_BSS = 47;

const BSS_BSSID = 1;
const BSS_ELEMENTS = 6;
const BSS_STATUS = 9;
const STATUS_ASSOCIATED = 1;

const RATE_BITRATE = 1;
const RATE_BITRATE32 = 5;
const RATE_UNIT_BITS = 100_000;

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Number of the family `nl80211`. @throws NoDataError where no driver has registered it */
function wirelessFamily(calls: SystemCalls): number {
  const id = familyId(calls, 'nl80211');
  if (id === undefined) throw new NoDataError('the kernel has no wireless devices (nl80211)');
  return id;
}

function bitsPerSecond(view: DataView | undefined): number {
  if (view === undefined) return 0;
  const rate = attributes(view, 0);
  const units =
    rate.get(RATE_BITRATE32)?.getUint32(0, true) ?? rate.get(RATE_BITRATE)?.getUint16(0, true);
  return (units ?? 0) * RATE_UNIT_BITS;
}

/** Attributes of NL80211_ATTR_STA_INFO, by their numbers. */
function stationOf(found: ReadonlyMap<number, DataView>): WifiStation {
  const nested = found.get(ATTR_STA_INFO);
  const info = nested === undefined ? new Map<number, DataView>() : attributes(nested, 0);
  const number = (type: number): number => info.get(type)?.getUint32(0, true) ?? 0;
  const bytes = (type64: number, type32: number): number => {
    const wide = info.get(type64);
    return wide === undefined ? number(type32) : unsigned64(wide, 0);
  };
  return {
    address: hardwareAddress(found.get(ATTR_MAC)),
    inactiveSeconds: number(1) / 1000,
    receiveBytes: bytes(23, 2),
    transmitBytes: bytes(24, 3),
    signal: info.get(7)?.getInt8(0) ?? 0,
    transmitBits: bitsPerSecond(info.get(8)),
    receivedPackets: number(9),
    transmittedPackets: number(10),
    transmitRetries: number(11),
    transmitFailed: number(12),
    receiveBits: bitsPerSecond(info.get(14)),
    connectedSeconds: number(16),
    beaconLoss: number(18),
  };
}

/** The name in the information elements of a beacon: number, length, value; the name has number 0. */
function ssidOf(elements: DataView | undefined): string {
  for (let at = 0; elements !== undefined && at + 2 <= elements.byteLength; ) {
    const length = elements.getUint8(at + 1);
    if (elements.getUint8(at) === 0 && at + 2 + length <= elements.byteLength)
      return textOf(new DataView(elements.buffer, elements.byteOffset + at + 2, length));
    at += 2 + length;
  }
  return '';
}

/** @throws NoDataError, SystemCallError */
export function openWifi(calls: SystemCalls): WifiSource {
  const family = wirelessFamily(calls);
  const dump = (command: number, ...parts: readonly Uint8Array[]): Map<number, DataView>[] =>
    genericDump(calls, family, genericPayload(command, ...parts));
  return {
    interfaces: () =>
      dump(CMD_GET_INTERFACE).map((found) => ({
        index: found.get(ATTR_IFINDEX)?.getUint32(0, true) ?? 0,
        name: textOf(found.get(ATTR_IFNAME)),
        type: found.get(ATTR_IFTYPE)?.getUint32(0, true) ?? 0,
        frequency: found.get(ATTR_WIPHY_FREQ)?.getUint32(0, true) ?? 0,
      })),
    network: (index) => {
      for (const found of dump(CMD_GET_SCAN, attribute(ATTR_IFINDEX, word(index)))) {
        const nested = found.get(ATTR_BSS);
        const bss = nested === undefined ? undefined : attributes(nested, 0);
        if (bss?.get(BSS_STATUS)?.getUint32(0, true) !== STATUS_ASSOCIATED) continue;
        return { bssid: hardwareAddress(bss.get(BSS_BSSID)), ssid: ssidOf(bss.get(BSS_ELEMENTS)) };
      }
      return undefined;
    },
    stations: (index) => dump(CMD_GET_STATION, attribute(ATTR_IFINDEX, word(index))).map(stationOf),
  };
}
