// SPDX-License-Identifier: Apache-2.0
// `storage`: what the database takes from the configuration, at the start and at each reload.

import { quote } from '../model/index.ts';
import type { NotYetSupported } from './discovery-section.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** What of the retention the file says; undefined = as the flags say. */
export interface RetentionOptions {
  /** 0 = no limit by time. */
  readonly timeMs?: number;
  /** 0 = no limit by size. */
  readonly sizeBytes?: number;
  /** Of the disk, 0 to 100; more than 0 takes the place of the size. */
  readonly percentage?: number;
}

export interface StorageOptions {
  /** How late samples may come; 0: they may not. */
  readonly outOfOrderWindowMs: number;
  /** Undefined: the file has no such block. */
  readonly retention: RetentionOptions | undefined;
  /** Encoding of float chunks; undefined: the file does not say. */
  readonly floatEncoding: 'xor' | 'xor2' | undefined;
  /** Exemplars kept when they are kept at all; 0 = none. */
  readonly exemplarsMax: number;
}

const EXEMPLARS_MAX_DEFAULT = 100_000;
/** Some 3 GB; upstream has no limit and dies of it. */
const EXEMPLARS_MAX_LIMIT = 10_000_000;

function readRetention(value: YamlValue | undefined): RetentionOptions | undefined {
  if (value === undefined) return undefined;
  const mapping = new YamlMapping(value);
  const timeMs = mapping.duration('time');
  const size = mapping.get('size');
  const sizeText = size?.text();
  if (sizeText?.startsWith('-')) size?.fail(`size must not be negative, got ${quote(sizeText)}`);
  const sizeBytes = size?.byteSize();
  const share = mapping.get('percentage');
  const percentage = share?.number();
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) {
    share?.fail(
      `'storage.tsdb.retention.percentage' must be in the range [0, 100], got ${percentage}`,
    );
  }
  mapping.finish();
  return {
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(percentage === undefined ? {} : { percentage }),
  };
}

function readFloatEncoding(value: YamlValue | undefined): 'xor' | 'xor2' | undefined {
  if (value === undefined) return undefined;
  const mapping = new YamlMapping(value);
  const floats = mapping.get('floats');
  const text = floats?.text();
  mapping.finish();
  if (text === undefined || text === '') return undefined;
  if (text === 'xor' || text === 'xor2') return text;
  return floats?.fail(`unknown chunk encoding ${quote(text)}: must be "xor" or "xor2"`);
}

function readDatabase(
  value: YamlValue,
  notYetSupported: NotYetSupported[],
): Pick<StorageOptions, 'outOfOrderWindowMs' | 'retention' | 'floatEncoding'> {
  const mapping = new YamlMapping(value);
  const idle = (of: YamlValue | undefined): void => {
    if (of !== undefined) {
      notYetSupported.push({ file: of.file.name, path: of.path, line: of.line });
    }
  };
  const outOfOrderWindowMs = mapping.duration('out_of_order_time_window') ?? 0;
  const threshold = mapping.get('stale_series_compaction_threshold');
  const ratio = threshold?.number() ?? 0;
  if (ratio < 0 || ratio > 1) {
    threshold?.fail(
      `'storage.tsdb.stale_series_compaction_threshold' must be in the range [0, 1], got ${ratio}`,
    );
  }
  if (ratio !== 0) idle(threshold);
  const floatEncoding = readFloatEncoding(mapping.get('chunk_encoding'));
  const retention = readRetention(mapping.get('retention'));
  mapping.finish();
  return { outOfOrderWindowMs, retention, floatEncoding };
}

function readExemplars(value: YamlValue | undefined): number {
  if (value === undefined) return EXEMPLARS_MAX_DEFAULT;
  const mapping = new YamlMapping(value);
  const max = mapping.get('max_exemplars');
  const count = max?.integer(Number.MIN_SAFE_INTEGER);
  if (count !== undefined && count > EXEMPLARS_MAX_LIMIT) {
    max?.fail(`must be at most ${EXEMPLARS_MAX_LIMIT}, not ${count}`);
  }
  mapping.finish();
  return Math.max(0, count ?? EXEMPLARS_MAX_DEFAULT);
}

/**
 * Reads the section; without one, the defaults.
 * @param notYetSupported gets what is right and has no effect
 */
export function readStorage(
  value: YamlValue | undefined,
  notYetSupported: NotYetSupported[],
): StorageOptions {
  const none = { outOfOrderWindowMs: 0, retention: undefined, floatEncoding: undefined };
  if (value === undefined) return { ...none, exemplarsMax: EXEMPLARS_MAX_DEFAULT };
  const mapping = new YamlMapping(value);
  const tsdb = mapping.get('tsdb');
  const database = tsdb === undefined ? none : readDatabase(tsdb, notYetSupported);
  const exemplarsMax = readExemplars(mapping.get('exemplars'));
  mapping.finish();
  return { ...database, exemplarsMax };
}
