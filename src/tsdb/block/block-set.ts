// SPDX-License-Identifier: Apache-2.0
// The blocks that one thread has open.

import type { FileSystem } from '../../base/index.ts';
import { PageCache } from '../index/paged-file.ts';
import type { ListedBlock } from './block-list.ts';
import { BlockReader } from './block-reader.ts';
import { BlockError } from './errors.ts';

/** Pages of indexes that a thread keeps. */
const CACHE_BYTES = 32 << 20;

interface OpenBlock {
  readonly reader: BlockReader;
  tombstoneGeneration: number;
}

export class BlockSet {
  private readonly files: FileSystem;
  private readonly directory: string;
  private readonly cache: PageCache;
  private open = new Map<string, OpenBlock>();
  private ordered: readonly BlockReader[] = [];

  constructor(files: FileSystem, directory: string, cacheBytes = CACHE_BYTES) {
    this.files = files;
    this.directory = directory;
    this.cache = new PageCache(cacheBytes);
  }

  /** From old to new. */
  get blocks(): readonly BlockReader[] {
    return this.ordered;
  }

  /**
   * Opens what is new in the list and closes what is no longer in it. No query may be open. A block that
   * cannot be opened is left out and its error returned.
   */
  update(list: readonly ListedBlock[]): BlockError[] {
    const errors: BlockError[] = [];
    const next = new Map<string, OpenBlock>();
    for (const { ulid, tombstoneGeneration } of list) {
      try {
        next.set(ulid, this.opened(ulid, tombstoneGeneration));
      } catch (error) {
        if (!(error instanceof BlockError)) throw error;
        errors.push(error);
      }
    }
    for (const [ulid, { reader }] of this.open) if (!next.has(ulid)) reader.close();
    this.open = next;
    this.ordered = [...next.values()]
      .map(({ reader }) => reader)
      .sort((a, b) => a.meta.minTime - b.meta.minTime || a.meta.maxTime - b.meta.maxTime);
    return errors;
  }

  private opened(ulid: string, tombstoneGeneration: number): OpenBlock {
    const known = this.open.get(ulid);
    if (known === undefined) {
      const reader = new BlockReader(this.files, `${this.directory}/${ulid}`, this.cache);
      return { reader, tombstoneGeneration };
    }
    if (known.tombstoneGeneration !== tombstoneGeneration) {
      known.reader.reloadTombstones();
      known.tombstoneGeneration = tombstoneGeneration;
    }
    return known;
  }

  close(): void {
    for (const { reader } of this.open.values()) reader.close();
    this.open.clear();
    this.ordered = [];
  }
}
