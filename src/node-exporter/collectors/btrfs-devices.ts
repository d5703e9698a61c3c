// SPDX-License-Identifier: Apache-2.0
// The devices of mounted btrfs file systems, which the kernel tells those who may ask (CAP_SYS_ADMIN).

import type { SystemCalls } from '../../base/index.ts';
import { FileError, SystemCallError } from '../../base/index.ts';
import type { CollectorContext } from '../collector.ts';
import { textOf, unsigned64, viewOf } from '../netlink.ts';
import { readMounts } from './filesystem.ts';

/** `_IOR(0x94, 31, 1024 bytes)`, `_IOWR(0x94, 30, 4096 bytes)`, `_IOWR(0x94, 52, 1032 bytes)`. */
const FS_INFO = 0x8400941f;
const FS_INFO_BYTES = 1024;
const DEV_INFO = 0xd000941e;
const DEV_INFO_BYTES = 4096;
const GET_DEV_STATS = 0xc4089434;
const DEV_STATS_BYTES = 1032;
const PATH_OFFSET = 3072;
const UUID_BYTES = 16;

/** In the order of the kernel's counters. */
const errorTypes = ['write', 'read', 'flush', 'corruption', 'generation'] as const;
/** No file system has devices with larger numbers: a damaged answer must not keep us asking. */
const DEVICE_ID_MAX = 4096;

export interface BtrfsDevice {
  /** `sda1`. */
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly uuid: string;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly errors: readonly { readonly type: string; readonly count: number }[];
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function ask(calls: SystemCalls, path: string, request: number, length: number, id = 0): DataView {
  const view = viewOf(new Uint8Array(length));
  view.setUint32(0, id, true);
  if (request === GET_DEV_STATS) view.setUint32(8, errorTypes.length, true);
  calls.directoryIoctl(path, request, new Uint8Array(view.buffer));
  return view;
}

function deviceOf(calls: SystemCalls, path: string, id: number): BtrfsDevice {
  const about = ask(calls, path, DEV_INFO, DEV_INFO_BYTES, id);
  const statistics = ask(calls, path, GET_DEV_STATS, DEV_STATS_BYTES, id);
  const devicePath = textOf(new DataView(about.buffer, PATH_OFFSET)).replace(/\0[\s\S]*$/, '');
  return {
    name: devicePath.slice(devicePath.lastIndexOf('/') + 1),
    uuid: hex(new Uint8Array(about.buffer, 8, UUID_BYTES)),
    usedBytes: unsigned64(about, 24),
    totalBytes: unsigned64(about, 32),
    errors: errorTypes.map((type, i) => ({ type, count: unsigned64(statistics, 24 + 8 * i) })),
  };
}

/** The devices of the file system mounted at `path`, with its id. @throws FileError, SystemCallError */
function devicesAt(calls: SystemCalls, path: string): { id: string; devices: BtrfsDevice[] } {
  const about = ask(calls, path, FS_INFO, FS_INFO_BYTES);
  const lastId = Math.min(unsigned64(about, 0), DEVICE_ID_MAX);
  const count = unsigned64(about, 8);
  const devices: BtrfsDevice[] = [];
  for (let id = 0; id <= lastId && devices.length < count; id++) {
    try {
      devices.push(deviceOf(calls, path, id));
    } catch (error) {
      // Numbers start anywhere and have gaps.
      if (!(error instanceof SystemCallError && error.code === 'ENODEV')) throw error;
    }
  }
  return { id: hex(new Uint8Array(about.buffer, 16, UUID_BYTES)), devices };
}

/**
 * Devices by the file system's id (32 hexadecimal digits). Mounts that may not be asked are left out: what
 * sysfs says has to do.
 */
export function btrfsDevices(context: CollectorContext): Map<string, readonly BtrfsDevice[]> {
  const { calls } = context.system;
  const found = new Map<string, readonly BtrfsDevice[]>();
  if (calls === undefined) return found;
  const asked = new Set<string>();
  const { rootfs } = context.paths;
  for (const { device, mountPoint, type } of readMounts(context)) {
    if (type !== 'btrfs' || asked.has(device)) continue;
    const path = rootfs === '/' ? mountPoint : `${rootfs}${mountPoint}`;
    try {
      const { id, devices } = devicesAt(calls, path);
      asked.add(device);
      if (!found.has(id)) found.set(id, devices);
    } catch (error) {
      if (!(error instanceof FileError) && !(error instanceof SystemCallError)) throw error;
      context.logger.debug('Error querying btrfs device stats', { mountPoint: path, err: error });
    }
  }
  return found;
}
