// SPDX-License-Identifier: Apache-2.0
// bcache: block devices cached on faster ones.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { listSys, listSysIfAny, readSys } from '../source.ts';
import { decimal, eachLine } from '../text.ts';
import {
  backingFiles,
  cacheFiles,
  priorityKeys,
  setFiles,
  writebackKeys,
} from './bcache-metrics.ts';

const units = 'kMGTPEZY';

/**
 * Undoes bcache's own way to print sizes: `20.4G` is 20 GiB and 400 MiB, the digit after the point
 * counting hundreds of the next smaller unit. @throws SourceError
 */
export function parseBcacheSize(text: string, what: string): number {
  const power = units.indexOf(text.slice(-1)) + 1;
  if (power === 0 || text === '') return decimal(text, what);
  const [whole, tenths] = text.slice(0, -1).split('.');
  const size = decimal(whole, what) * 1024 ** power;
  const rest = tenths === undefined ? 0 : decimal(tenths, what) * 100 * 1024 ** (power - 1);
  return whole!.startsWith('-') ? size - rest : size + rest;
}

/** `key: value` lines. */
function pairs(text: string): Map<string, string> {
  const found = new Map<string, string>();
  eachLine(text, (line) => {
    const colon = line.indexOf(':');
    if (colon > 0) found.set(line.slice(0, colon), line.slice(colon + 1).trim());
  });
  return found;
}

function collectBacking(
  context: CollectorContext,
  sink: MetricSink,
  set: string,
  device: string,
): void {
  const base = `fs/bcache/${set}/${device}`;
  for (const [file, to, factor] of backingFiles) {
    const value = parseBcacheSize(readSys(context, `${base}/${file}`), `${base}/${file}`);
    sink.add(to, value * factor, device, set);
  }
  const debug = pairs(readSys(context, `${base}/writeback_rate_debug`));
  for (const [key, to] of writebackKeys) {
    const text = debug.get(key)?.split('/')[0];
    if (text !== undefined)
      sink.add(to, parseBcacheSize(text, `${base}/writeback_rate_debug`), device, set);
  }
}

function collectCache(
  context: CollectorContext,
  sink: MetricSink,
  set: string,
  device: string,
): void {
  const base = `fs/bcache/${set}/${device}`;
  for (const [file, to, factor] of cacheFiles) {
    const value = parseBcacheSize(readSys(context, `${base}/${file}`), `${base}/${file}`);
    sink.add(to, value * factor, device, set);
  }
  // Reading it sorts all buckets of the cache: only when asked for.
  if (!context.options.bcachePriorityStats) return;
  const priority = pairs(readSys(context, `${base}/priority_stats`));
  for (const [key, to] of priorityKeys) {
    const text = priority.get(key)?.replace('%', '');
    if (text !== undefined) sink.add(to, decimal(text, `${base}/priority_stats`), device, set);
  }
}

const isNumbered = (name: string, prefix: string): boolean =>
  name.startsWith(prefix) &&
  name.charCodeAt(prefix.length) >= 48 &&
  name.charCodeAt(prefix.length) <= 57;

export function bcache(context: CollectorContext): Collector {
  return (sink) => {
    for (const set of listSysIfAny(context, 'fs/bcache').filter((name) => name.includes('-'))) {
      const base = `fs/bcache/${set}`;
      for (const [file, to, factor] of setFiles) {
        const value = parseBcacheSize(readSys(context, `${base}/${file}`), `${base}/${file}`);
        sink.add(to, value * factor, set);
      }
      for (const name of listSys(context, base)) {
        if (isNumbered(name, 'bdev')) collectBacking(context, sink, set, name);
        else if (isNumbered(name, 'cache')) collectCache(context, sink, set, name);
      }
    }
  };
}
