// SPDX-License-Identifier: Apache-2.0
// meta.json of a block: what it covers and where it came from.

import type { FileSystem } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import { BlockError } from './errors.ts';
import { isUlid } from './ulid.ts';

export interface BlockStats {
  readonly numSamples: number;
  readonly numFloatSamples: number;
  readonly numHistogramSamples: number;
  readonly numSeries: number;
  readonly numChunks: number;
  readonly numTombstones: number;
}

export interface BlockDescription {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface BlockMeta extends BlockDescription {
  /** Inclusive. */
  readonly minTime: number;
  /** Exclusive. */
  readonly maxTime: number;
  readonly stats: BlockStats;
  readonly compaction: {
    /** How many times its samples were compacted; 1: written from the head. */
    readonly level: number;
    /** Blocks of level 1 that it was made of. */
    readonly sources: readonly string[];
    /** Blocks that it was made of directly. */
    readonly parents: readonly BlockDescription[];
    /** It holds nothing any more and may go. */
    readonly deletable: boolean;
    /** A compaction of it failed; it is not tried again. */
    readonly failed: boolean;
    readonly hints: readonly string[];
  };
  /** Set by other programs of the field (Thanos); kept as it was. */
  readonly others: Readonly<Record<string, unknown>>;
}

const META_VERSION = 1;
export const OUT_OF_ORDER_HINT = 'from-out-of-order';

/** Prometheus wrote only those series of its head that had ended. */
const STALE_SERIES_HINT = 'from-stale-series';

export const isFromOutOfOrder = (meta: BlockMeta): boolean =>
  meta.compaction.hints.includes(OUT_OF_ORDER_HINT);

/** Whether a block has only some of the samples of its time: the head or its log may have others. */
export const isPartOfItsTime = (meta: BlockMeta): boolean =>
  isFromOutOfOrder(meta) || meta.compaction.hints.includes(STALE_SERIES_HINT);

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the fields of one object; says which of them is wrong. */
class Fields {
  private readonly path: string;
  private readonly object: Json;

  constructor(path: string, object: Json) {
    this.path = path;
    this.object = object;
  }

  fail(why: string): never {
    throw new BlockError('format', this.path, why);
  }

  whole(name: string, byDefault?: number): number {
    const value = this.object[name] ?? byDefault;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      this.fail(`"${name}" is not a whole number`);
    }
    return value;
  }

  flag(name: string): boolean {
    return this.object[name] === true;
  }

  text(name: string): string {
    const value = this.object[name];
    return typeof value === 'string' ? value : this.fail(`"${name}" is not a text`);
  }

  list(name: string): readonly unknown[] {
    const value = this.object[name] ?? [];
    return Array.isArray(value) ? value : this.fail(`"${name}" is not a list`);
  }

  nested(name: string): Fields {
    const value = this.object[name] ?? {};
    return isObject(value) ? new Fields(this.path, value) : this.fail(`"${name}" is not an object`);
  }

  texts(name: string): string[] {
    return this.list(name).map((value) =>
      typeof value === 'string' ? value : this.fail(`"${name}" holds something that is not a text`),
    );
  }
}

const known = new Set(['ulid', 'minTime', 'maxTime', 'stats', 'compaction', 'version']);

/** @throws BlockError */
export function parseMeta(text: string, path: string): BlockMeta {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BlockError('format', path, 'it is not JSON, or cut short', { cause: error });
  }
  if (!isObject(json)) throw new BlockError('format', path, 'it is not a JSON object');
  const fields = new Fields(path, json);
  const version = fields.whole('version', 0);
  if (version !== META_VERSION) {
    const why = `unexpected meta file version ${version}; only ${META_VERSION} is known`;
    throw new BlockError('version', path, why);
  }
  const ulid = fields.text('ulid');
  if (!isUlid(ulid)) fields.fail(`"${ulid}" is not a ULID`);
  const stats = fields.nested('stats');
  const compaction = fields.nested('compaction');
  const minTime = fields.whole('minTime');
  const maxTime = fields.whole('maxTime');
  if (minTime > maxTime) fields.fail(`it begins at ${minTime} and ends before, at ${maxTime}`);
  return {
    ulid,
    minTime,
    maxTime,
    stats: {
      numSamples: stats.whole('numSamples', 0),
      numFloatSamples: stats.whole('numFloatSamples', 0),
      numHistogramSamples: stats.whole('numHistogramSamples', 0),
      numSeries: stats.whole('numSeries', 0),
      numChunks: stats.whole('numChunks', 0),
      numTombstones: stats.whole('numTombstones', 0),
    },
    compaction: {
      level: compaction.whole('level', 0),
      sources: compaction.texts('sources'),
      parents: compaction.list('parents').map((parent) => {
        if (!isObject(parent)) return fields.fail('"parents" holds something that is no block');
        const block = new Fields(path, parent);
        return {
          ulid: block.text('ulid'),
          minTime: block.whole('minTime'),
          maxTime: block.whole('maxTime'),
        };
      }),
      deletable: compaction.flag('deletable'),
      failed: compaction.flag('failed'),
      hints: compaction.texts('hints'),
    },
    others: Object.fromEntries(Object.entries(json).filter(([name]) => !known.has(name))),
  };
}

/** The file's text, as upstream formats it: what is empty is left out. */
export function formatMeta(meta: BlockMeta): string {
  const { stats, compaction } = meta;
  const present = (value: number): number | undefined => (value === 0 ? undefined : value);
  const listed = <T>(list: readonly T[]): readonly T[] | undefined =>
    list.length === 0 ? undefined : list;
  const json = {
    ulid: meta.ulid,
    minTime: meta.minTime,
    maxTime: meta.maxTime,
    stats: {
      numSamples: present(stats.numSamples),
      numFloatSamples: present(stats.numFloatSamples),
      numHistogramSamples: present(stats.numHistogramSamples),
      numSeries: present(stats.numSeries),
      numChunks: present(stats.numChunks),
      numTombstones: present(stats.numTombstones),
    },
    compaction: {
      level: compaction.level,
      sources: listed(compaction.sources),
      deletable: compaction.deletable ? true : undefined,
      parents: listed(compaction.parents),
      failed: compaction.failed ? true : undefined,
      hints: listed(compaction.hints),
    },
    version: META_VERSION,
    ...meta.others,
  };
  return `${JSON.stringify(json, undefined, '\t')}`;
}

/** @throws BlockError */
export function readMeta(files: FileSystem, directory: string): BlockMeta {
  const path = `${directory}/meta.json`;
  try {
    return parseMeta(files.readTextSync(path), path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new BlockError('missing', path, error.message, { cause: error });
  }
}

/** Puts a file in its place whole: written beside it, synced, renamed. @throws FileError */
export function replaceFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  const handle = files.openSync(temporary, 'write');
  try {
    handle.writeSync(bytes, 0, bytes.length, 0);
    handle.syncSync();
  } finally {
    handle.closeSync();
  }
  files.renameSync(temporary, path);
  files.syncDirectorySync(path.slice(0, path.lastIndexOf('/')));
}

/** @throws FileError */
export function writeMeta(files: FileSystem, directory: string, meta: BlockMeta): void {
  replaceFile(files, `${directory}/meta.json`, new TextEncoder().encode(formatMeta(meta)));
}
