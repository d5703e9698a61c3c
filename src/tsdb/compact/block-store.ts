// SPDX-License-Identifier: Apache-2.0
// The blocks of a data directory and everything that is done to them. Synchronous: it works on a thread of
// its own (or in a tool), never on the one that scrapes.

import type { FileSystem, Prng } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { Matcher } from '../../model/index.ts';
import type { ListedBlock } from '../block/block-list.ts';
import type { BlockReader } from '../block/block-reader.ts';
import { BlockSet } from '../block/block-set.ts';
import { TEMPORARY_CREATION, TEMPORARY_DELETION } from '../block/block-writer.ts';
import { BlockError } from '../block/errors.ts';
import type { BlockMeta } from '../block/meta.ts';
import { isPartOfItsTime, readMeta, writeMeta } from '../block/meta.ts';
import { isUlid, newUlid } from '../block/ulid.ts';
import { deleteFromBlock } from './delete-series.ts';
import { compactedMeta, mergeBlocks } from './merge-blocks.ts';
import type { BlockRanges } from './plan.ts';
import { planCompaction } from './plan.ts';
import { snapshotBlock } from './snapshot.ts';

export interface BlockStoreOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** Wall clock, for names. */
  readonly nowMs: () => number;
  readonly prng: Prng;
  readonly ranges: BlockRanges;
  /** Whether blocks that overlap are compacted. */
  readonly overlappingCompaction?: boolean;
}

export interface StoredBlock {
  readonly meta: BlockMeta;
  readonly sizeBytes: number;
  /** How often its tombstones changed since the start. */
  readonly tombstoneGeneration: number;
}

export interface StoreProblem {
  readonly path: string;
  readonly message: string;
}

export interface StoreState {
  /** By time. */
  readonly blocks: readonly StoredBlock[];
  /** Blocks that are there and cannot be read: left where they are, not used. */
  readonly problems: readonly StoreProblem[];
  /** Blocks that something newer took the place of, or that are empty: may be removed. */
  readonly superseded: readonly string[];
}

export interface CompactionResult {
  readonly parents: readonly BlockMeta[];
  /** Undefined: nothing of them was left. */
  readonly meta: BlockMeta | undefined;
  /** They overlapped. */
  readonly vertical: boolean;
}

/** A compaction that did not succeed; the blocks are as they were and are not tried again. */
export class CompactionError extends Error {
  override name = 'CompactionError';
  readonly blocks: readonly string[];
  constructor(blocks: readonly string[], cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`cannot compact ${blocks.join(', ')}: ${why}`, { cause });
    this.blocks = blocks;
  }
}

export class BlockStore {
  private readonly options: BlockStoreOptions;
  private readonly set: BlockSet;
  private readonly generations = new Map<string, number>();
  private readonly sizes = new Map<string, number>();

  constructor(options: BlockStoreOptions) {
    this.options = options;
    this.set = new BlockSet(options.files, options.directory);
  }

  /** For reading them. From old to new. */
  get blocks(): readonly BlockReader[] {
    return this.set.blocks;
  }

  /** Removes what a crash left half done; returns the names. */
  clean(): string[] {
    const { files, directory } = this.options;
    const names = files.listSync(directory).filter((name) => {
      const [stem = ''] = name.split('.');
      return (
        isUlid(stem) && (name.endsWith(TEMPORARY_CREATION) || name.endsWith(TEMPORARY_DELETION))
      );
    });
    for (const name of names) files.removeTreeSync(`${directory}/${name}`);
    return names;
  }

  /**
   * Looks at the directory again: opens what is new, closes what is gone.
   * @throws FileError when a block that is in use cannot be looked at just now: all stays as it was
   */
  reload(): StoreState {
    const { files, directory } = this.options;
    const metas = new Map<string, BlockMeta>();
    const problems: StoreProblem[] = [];
    const broken = new Map<string, StoreProblem>();
    for (const ulid of files.listSync(directory).filter(isUlid)) {
      try {
        const meta = readMeta(files, `${directory}/${ulid}`);
        if (meta.ulid !== ulid) throw misnamed(`${directory}/${ulid}`, meta);
        metas.set(ulid, meta);
      } catch (error) {
        if (!(error instanceof BlockError)) throw error;
        const { cause } = error;
        const isOpen = this.set.blocks.some(({ meta }) => meta.ulid === ulid);
        if (isOpen && cause instanceof FileError && cause.code !== 'ENOENT') throw cause;
        broken.set(ulid, { path: error.path, message: error.message });
      }
    }
    const list = [...metas.values()].map((meta) => ({ meta }));
    for (const error of this.set.update(this.listed(list))) {
      const ulid = [...metas.keys()].find((name) => error.path.startsWith(`${directory}/${name}`));
      const problem = { path: error.path, message: error.message };
      if (ulid === undefined) problems.push(problem);
      else broken.set(ulid, problem);
    }
    const superseded = new Set<string>();
    for (const { meta } of this.set.blocks) {
      if (metas.get(meta.ulid)?.compaction.deletable === true) superseded.add(meta.ulid);
      for (const { ulid } of meta.compaction.parents) {
        if (metas.has(ulid) || broken.has(ulid)) superseded.add(ulid);
      }
    }
    for (const [ulid, problem] of broken) if (!superseded.has(ulid)) problems.push(problem);
    return {
      blocks: this.set.blocks
        .filter(({ meta }) => !superseded.has(meta.ulid))
        .map((block) => this.stored(block, metas.get(block.meta.ulid)!)),
      problems,
      superseded: [...superseded],
    };
  }

  private stored(block: BlockReader, meta: BlockMeta): StoredBlock {
    let sizeBytes = this.sizes.get(meta.ulid);
    if (sizeBytes === undefined) {
      const { files, directory } = this.options;
      const small = ['meta.json', 'tombstones'].map((name) => {
        const path = `${directory}/${meta.ulid}/${name}`;
        return files.existsSync(path) ? files.statSync(path).sizeBytes : 0;
      });
      sizeBytes = block.sizeBytes + small[0]! + small[1]!;
      this.sizes.set(meta.ulid, sizeBytes);
    }
    const tombstoneGeneration = this.generations.get(meta.ulid) ?? 0;
    return { meta, sizeBytes, tombstoneGeneration };
  }

  /** Deletes blocks: renamed first, so that a crash leaves none half there. @throws FileError */
  remove(ulids: readonly string[]): void {
    const { files, directory } = this.options;
    for (const ulid of ulids) {
      const path = `${directory}/${ulid}`;
      if (!files.existsSync(path)) continue;
      files.renameSync(path, `${path}${TEMPORARY_DELETION}`);
      files.removeTreeSync(`${path}${TEMPORARY_DELETION}`);
      this.sizes.delete(ulid);
    }
    const gone = new Set(ulids);
    this.set.update(this.listed(this.set.blocks.filter(({ meta }) => !gone.has(meta.ulid))));
  }

  private listed(blocks: Iterable<{ readonly meta: { readonly ulid: string } }>): ListedBlock[] {
    return Array.from(blocks, ({ meta: { ulid } }) => ({
      ulid,
      tombstoneGeneration: this.generations.get(ulid) ?? 0,
    }));
  }

  newName(): string {
    return newUlid(this.options.nowMs(), this.options.prng);
  }

  /** Metas of the blocks to compact next, as they are on disk now. */
  private plan(): readonly BlockMeta[] {
    const { files, directory, ranges, overlappingCompaction } = this.options;
    const metas = this.set.blocks.map(({ meta }) => readMeta(files, `${directory}/${meta.ulid}`));
    return planCompaction(metas, ranges, overlappingCompaction);
  }

  /**
   * Does one compaction if there is one to do. The parents stay until they are removed.
   * @throws CompactionError
   */
  compactNext(): CompactionResult | undefined {
    const parents = this.plan();
    if (parents.length === 0) return undefined;
    return this.compact(parents);
  }

  private compact(parents: readonly BlockMeta[]): CompactionResult {
    const { files, directory } = this.options;
    const names = new Set(parents.map(({ ulid }) => ulid));
    try {
      const blocks = this.set.blocks.filter(({ meta }) => names.has(meta.ulid));
      const meta = mergeBlocks({
        files,
        directory,
        ulid: this.newName(),
        blocks,
        meta: compactedMeta(parents),
      });
      if (meta === undefined) this.mark(parents, { deletable: true });
      return { parents, meta, vertical: overlap(parents) };
    } catch (error) {
      if (!(error instanceof BlockError) && !(error instanceof FileError)) throw error;
      // A full disk is not the blocks' fault: they are tried again.
      const full = error instanceof FileError && error.code === 'ENOSPC';
      if (!full) this.mark(parents, { failed: true });
      throw new CompactionError([...names], error);
    }
  }

  private mark(
    blocks: readonly BlockMeta[],
    marks: Partial<Pick<BlockMeta['compaction'], 'failed' | 'deletable'>>,
  ): void {
    const { files, directory } = this.options;
    for (const meta of blocks) {
      writeMeta(files, `${directory}/${meta.ulid}`, {
        ...meta,
        compaction: { ...meta.compaction, ...marks },
      });
    }
  }

  /**
   * Marks the samples of the series that match one of the selectors as deleted.
   * @returns how many blocks were changed. @throws MatcherError, FileError
   */
  deleteSeries(
    selectors: readonly (readonly Matcher[])[],
    minTime: number,
    maxTime: number,
  ): number {
    const { files, directory } = this.options;
    let changed = 0;
    for (const block of this.set.blocks) {
      if (!block.overlaps(minTime, maxTime)) continue;
      if (!deleteFromBlock(files, block, selectors, minTime, maxTime)) continue;
      const { ulid } = block.meta;
      const meta = readMeta(files, `${directory}/${ulid}`);
      const numTombstones = block.tombstones.count;
      writeMeta(files, `${directory}/${ulid}`, {
        ...meta,
        stats: { ...meta.stats, numTombstones },
      });
      this.generations.set(ulid, (this.generations.get(ulid) ?? 0) + 1);
      this.sizes.delete(ulid);
      changed++;
    }
    return changed;
  }

  /** Writes one block with tombstones anew, without what is deleted; undefined when there is none. */
  cleanNext(): CompactionResult | undefined {
    const { files, directory } = this.options;
    const block = this.set.blocks.find(
      ({ tombstones, meta }) => tombstones.count > 0 && !meta.compaction.deletable,
    );
    if (block === undefined) return undefined;
    const old = readMeta(files, `${directory}/${block.meta.ulid}`);
    const ulid = this.newName();
    const { minTime, maxTime } = old;
    const meta = mergeBlocks({
      files,
      directory,
      ulid,
      blocks: [block],
      meta: {
        minTime,
        maxTime,
        compaction: {
          level: 1,
          sources: [ulid],
          parents: [{ ulid: old.ulid, minTime, maxTime }],
          deletable: false,
          failed: false,
          hints: isPartOfItsTime(old) ? old.compaction.hints : [],
        },
      },
    });
    return { parents: [old], meta, vertical: false };
  }

  /** Links all blocks into `target`, a directory that is made. @throws FileError */
  snapshot(target: string): void {
    const { files } = this.options;
    files.makeDirectorySync(target);
    for (const block of this.set.blocks) {
      snapshotBlock(files, block.directory, `${target}/${block.meta.ulid}`);
    }
    files.syncDirectorySync(target);
  }

  close(): void {
    this.set.close();
  }
}

/** A copy under another name would be a second block of the same samples. */
function misnamed(path: string, { ulid }: BlockMeta): BlockError {
  const why = `it is of block ${ulid}, which is not the name of its directory`;
  return new BlockError('invalid', `${path}/meta.json`, why);
}

function overlap(blocks: readonly BlockMeta[]): boolean {
  let maxTime = Number.NEGATIVE_INFINITY;
  for (const block of blocks) {
    if (block.minTime < maxTime) return true;
    maxTime = Math.max(maxTime, block.maxTime);
  }
  return false;
}
