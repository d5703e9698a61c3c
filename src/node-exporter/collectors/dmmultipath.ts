// SPDX-License-Identifier: Apache-2.0
// dmmultipath: disks that are reached on several ways.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfAny, listSysIfThere, readSysLine, sysNumberIfAny } from '../source.ts';

const active = gauge(
  'node_dmmultipath_device_active',
  'Whether the multipath device-mapper device is active (1) or suspended (0).',
  'device',
  'sysfs_name',
);
const info = gauge(
  'node_dmmultipath_device_info',
  'Non-numeric information about a DM-multipath device.',
  'device',
  'sysfs_name',
  'uuid',
);
const paths = gauge(
  'node_dmmultipath_device_paths',
  'Number of paths for a multipath device.',
  'device',
  'sysfs_name',
);
const pathsActive = gauge(
  'node_dmmultipath_device_paths_active',
  'Number of paths in active state (SCSI running or NVMe live) for a multipath device.',
  'device',
  'sysfs_name',
);
const pathsFailed = gauge(
  'node_dmmultipath_device_paths_failed',
  'Number of paths not in active state for a multipath device.',
  'device',
  'sysfs_name',
);
const sizeBytes = gauge(
  'node_dmmultipath_device_size_bytes',
  'Size of the multipath device in bytes, read from /sys/block/<dm>/size.',
  'device',
  'sysfs_name',
);
const pathState = gauge(
  'node_dmmultipath_path_state',
  'Reports the underlying device state for a multipath path, as read from /sys/block/<dev>/device/state.',
  'device',
  'path',
  'state',
);

const SECTOR_BYTES = 512;

function collectDevice(
  context: CollectorContext,
  sink: MetricSink,
  name: string,
  uuid: string,
): void {
  const base = `block/${name}`;
  const device = readSysLine(context, `${base}/dm/name`) ?? name;
  sink.add(info, 1, device, name, uuid);
  sink.add(active, readSysLine(context, `${base}/dm/suspended`) === '0' ? 1 : 0, device, name);
  const sectors = sysNumberIfAny(context, `${base}/size`) ?? 0;
  sink.add(sizeBytes, sectors * SECTOR_BYTES, device, name);
  const slaves = listSysIfAny(context, `${base}/slaves`);
  let up = 0;
  for (const slave of slaves) {
    const state = readSysLine(context, `block/${slave}/device/state`) ?? 'unknown';
    if (state === 'running' || state === 'live') up++;
    sink.add(pathState, 1, device, slave, state);
  }
  sink.add(paths, slaves.length, device, name);
  sink.add(pathsActive, up, device, name);
  sink.add(pathsFailed, slaves.length - up, device, name);
}

export function dmmultipath(context: CollectorContext): Collector {
  return (sink) => {
    for (const name of listSysIfThere(context, 'block')) {
      if (!name.startsWith('dm-')) continue;
      const uuid = readSysLine(context, `block/${name}/dm/uuid`) ?? '';
      if (!uuid.startsWith('mpath-')) continue;
      collectDevice(context, sink, name, uuid);
    }
  };
}
