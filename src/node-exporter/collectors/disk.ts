// SPDX-License-Identifier: Apache-2.0
// diskstats: /proc/diskstats with what udev and sysfs know of each device.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { decimal, eachLine, fields, readProc, readSysLine } from '../text.ts';

const SECTOR_BYTES = 512;
/** major, minor and name come before the statistics. */
const FIRST_STATISTIC = 3;

interface DiskColumn {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly factor: number;
}

const counter = (name: string, help: string, factor = 1): DiskColumn => ({
  name: `node_disk_${name}`,
  help,
  type: 'counter',
  factor,
});

/** In the order of the kernel's columns; older kernels print fewer. */
const columns: readonly DiskColumn[] = [
  counter('reads_completed_total', 'The total number of reads completed successfully.'),
  counter('reads_merged_total', 'The total number of reads merged.'),
  counter('read_bytes_total', 'The total number of bytes read successfully.', SECTOR_BYTES),
  counter('read_time_seconds_total', 'The total number of seconds spent by all reads.', 1 / 1000),
  counter('writes_completed_total', 'The total number of writes completed successfully.'),
  counter('writes_merged_total', 'The number of writes merged.'),
  counter('written_bytes_total', 'The total number of bytes written successfully.', SECTOR_BYTES),
  counter(
    'write_time_seconds_total',
    'This is the total number of seconds spent by all writes.',
    1 / 1000,
  ),
  {
    name: 'node_disk_io_now',
    help: 'The number of I/Os currently in progress.',
    type: 'gauge',
    factor: 1,
  },
  counter('io_time_seconds_total', 'Total seconds spent doing I/Os.', 1 / 1000),
  counter(
    'io_time_weighted_seconds_total',
    'The weighted # of seconds spent doing I/Os.',
    1 / 1000,
  ),
  counter('discards_completed_total', 'The total number of discards completed successfully.'),
  counter('discards_merged_total', 'The total number of discards merged.'),
  counter('discarded_sectors_total', 'The total number of sectors discarded successfully.'),
  counter(
    'discard_time_seconds_total',
    'This is the total number of seconds spent by all discards.',
    1 / 1000,
  ),
  counter('flush_requests_total', 'The total number of flush requests completed successfully'),
  counter(
    'flush_requests_time_seconds_total',
    'This is the total number of seconds spent by all flush requests.',
    1 / 1000,
  ),
];

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
  sink.gauge('node_disk_info', 'Info of /sys/block/<block_device>.', 1, [
    ['device', device],
    ['major', major],
    ['minor', minor],
    ['model', of('ID_MODEL')],
    ['path', of('ID_PATH')],
    ['revision', of('ID_REVISION')],
    ['rotational', readSysLine(context, `block/${device}/queue/rotational`) ?? '0'],
    ['serial', serial],
    ['wwn', of('ID_WWN')],
  ]);
  if (of('ID_FS_USAGE') !== '') {
    sink.gauge('node_disk_filesystem_info', 'Info about disk filesystem.', 1, [
      ['device', device],
      ['type', of('ID_FS_TYPE')],
      ['usage', of('ID_FS_USAGE')],
      ['uuid', of('ID_FS_UUID')],
      ['version', of('ID_FS_VERSION')],
    ]);
  }
  if (of('DM_NAME') !== '') {
    sink.gauge('node_disk_device_mapper_info', 'Info about disk device mapper.', 1, [
      ['device', device],
      ['lv_layer', of('DM_LV_LAYER')],
      ['lv_name', of('DM_LV_NAME')],
      ['name', of('DM_NAME')],
      ['uuid', of('DM_UUID')],
      ['vg_name', of('DM_VG_NAME')],
    ]);
  }
  collectAta(sink, device, udev);
}

const ataGauges: readonly (readonly [key: string, name: string, help: string])[] = [
  ['ID_ATA_WRITE_CACHE', 'node_disk_ata_write_cache', 'ATA disk has a write cache.'],
  [
    'ID_ATA_WRITE_CACHE_ENABLED',
    'node_disk_ata_write_cache_enabled',
    'ATA disk has its write cache enabled.',
  ],
  [
    'ID_ATA_ROTATION_RATE_RPM',
    'node_disk_ata_rotation_rate_rpm',
    'ATA disk rotation rate in RPMs (0 for SSDs).',
  ],
];

function collectAta(sink: MetricSink, device: string, udev: ReadonlyMap<string, string>): void {
  if ((udev.get('ID_ATA') ?? '') === '') return;
  for (const [key, name, help] of ataGauges) {
    const text = udev.get(key);
    if (text !== undefined)
      sink.gauge(name, help, decimal(text, `udev ${key} of ${device}`), [['device', device]]);
  }
}

export function diskstats(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'diskstats'), (line) => {
      const parts = fields(line);
      const [major = '', minor = '', device = ''] = parts;
      if (device === '' || !keepsName(context.options.diskstatsDevices, device)) return;
      collectInfo(context, sink, device, major, minor);
      columns.forEach(({ name, help, type, factor }, i) => {
        const text = parts[FIRST_STATISTIC + i];
        if (text === undefined) return;
        const value = decimal(text, `diskstats of ${device}`);
        sink[type](name, help, value * factor, [['device', device]]);
      });
    });
  };
}
