// SPDX-License-Identifier: Apache-2.0
// An open block: its files are opened once and stay open, so it can be read to the end of a query even
// when its directory has been deleted.

import type { FileSystem } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { SymbolSpace } from '../../storage/index.ts';
import type { PageCache } from '../index/paged-file.ts';
import { IndexReader } from '../index/reader.ts';
import { ChunkFiles } from './chunk-files.ts';
import { BlockError } from './errors.ts';
import type { BlockMeta } from './meta.ts';
import { readMeta } from './meta.ts';
import type { Tombstones } from './tombstones.ts';
import { readTombstones } from './tombstones.ts';

/** Symbols of a block: its number in the index plus one. */
class BlockSymbols implements SymbolSpace {
  private readonly index: IndexReader;

  constructor(index: IndexReader) {
    this.index = index;
  }

  text(id: number): string {
    return this.index.symbol(id - 1);
  }

  id(text: string): number {
    return this.index.symbolIndex(text) + 1;
  }
}

/** One block for one thread. Close it when no query reads it any more. */
export class BlockReader {
  readonly directory: string;
  readonly meta: BlockMeta;
  readonly index: IndexReader;
  readonly chunks: ChunkFiles;
  readonly symbols: SymbolSpace;
  tombstones: Tombstones;
  private readonly files: FileSystem;

  /** @throws BlockError */
  constructor(files: FileSystem, directory: string, cache: PageCache) {
    this.files = files;
    this.directory = directory;
    this.meta = readMeta(files, directory);
    try {
      this.tombstones = readTombstones(files, directory);
      this.chunks = new ChunkFiles(files, `${directory}/chunks`);
    } catch (error) {
      throw asBlockError(error);
    }
    try {
      this.index = new IndexReader(files, `${directory}/index`, cache);
    } catch (error) {
      this.chunks.close();
      throw asBlockError(error);
    }
    this.symbols = new BlockSymbols(this.index);
  }

  /** Bytes of index and chunks. */
  get sizeBytes(): number {
    return this.index.sizeBytes + this.chunks.sizeBytes;
  }

  /** After the file was replaced. @throws BlockError */
  reloadTombstones(): void {
    this.tombstones = readTombstones(this.files, this.directory);
  }

  /** Whether samples with minTime <= time <= maxTime may be in it. */
  overlaps(minTime: number, maxTime: number): boolean {
    return this.meta.minTime <= maxTime && minTime < this.meta.maxTime;
  }

  close(): void {
    this.index.close();
    this.chunks.close();
  }
}

function asBlockError(error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  return new BlockError('missing', error.path, error.message, { cause: error });
}
