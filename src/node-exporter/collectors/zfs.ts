// SPDX-License-Identifier: Apache-2.0
// zfs: the kstats of OpenZFS.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge, untyped } from '../sink.ts';
import { ifReadable, ifThere, readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

const directory = 'spl/kstat/zfs';

/** Part of the metric's name, and the file. Versions of ZFS have different ones of them. */
const kstats: readonly (readonly [subsystem: string, file: string])[] = [
  ['abd', 'abdstats'],
  ['arc', 'arcstats'],
  ['dbuf', 'dbufstats'],
  ['dmu_tx', 'dmu_tx'],
  ['dnode', 'dnodestats'],
  ['fm', 'fm'],
  ['vdev_cache', 'vdev_cache_stats'],
  ['vdev_mirror', 'vdev_mirror_stats'],
  ['xuio', 'xuio_stats'],
  ['zfetch', 'zfetchstats'],
  ['zil', 'zil'],
];

/** Kinds of kstat values. */
const KSTAT_INT64 = '3';
const KSTAT_UINT64 = '4';

const poolState = gauge('node_zfs_zpool_state', 'kstat.zfs.misc.state', 'state', 'zpool');
const poolStates = [
  ...['online', 'degraded', 'faulted', 'offline', 'removed', 'unavail', 'suspended'],
];

/** Where the column of the data starts, at the earliest. */
const DATA_COLUMN = 34;

/** Rows `name type data` below the line that names these columns. @throws SourceError without that line */
function eachRow(
  text: string,
  what: string,
  visit: (name: string, type: string, data: string, rest: string) => void,
): void {
  let started = false;
  eachLine(text, (line) => {
    const parts = fields(line);
    const [name = '', type = '', data] = parts;
    if (!started) started = parts.length === 3 && name === 'name' && type === 'type';
    else if (data !== undefined)
      visit(name, type, data, line.slice(line.indexOf(data, DATA_COLUMN)));
  });
  if (!started) throw new SourceError(`did not parse a single ${JSON.stringify(what)} metric`);
}

const metricPart = (field: string): string => field.replaceAll('-', '_');

function collectKstat(
  context: CollectorContext,
  sink: MetricSink,
  name: string,
  file: string,
): void {
  const text = ifReadable(() => readProc(context, `${directory}/${file}`));
  if (text === undefined) return;
  eachRow(text, file, (field, type, data) => {
    if (type !== KSTAT_UINT64 && type !== KSTAT_INT64) return;
    const to = untyped(`node_zfs_${name}_${metricPart(field)}`, `kstat.zfs.misc.${file}.${field}`);
    sink.add(to, decimal(data, `${file} ${field}`));
  });
}

/** `io`: a line of names and one of numbers. Newer versions of ZFS have it no longer. */
function collectPoolIo(sink: MetricSink, text: string, pool: string): void {
  let names: string[] | undefined;
  eachLine(text, (line) => {
    const parts = fields(line);
    if (names === undefined) {
      if (parts.length >= 12 && parts[0] === 'nread') names = parts;
      return;
    }
    names.forEach((field, i) => {
      const to = untyped(`node_zfs_zpool_${field}`, `kstat.zfs.misc.io.${field}`, 'zpool');
      sink.add(to, decimal(parts[i], `${pool}/io ${field}`), pool);
    });
  });
}

function collectDataset(sink: MetricSink, text: string, pool: string): void {
  let dataset = '';
  eachRow(text, `${pool} objset`, (field, type, data, rest) => {
    // Names of datasets may have blanks in them.
    if (field === 'dataset_name') dataset = rest;
    if (type !== KSTAT_UINT64) return;
    const to = untyped(
      `node_zfs_zpool_dataset_${metricPart(field)}`,
      `kstat.zfs.misc.objset.${field}`,
      'dataset',
      'zpool',
    );
    sink.add(to, decimal(data, `${pool} ${dataset} ${field}`), dataset, pool);
  });
}

/** Files of one pool may vanish while it is exported: they are skipped then. */
function collectPool(context: CollectorContext, sink: MetricSink, pool: string): void {
  const names = ifReadable(() =>
    context.files.listSync(`${context.paths.procfs}/${directory}/${pool}`),
  );
  for (const name of (names ?? []).sort((a, b) => (a < b ? -1 : 1))) {
    if (name !== 'io' && name !== 'state' && !name.startsWith('objset-')) continue;
    const text = ifReadable(() => readProc(context, `${directory}/${pool}/${name}`));
    if (text === undefined) continue;
    if (name === 'io') collectPoolIo(sink, text, pool);
    else if (name === 'state') {
      const current = text.split('\n')[0]!.toLowerCase();
      for (const each of poolStates) sink.add(poolState, each === current ? 1 : 0, each, pool);
    } else collectDataset(sink, text, pool);
  }
}

export function zfs(context: CollectorContext): Collector {
  return (sink) => {
    const base = `${context.paths.procfs}/${directory}`;
    const entries = ifThere(() => context.files.listSync(base));
    for (const [name, file] of kstats) collectKstat(context, sink, name, file);
    for (const entry of entries)
      if (context.files.statSync(`${base}/${entry}`).isDirectory) collectPool(context, sink, entry);
  };
}
