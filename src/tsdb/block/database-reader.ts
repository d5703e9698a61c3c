// SPDX-License-Identifier: Apache-2.0
// Head and blocks as one, for one thread that answers queries.

import type { FileSystem } from '../../base/index.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import type { Matcher } from '../../model/index.ts';
import type {
  Querier,
  Queryable,
  SelectHints,
  SeriesSet,
  SharedView,
} from '../../storage/index.ts';
import { mergeQueriers } from '../../storage/index.ts';
import { SelectionCache } from '../index/selections.ts';
import { type HeadQuerier, HeadReader } from '../head/reader.ts';
import { blockListVersion, readBlockList } from './block-list.ts';
import { BlockQuerier } from './block-querier.ts';
import { BlockSet } from './block-set.ts';
import { SharedChunkMemory } from './chunk-memory.ts';

export interface DatabaseReaderOptions {
  readonly shared: SharedMemory;
  /** Slot of this thread, for which the head reserved scratch. */
  readonly worker: number;
  readonly files: FileSystem;
  readonly directory: string;
  /** Scratch of this thread for chunks of blocks. */
  readonly scratchAddress: number;
  readonly scratchBytes: number;
}

/** Decoded series of blocks that a thread keeps from query to query. */
const SELECTION_BYTES = 8 << 20;

/** How often a list that changes while its blocks are opened is read again. */
const ATTEMPTS_MAX = 5;

/** Head and blocks together, as they may be shared with another thread. */
class DatabaseQuerier implements Querier {
  private readonly all: Querier;
  private readonly head: HeadQuerier;
  private readonly blocksVersion: number;

  constructor(all: Querier, head: HeadQuerier, blocksVersion: number) {
    this.all = all;
    this.head = head;
    this.blocksVersion = blocksVersion;
  }

  select(
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
    hints?: SelectHints,
  ): SeriesSet {
    return this.all.select(matchers, minTime, maxTime, hints);
  }

  labelNames(matchers: readonly Matcher[], minTime: number, maxTime: number): string[] {
    return this.all.labelNames(matchers, minTime, maxTime);
  }

  labelValues(name: string, matchers: readonly Matcher[], min: number, max: number): string[] {
    return this.all.labelValues(name, matchers, min, max);
  }

  share(set: SeriesSet): SharedView {
    return [this.blocksVersion, ...this.head.share(set)];
  }

  close(): void {
    this.all.close();
  }
}

/** Reads head and blocks; one querier is open at a time. */
export class DatabaseReader implements Queryable {
  readonly head: HeadReader;
  private readonly shared: SharedMemory;
  private readonly memory: SharedChunkMemory;
  private readonly set: BlockSet;
  private readonly selections = new SelectionCache(SELECTION_BYTES);
  private version = -1;

  constructor(options: DatabaseReaderOptions) {
    const { shared, scratchAddress, scratchBytes } = options;
    this.shared = shared;
    this.head = new HeadReader(shared, options.worker, {
      files: options.files,
      directory: `${options.directory}/chunks_head`,
    });
    this.memory = new SharedChunkMemory(shared, scratchAddress, scratchBytes);
    this.set = new BlockSet(options.files, options.directory);
  }

  /**
   * @throws BlockError when a listed block cannot be read: no answer rather than half of one. The next
   * querier tries again.
   */
  querier(): Querier {
    // The head first: what it no longer has is in the list by now.
    const head = this.head.querier();
    return new DatabaseQuerier(this.withBlocks(head), head, this.version);
  }

  /** See {@link Queryable.join}. @throws BlockError */
  join([blocksVersion, ...view]: SharedView): Querier | undefined {
    const head = this.head.join(view);
    if (head === undefined) return undefined;
    const all = this.withBlocks(head);
    if (this.version === blocksVersion) return all;
    // Other blocks than the other thread's.
    all.close();
    return undefined;
  }

  /** @throws BlockError when a listed block cannot be read; the head is closed then */
  private withBlocks(head: Querier): Querier {
    try {
      this.refresh();
    } catch (error) {
      head.close();
      throw error;
    }
    const { blocks } = this.set;
    if (blocks.length === 0) return head;
    this.memory.reset();
    const { memory, selections } = this;
    return mergeQueriers([
      ...blocks.map((block) => new BlockQuerier(block, memory, selections)),
      head,
    ]);
  }

  /** Brings the open blocks up to date with the list. @throws BlockError */
  private refresh(): void {
    for (let attempt = 0; blockListVersion(this.shared) !== this.version; attempt++) {
      const { version, blocks } = readBlockList(this.shared);
      this.selections.clear();
      const [problem] = this.set.update(blocks);
      if (problem === undefined) {
        this.version = version;
        return;
      }
      // A block that was deleted while it was to be opened is not in the newer list.
      const changed = blockListVersion(this.shared) !== version;
      if (!changed || attempt >= ATTEMPTS_MAX) throw problem;
    }
  }

  close(): void {
    this.head.close();
    this.set.close();
  }
}
