// SPDX-License-Identifier: Apache-2.0
// The local time zone from its TZif file (RFC 8536), as Go reads it. Node's own way loads ICU's tables,
// eight megabytes, to say "UTC".
//
//   header 44 bytes: "TZif" | version | 15 unused | six counts u32: UT, standard, leap, time, type, character
//   then times, type of each time u8, types (offset i32, daylight u8, index of abbreviation u8), characters
//   version 2: after all that of version 1 a second header and block with 64-bit times, and a rule as text

import { readFileSync } from 'node:fs';

export interface LocalZone {
  readonly name: string;
  readonly offsetSeconds: number;
}

interface ZoneFile {
  /** Seconds since 1970 from which each type holds, ascending. */
  readonly times: readonly number[];
  readonly typeOfTime: readonly number[];
  readonly types: readonly (LocalZone & { readonly isDaylight: boolean })[];
  /** Whether daylight saving goes on by a rule after the last time. */
  readonly hasRule: boolean;
}

const HEADER_BYTES = 44;
const UTC: LocalZone = { name: 'UTC', offsetSeconds: 0 };

interface Header {
  readonly version: number;
  readonly counts: readonly number[];
}

function headerAt(bytes: Buffer, at: number): Header | undefined {
  if (bytes.length < at + HEADER_BYTES || bytes.toString('latin1', at, at + 4) !== 'TZif')
    return undefined;
  const counts = [0, 1, 2, 3, 4, 5].map((i) => bytes.readUInt32BE(at + 20 + 4 * i));
  return { version: Math.max(0, bytes[at + 4]! - 48), counts };
}

/** Bytes of the block behind a header. */
function blockBytes({ counts }: Header, timeBytes: number): number {
  const [ut = 0, standard = 0, leap = 0, time = 0, type = 0, character = 0] = counts;
  return time * (timeBytes + 1) + type * 6 + character + leap * (timeBytes + 4) + standard + ut;
}

/** Undefined for what is not a zone file, or one with less than it says. */
export function parseZoneFile(bytes: Buffer): ZoneFile | undefined {
  let at = 0;
  let header = headerAt(bytes, at);
  let timeBytes = 4;
  if (header !== undefined && header.version >= 2) {
    at += HEADER_BYTES + blockBytes(header, timeBytes);
    timeBytes = 8;
    header = headerAt(bytes, at);
  }
  if (header === undefined) return undefined;
  const start = at + HEADER_BYTES;
  const end = start + blockBytes(header, timeBytes);
  if (end > bytes.length) return undefined;
  const [, , , timeCount = 0, typeCount = 0] = header.counts;
  const times = Array.from({ length: timeCount }, (_, i) =>
    timeBytes === 4
      ? bytes.readInt32BE(start + 4 * i)
      : bytes.readInt32BE(start + 8 * i) * 2 ** 32 + bytes.readUInt32BE(start + 8 * i + 4),
  );
  const indexes = start + timeCount * timeBytes;
  const types = indexes + timeCount;
  const characters = types + typeCount * 6;
  return {
    times,
    typeOfTime: [...bytes.subarray(indexes, types)],
    types: Array.from({ length: typeCount }, (_, i) => {
      const name = characters + bytes[types + 6 * i + 5]!;
      return {
        offsetSeconds: bytes.readInt32BE(types + 6 * i),
        isDaylight: bytes[types + 6 * i + 4] === 1,
        name: bytes.toString('latin1', name, bytes.indexOf(0, name)),
      };
    }),
    hasRule: bytes.toString('latin1', end).includes(','),
  };
}

/** The zone at a moment; undefined when it follows from the rule. */
export function zoneAt(file: ZoneFile, seconds: number): LocalZone | undefined {
  const { times, types, typeOfTime } = file;
  const next = times.findIndex((time) => time > seconds);
  if (next === -1 && times.length > 0 && file.hasRule) return undefined;
  const last = next === -1 ? times.length - 1 : next - 1;
  // Before the first change: the first type that is no daylight saving.
  if (last < 0) return types.find((type) => !type.isDaylight) ?? types[0];
  return types[typeOfTime[last] ?? 0];
}

/** By ICU: right in every case. */
function zoneByIntl(atMs: number): LocalZone {
  const date = new Date(atMs);
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC';
  return { name, offsetSeconds: -date.getTimezoneOffset() * 60 };
}

/** TZ of the environment; undefined stands for the machine's own zone, '' for UTC. */
function readZoneFile(zone: string | undefined): ZoneFile | 'utc' | undefined {
  if (zone === '' || zone === 'UTC') return 'utc';
  const name = zone?.replace(/^:/, '');
  const path =
    name === undefined
      ? '/etc/localtime'
      : name.startsWith('/')
        ? name
        : `/usr/share/zoneinfo/${name}`;
  try {
    return parseZoneFile(readFileSync(path));
  } catch {
    // Without a file for it, the machine's zone is UTC; another one may still be known to ICU.
    return zone === undefined ? 'utc' : undefined;
  }
}

/** Name and offset of the local zone at a moment. */
export function createTimeZone(zone = process.env.TZ): (atMs: number) => LocalZone {
  const file = readZoneFile(zone);
  return (atMs) => {
    if (file === 'utc') return UTC;
    const known = file === undefined ? undefined : zoneAt(file, Math.floor(atMs / 1000));
    return known === undefined
      ? zoneByIntl(atMs)
      : { name: known.name, offsetSeconds: known.offsetSeconds };
  };
}
