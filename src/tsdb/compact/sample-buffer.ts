// SPDX-License-Identifier: Apache-2.0
// hot
// Decoded samples that become chunks again: of blocks that overlap, or of which something was deleted.

import { decodeChunk, encodeChunks, newChunkSamples } from '../../chunks/index.ts';
import type { BlockWriter } from '../block/block-writer.ts';
import type { Intervals } from '../block/tombstones.ts';

/** Samples of one series, ascending. */
export class SampleBuffer {
  private samples = newChunkSamples(256);
  private spare = newChunkSamples(256);
  private scratch = newChunkSamples(256);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  /** Joins the samples of a chunk; where there is one at the same time already, that one stays. */
  addChunk(encoding: number, bytes: Uint8Array, deleted: Intervals | undefined): void {
    const { scratch } = this;
    let added = decodeChunk(encoding, bytes, scratch);
    if (deleted !== undefined) added = scratch.drop(added, deleted);
    if (added === 0) return;
    if (this.count === 0 || scratch.times[0]! > this.samples.times[this.count - 1]!) {
      this.samples.reserve(this.count + added, this.count);
      for (let i = 0; i < added; i++) this.samples.copy(this.count + i, scratch, i);
      this.count += added;
      return;
    }
    this.merge(added);
  }

  private merge(added: number): void {
    const { samples, scratch, spare, count } = this;
    spare.reserve(count + added, 0);
    let n = 0;
    for (let i = 0, k = 0; i < count || k < added; ) {
      const own = k >= added || (i < count && samples.times[i]! <= scratch.times[k]!);
      const from = own ? samples : scratch;
      const at = own ? i++ : k++;
      if (n > 0 && spare.times[n - 1] === from.times[at]) continue;
      spare.copy(n++, from, at);
    }
    this.spare = samples;
    this.samples = spare;
    this.count = n;
  }

  /** Writes everything as chunks of the series that `writer` ends next. */
  flush(writer: BlockWriter): void {
    encodeChunks(this.samples, this.count, (encoding, bytes, from, to) => {
      const { times } = this.samples;
      const min = times[from]!;
      writer.addChunk(encoding, bytes, 0, bytes.length, min, times[to - 1]!, to - from);
    });
    this.count = 0;
  }
}
