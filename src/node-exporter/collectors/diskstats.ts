// SPDX-License-Identifier: Apache-2.0
// diskstats: /proc/diskstats with what udev and sysfs know of each device.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readProc, readSysLine } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

const SECTOR_BYTES = 512;
/** major, minor and name come before the statistics. */
const FIRST_STATISTIC = 3;

type DiskColumn = readonly [Descriptor, factor: number];

const column = (name: string, help: string, factor = 1): DiskColumn => [
  counter(`node_disk_${name}`, help, 'device'),
  factor,
];

/** In the order of the kernel's columns; older kernels print fewer. */
const columns: readonly DiskColumn[] = [
  column('reads_completed_total', 'The total number of reads completed successfully.'),
  column('reads_merged_total', 'The total number of reads merged.'),
  column('read_bytes_total', 'The total number of bytes read successfully.', SECTOR_BYTES),
  column('read_time_seconds_total', 'The total number of seconds spent by all reads.', 1 / 1000),
  column('writes_completed_total', 'The total number of writes completed successfully.'),
  column('writes_merged_total', 'The number of writes merged.'),
  column('written_bytes_total', 'The total number of bytes written successfully.', SECTOR_BYTES),
  column(
    'write_time_seconds_total',
    'This is the total number of seconds spent by all writes.',
    1 / 1000,
  ),
  [gauge('node_disk_io_now', 'The number of I/Os currently in progress.', 'device'), 1],
  column('io_time_seconds_total', 'Total seconds spent doing I/Os.', 1 / 1000),
  column('io_time_weighted_seconds_total', 'The weighted # of seconds spent doing I/Os.', 1 / 1000),
  column('discards_completed_total', 'The total number of discards completed successfully.'),
  column('discards_merged_total', 'The total number of discards merged.'),
  column('discarded_sectors_total', 'The total number of sectors discarded successfully.'),
  column(
    'discard_time_seconds_total',
    'This is the total number of seconds spent by all discards.',
    1 / 1000,
  ),
  column('flush_requests_total', 'The total number of flush requests completed successfully'),
  column(
    'flush_requests_time_seconds_total',
    'This is the total number of seconds spent by all flush requests.',
    1 / 1000,
  ),
];

const diskInfo = gauge(
  'node_disk_info',
  'Info of /sys/block/<block_device>.',
  'device',
  'major',
  'minor',
  'model',
  'path',
  'revision',
  'rotational',
  'serial',
  'wwn',
);
const filesystemInfo = gauge(
  'node_disk_filesystem_info',
  'Info about disk filesystem.',
  'device',
  'type',
  'usage',
  'uuid',
  'version',
);
const mapperInfo = gauge(
  'node_disk_device_mapper_info',
  'Info about disk device mapper.',
  'device',
  'lv_layer',
  'lv_name',
  'name',
  'uuid',
  'vg_name',
);

/** `E:KEY=value` lines of udev's record of a block device; empty when udev knows nothing. */
function udevProperties(
  context: CollectorContext,
  major: string,
  minor: string,
): Map<string, string> {
  const properties = new Map<string, string>();
  try {
    eachLine(context.files.readTextSync(`${context.paths.udevData}/b${major}:${minor}`), (line) => {
      const equals = line.indexOf('=');
      if (line.startsWith('E:') && equals > 0)
        properties.set(line.slice(2, equals), line.slice(equals + 1));
    });
  } catch (error) {
    // In containers there is often no udev database: the info labels stay empty, as upstream.
    if (!(error instanceof FileError)) throw error;
  }
  return properties;
}

function collectInfo(
  context: CollectorContext,
  sink: MetricSink,
  device: string,
  major: string,
  minor: string,
): void {
  const udev = udevProperties(context, major, minor);
  const of = (key: string): string => udev.get(key) ?? '';
  // Disks behind some controllers have their serial number under the SCSI key only.
  const serial = of('SCSI_IDENT_SERIAL') || of('ID_SERIAL_SHORT') || of('ID_SERIAL');
  const rotational = readSysLine(context, `block/${device}/queue/rotational`) ?? '0';
  sink.add(
    diskInfo,
    1,
    device,
    major,
    minor,
    of('ID_MODEL'),
    of('ID_PATH'),
    of('ID_REVISION'),
    rotational,
    serial,
    of('ID_WWN'),
  );
  const usage = of('ID_FS_USAGE');
  if (usage !== '') {
    const [type, uuid, version] = [of('ID_FS_TYPE'), of('ID_FS_UUID'), of('ID_FS_VERSION')];
    sink.add(filesystemInfo, 1, device, type, usage, uuid, version);
  }
  const name = of('DM_NAME');
  if (name !== '') {
    const [layer, volume, group] = [of('DM_LV_LAYER'), of('DM_LV_NAME'), of('DM_VG_NAME')];
    sink.add(mapperInfo, 1, device, layer, volume, name, of('DM_UUID'), group);
  }
  collectAta(sink, device, udev);
}

const ataGauges: readonly (readonly [key: string, Descriptor])[] = [
  [
    'ID_ATA_WRITE_CACHE',
    gauge('node_disk_ata_write_cache', 'ATA disk has a write cache.', 'device'),
  ],
  [
    'ID_ATA_WRITE_CACHE_ENABLED',
    gauge('node_disk_ata_write_cache_enabled', 'ATA disk has its write cache enabled.', 'device'),
  ],
  [
    'ID_ATA_ROTATION_RATE_RPM',
    gauge(
      'node_disk_ata_rotation_rate_rpm',
      'ATA disk rotation rate in RPMs (0 for SSDs).',
      'device',
    ),
  ],
];

function collectAta(sink: MetricSink, device: string, udev: ReadonlyMap<string, string>): void {
  if ((udev.get('ID_ATA') ?? '') === '') return;
  for (const [key, to] of ataGauges) {
    const text = udev.get(key);
    if (text !== undefined) sink.add(to, decimal(text, `udev ${key} of ${device}`), device);
  }
}

export function diskstats(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'diskstats'), (line) => {
      const parts = fields(line);
      const [major = '', minor = '', device = ''] = parts;
      if (device === '' || !keepsName(context.options.diskstatsDevices, device)) return;
      collectInfo(context, sink, device, major, minor);
      columns.forEach(([to, factor], i) => {
        const text = parts[FIRST_STATISTIC + i];
        if (text === undefined) return;
        sink.add(to, decimal(text, `diskstats of ${device}`) * factor, device);
      });
    });
  };
}
