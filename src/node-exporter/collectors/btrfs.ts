// SPDX-License-Identifier: Apache-2.0
// btrfs: what sysfs says of each mounted btrfs, and the kernel of its devices.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import type { BtrfsDevice } from './btrfs-devices.ts';
import { btrfsDevices } from './btrfs-devices.ts';
import { listSysIfAny, readSys, readSysLine, sysNumber, sysNumberIfAny } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

const info = gauge('node_btrfs_info', 'Filesystem information', 'label', 'uuid');
const globalReserve = gauge('node_btrfs_global_rsv_size_bytes', 'Size of global reserve.', 'uuid');
const commits = counter(
  'node_btrfs_commits_total',
  'The total number of commits that have occurred.',
  'uuid',
);
const lastCommit = gauge(
  'node_btrfs_last_commit_seconds',
  'Duration of the most recent commit, in seconds.',
  'uuid',
);
const maxCommit = gauge(
  'node_btrfs_max_commit_seconds',
  'Duration of the slowest commit, in seconds.',
  'uuid',
);
const commitSeconds = counter(
  'node_btrfs_commit_seconds_total',
  'Sum of the duration of all commits, in seconds.',
  'uuid',
);
const deviceSize = gauge(
  'node_btrfs_device_size_bytes',
  'Size of a device that is part of the filesystem.',
  'device',
  'uuid',
);
/** With the system call the devices are told apart by their id also. */
const knownDeviceSize = gauge(
  'node_btrfs_device_size_bytes',
  'Size of a device that is part of the filesystem.',
  'btrfs_dev_uuid',
  'device',
  'uuid',
);
const deviceUnused = gauge(
  'node_btrfs_device_unused_bytes',
  'Unused bytes unused on a device that is part of the filesystem.',
  'btrfs_dev_uuid',
  'device',
  'uuid',
);
const deviceErrors = counter(
  'node_btrfs_device_errors_total',
  'Errors reported for the device',
  'btrfs_dev_uuid',
  'device',
  'type',
  'uuid',
);
const reserved = gauge(
  'node_btrfs_reserved_bytes',
  'Amount of space reserved for a data type',
  'block_group_type',
  'uuid',
);
const used = gauge(
  'node_btrfs_used_bytes',
  'Amount of used space by a layout/data type',
  'block_group_type',
  'mode',
  'uuid',
);
const size = gauge(
  'node_btrfs_size_bytes',
  'Amount of space allocated for a layout/data type',
  'block_group_type',
  'mode',
  'uuid',
);
const ratio = gauge(
  'node_btrfs_allocation_ratio',
  'Data allocation ratio for a layout/data type',
  'block_group_type',
  'mode',
  'uuid',
);

const SECTOR_BYTES = 512;
/** Copies of each byte, for layouts without parity. */
const copies: Readonly<Record<string, number>> = {
  single: 1,
  raid0: 1,
  dup: 2,
  raid1: 2,
  raid10: 2,
  raid1c3: 3,
  raid1c4: 4,
};
/** Devices whose space parity takes. */
const parity: Readonly<Record<string, number>> = { raid5: 1, raid6: 2 };

/** Bytes on disk for each byte stored; 0 for layouts that are not known. */
function allocationRatio(mode: string, deviceCount: number): number {
  const lost = parity[mode];
  if (lost !== undefined) return deviceCount > lost ? deviceCount / (deviceCount - lost) : 0;
  return copies[mode] ?? 0;
}

function collectAllocation(
  context: CollectorContext,
  sink: MetricSink,
  uuid: string,
  deviceCount: number,
): void {
  for (const type of ['data', 'metadata', 'system']) {
    const base = `fs/btrfs/${uuid}/allocation/${type}`;
    const reservedBytes = sysNumberIfAny(context, `${base}/bytes_reserved`);
    if (reservedBytes === undefined) continue;
    sink.add(reserved, reservedBytes, type, uuid);
    for (const mode of listSysIfAny(context, base)) {
      const total = sysNumberIfAny(context, `${base}/${mode}/total_bytes`);
      if (total === undefined) continue;
      const usedBytes = sysNumber(context, `${base}/${mode}/used_bytes`);
      sink.add(used, usedBytes, type, mode, uuid);
      sink.add(size, total, type, mode, uuid);
      sink.add(ratio, allocationRatio(mode, deviceCount), type, mode, uuid);
    }
  }
}

/** `commits 258051`, then durations in milliseconds; kernels before 6.0 have none. */
function collectCommits(context: CollectorContext, sink: MetricSink, uuid: string): void {
  const values = new Map<string, number>();
  eachLine(readSysLine(context, `fs/btrfs/${uuid}/commit_stats`) ?? '', (line) => {
    const [key = '', value] = fields(line);
    values.set(key, decimal(value, `commit_stats ${key}`));
  });
  const of = (key: string): number => values.get(key) ?? 0;
  sink.add(commits, of('commits'), uuid);
  sink.add(lastCommit, of('last_commit_ms') / 1000, uuid);
  sink.add(maxCommit, of('max_commit_ms') / 1000, uuid);
  sink.add(commitSeconds, of('total_commit_ms') / 1000, uuid);
}

function collectDevices(sink: MetricSink, uuid: string, devices: readonly BtrfsDevice[]): void {
  for (const device of devices) {
    const { name } = device;
    sink.add(knownDeviceSize, device.totalBytes, device.uuid, name, uuid);
    sink.add(deviceUnused, device.totalBytes - device.usedBytes, device.uuid, name, uuid);
    for (const { type, count } of device.errors)
      sink.add(deviceErrors, count, device.uuid, name, type, uuid);
  }
}

export function btrfs(context: CollectorContext): Collector {
  return (sink) => {
    const uuids = listSysIfAny(context, 'fs/btrfs').filter((name) => name.split('-').length === 5);
    if (uuids.length === 0) return;
    const known = btrfsDevices(context);
    for (const uuid of uuids) {
      const base = `fs/btrfs/${uuid}`;
      sink.add(info, 1, readSys(context, `${base}/label`), uuid);
      sink.add(globalReserve, sysNumber(context, `${base}/allocation/global_rsv_size`), uuid);
      collectCommits(context, sink, uuid);
      const devices = listSysIfAny(context, `${base}/devices`);
      const asked = known.get(uuid.replaceAll('-', ''));
      if (asked !== undefined) collectDevices(sink, uuid, asked);
      for (const device of asked === undefined ? devices : []) {
        const sectors = sysNumberIfAny(context, `${base}/devices/${device}/size`) ?? 0;
        sink.add(deviceSize, sectors * SECTOR_BYTES, device, uuid);
      }
      collectAllocation(context, sink, uuid, devices.length);
    }
  };
}
