// SPDX-License-Identifier: Apache-2.0
// bcachefs: counters, errors and devices of each mounted bcachefs.

import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { listSys, listSysIfAny, listSysIfThere, readSysLine } from '../source.ts';
import { decimal, decimalIfAny, eachLine, fields, metricName } from '../text.ts';

const info = gauge('node_bcachefs_info', 'Filesystem information.', 'uuid');
const cacheSize = gauge(
  'node_bcachefs_btree_cache_size_bytes',
  'Btree cache memory usage in bytes.',
  'uuid',
);
const writes = counter(
  'node_bcachefs_btree_writes_total',
  'Number of btree writes by type.',
  'type',
  'uuid',
);
const writeSize = gauge(
  'node_bcachefs_btree_write_average_size_bytes',
  'Average btree write size by type.',
  'type',
  'uuid',
);
const compressed = gauge(
  'node_bcachefs_compression_compressed_bytes',
  'Compressed size by algorithm.',
  'algorithm',
  'uuid',
);
const uncompressed = gauge(
  'node_bcachefs_compression_uncompressed_bytes',
  'Uncompressed size by algorithm.',
  'algorithm',
  'uuid',
);
const errors = counter(
  'node_bcachefs_errors_total',
  'Error count by error type.',
  'error_type',
  'uuid',
);
const bucketSize = gauge(
  'node_bcachefs_device_bucket_size_bytes',
  'Bucket size in bytes.',
  'device',
  'uuid',
);
const buckets = gauge('node_bcachefs_device_buckets', 'Total number of buckets.', 'device', 'uuid');
const durability = gauge(
  'node_bcachefs_device_durability',
  'Device durability setting.',
  'device',
  'uuid',
);
const deviceInfo = gauge(
  'node_bcachefs_device_info',
  'Device information.',
  'device',
  'label',
  'state',
  'uuid',
);
const ioDone = counter(
  'node_bcachefs_device_io_done_bytes_total',
  'IO bytes by operation type and data type.',
  'data_type',
  'device',
  'operation',
  'uuid',
);
const ioErrors = counter(
  'node_bcachefs_device_io_errors_total',
  'IO errors by error type.',
  'device',
  'type',
  'uuid',
);

const units = 'kMGTPE';

/** `28.2k` → 28876: binary units, rounded down. @throws SourceError */
export function parseHumanSize(text: string, what: string): number {
  const power = units.indexOf(text.slice(-1)) + 1;
  if (power === 0 || text === '') return decimal(text, what);
  return Math.floor(decimal(text.slice(0, -1), what) * 1024 ** power);
}

/** `since filesystem creation: 69068459` of each file of `counters/`; sizes have units. */
function collectCounters(context: CollectorContext, sink: MetricSink, uuid: string): void {
  const prefix = 'since filesystem creation:';
  for (const name of listSysIfAny(context, `fs/bcachefs/${uuid}/counters`)) {
    eachLine(readSysLine(context, `fs/bcachefs/${uuid}/counters/${name}`) ?? '', (line) => {
      if (!line.startsWith(prefix)) return;
      const value = parseHumanSize(line.slice(prefix.length).trim(), `counters/${name}`);
      const to = counter(
        `node_bcachefs_${metricName(name)}_total`,
        `Bcachefs counter ${name} since filesystem creation.`,
        'uuid',
      );
      sink.add(to, value, uuid);
    });
  }
}

function collectTables(context: CollectorContext, sink: MetricSink, uuid: string): void {
  const base = `fs/bcachefs/${uuid}`;
  eachLine(readSysLine(context, `${base}/btree_write_stats`) ?? '', (line) => {
    const [type = '', count, size] = fields(line);
    if (!type.endsWith(':') || size === undefined) return;
    sink.add(writes, decimal(count, 'btree_write_stats'), type.slice(0, -1), uuid);
    sink.add(writeSize, parseHumanSize(size, 'btree_write_stats'), type.slice(0, -1), uuid);
  });
  eachLine(readSysLine(context, `${base}/compression_stats`) ?? '', (line) => {
    const [algorithm = '', small, large] = fields(line);
    if (algorithm.startsWith('type') || large === undefined) return;
    sink.add(compressed, parseHumanSize(small!, 'compression_stats'), algorithm, uuid);
    sink.add(uncompressed, parseHumanSize(large, 'compression_stats'), algorithm, uuid);
  });
  eachLine(readSysLine(context, `${base}/errors`) ?? '', (line) => {
    const [type, count] = fields(line);
    if (type !== undefined && count !== undefined)
      sink.add(errors, decimal(count, 'errors'), type, uuid);
  });
}

/** Sections `read:` and `write:` with `type : bytes` lines. */
function collectIo(sink: MetricSink, text: string, uuid: string, device: string): void {
  let operation = '';
  eachLine(text, (line) => {
    const colon = line.indexOf(':');
    if (colon < 0) return;
    const key = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (value === '') operation = key;
    else sink.add(ioDone, decimal(value, 'io_done'), key, device, operation, uuid);
  });
}

/** The first section of `io_errors`, which counts since the file system was made. */
function collectIoErrors(sink: MetricSink, text: string, uuid: string, device: string): void {
  let section = '';
  eachLine(text, (line) => {
    if (line.startsWith('IO errors since')) section = line;
    else if (section.endsWith('filesystem creation')) {
      const [type = '', value] = line.split(':');
      sink.add(ioErrors, decimal(value?.trim(), 'io_errors'), device, type.trim(), uuid);
    }
  });
}

function collectDevice(
  context: CollectorContext,
  sink: MetricSink,
  uuid: string,
  device: string,
): void {
  const of = (file: string): string =>
    readSysLine(context, `fs/bcachefs/${uuid}/dev-${device}/${file}`) ?? '';
  sink.add(deviceInfo, 1, device, of('label'), of('state'), uuid);
  const size = of('bucket_size');
  if (size !== '') sink.add(bucketSize, parseHumanSize(size, 'bucket_size'), device, uuid);
  const count = decimalIfAny(of('nbuckets'));
  if (count !== undefined) sink.add(buckets, count, device, uuid);
  const copies = decimalIfAny(of('durability'));
  if (copies !== undefined) sink.add(durability, copies, device, uuid);
  collectIo(sink, of('io_done'), uuid, device);
  collectIoErrors(sink, of('io_errors'), uuid, device);
}

export function bcachefs(context: CollectorContext): Collector {
  return (sink) => {
    const uuids = listSysIfThere(context, 'fs/bcachefs');
    if (uuids.length === 0) throw new NoDataError('no bcachefs is mounted');
    for (const uuid of uuids) {
      sink.add(info, 1, uuid);
      const size = readSysLine(context, `fs/bcachefs/${uuid}/btree_cache_size`);
      if (size !== undefined) sink.add(cacheSize, parseHumanSize(size, 'btree_cache_size'), uuid);
      collectCounters(context, sink, uuid);
      collectTables(context, sink, uuid);
      for (const name of listSys(context, `fs/bcachefs/${uuid}`))
        if (name.startsWith('dev-')) collectDevice(context, sink, uuid, name.slice(4));
    }
  };
}
