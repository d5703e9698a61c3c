// SPDX-License-Identifier: Apache-2.0
// hot
// Writes one block: into a temporary directory, synced, and only when everything is there renamed to its
// name. A crash at any moment leaves either no block or the whole block.

import type { FileHandle, FileSystem } from '../../base/index.ts';
import { isFloatEncoding } from '../../chunks/index.ts';
import { IndexWriter } from '../index/writer.ts';
import { ChunkWriter } from './chunk-writer.ts';
import type { BlockMeta } from './meta.ts';
import { writeMeta } from './meta.ts';
import { Tombstones, writeTombstones } from './tombstones.ts';

/** Directories with these endings are what a crash left behind. */
export const TEMPORARY_CREATION = '.tmp-for-creation';
export const TEMPORARY_DELETION = '.tmp-for-deletion';

export interface BlockWriterOptions {
  readonly files: FileSystem;
  /** The data directory, in which the block gets a directory of its name. */
  readonly directory: string;
  readonly ulid: string;
  readonly segmentBytesMax?: number;
}

/**
 * Use: all symbols in ascending order; then for each series, in ascending order of labels, its chunks and
 * `endSeries`; then `finish`, or `abandon` after an error. @throws FileError
 */
export class BlockWriter {
  readonly ulid: string;
  private readonly files: FileSystem;
  private readonly directory: string;
  private readonly temporary: string;
  private readonly chunks: ChunkWriter;
  private readonly indexHandle: FileHandle;
  private readonly index: IndexWriter;
  private symbolsOpen = true;
  private indexClosed = false;
  private minTimes = new Float64Array(64);
  private maxTimes = new Float64Array(64);
  private refs = new Float64Array(64);
  private count = 0;
  private numFloats = 0;
  private numHistograms = 0;
  private numSeries = 0;
  private numChunks = 0;

  constructor(options: BlockWriterOptions) {
    const { files } = options;
    this.files = files;
    this.ulid = options.ulid;
    this.directory = options.directory;
    this.temporary = `${options.directory}/${options.ulid}${TEMPORARY_CREATION}`;
    files.removeTreeSync(this.temporary);
    this.chunks = new ChunkWriter(files, `${this.temporary}/chunks`, options.segmentBytesMax);
    this.indexHandle = files.openSync(`${this.temporary}/index`, 'readwrite');
    this.index = new IndexWriter(this.indexHandle);
    this.index.beginSymbols();
  }

  get samples(): number {
    return this.numFloats + this.numHistograms;
  }

  get series(): number {
    return this.numSeries;
  }

  /** The n-th call gives the symbol the number n, from 0. */
  addSymbol(text: string): void {
    this.index.addSymbol(text);
  }

  /** The chunk bytes[from, to) of `samples` samples, for the series that `endSeries` names. */
  addChunk(
    encoding: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    minTime: number,
    maxTime: number,
    samples: number,
  ): void {
    const { count } = this;
    if (count === this.refs.length) {
      this.minTimes = grown(this.minTimes);
      this.maxTimes = grown(this.maxTimes);
      this.refs = grown(this.refs);
    }
    this.refs[count] = this.chunks.write(encoding, bytes, from, to);
    this.minTimes[count] = minTime;
    this.maxTimes[count] = maxTime;
    this.count++;
    if (isFloatEncoding(encoding)) this.numFloats += samples;
    else this.numHistograms += samples;
  }

  /** `pairs` are (name, value) symbol numbers. A series without chunks is left out. */
  endSeries(pairs: Uint32Array, labelCount: number): void {
    if (this.symbolsOpen) this.index.endSymbols();
    this.symbolsOpen = false;
    if (this.count === 0) return;
    const { minTimes, maxTimes, refs, count } = this;
    this.index.addSeries(pairs, labelCount, { minTimes, maxTimes, refs, count });
    this.numSeries++;
    this.numChunks += this.count;
    this.count = 0;
  }

  /**
   * Puts the block in its place; undefined, and no block, when it got no sample.
   * @param meta everything but its name and statistics
   */
  finish(meta: Omit<BlockMeta, 'ulid' | 'stats' | 'others'>): BlockMeta | undefined {
    if (this.samples === 0) {
      this.abandon();
      return undefined;
    }
    this.chunks.finish();
    this.index.finish();
    this.closeIndex();
    const { files, temporary } = this;
    const { numFloats, numHistograms } = this;
    const whole: BlockMeta = {
      ...meta,
      ulid: this.ulid,
      stats: {
        numSamples: this.samples,
        numFloatSamples: numFloats,
        numHistogramSamples: numHistograms,
        numSeries: this.numSeries,
        numChunks: this.numChunks,
        numTombstones: 0,
      },
      others: {},
    };
    writeMeta(files, temporary, whole);
    writeTombstones(files, temporary, new Tombstones());
    files.syncDirectorySync(temporary);
    files.renameSync(temporary, `${this.directory}/${this.ulid}`);
    files.syncDirectorySync(this.directory);
    return whole;
  }

  /** Removes what was written. */
  abandon(): void {
    this.chunks.abandon();
    this.closeIndex();
    this.files.removeTreeSync(this.temporary);
  }

  private closeIndex(): void {
    if (this.indexClosed) return;
    this.indexClosed = true;
    this.indexHandle.closeSync();
  }
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}
