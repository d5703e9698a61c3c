// SPDX-License-Identifier: Apache-2.0
// HELP, TYPE and UNIT of a target's bodies. The scan hashes all comments as it passes them; only where the
// hash is another than that of the last good body are they walked once more, by themselves, and parsed.

import { ExpositionError, type ExpositionParser } from '../exposition/index.ts';
import { COMMENT_LINE, ScanState, ScanStop, SLOW_RECORD_BYTES } from '../kernels/index.ts';
import {
  type IngestContext,
  pause,
  type ScrapeBody,
  seekLine,
  SlowWord,
} from './ingest-context.ts';
import { SLICE_BYTES, SLOW_LINES_MAX } from './limits.ts';
import type { MetadataStore } from './metadata.ts';

/** Reads the comments of one target's bodies into its metadata. */
export class CommentReader {
  private readonly context: IngestContext;
  private readonly state: number;
  private readonly metadata: MetadataStore;
  /** Of the comments that the metadata is from; zeros: they are to be read in any case. */
  private readonly readHash = new Uint32Array(4);

  /** @param state address of the kernel's state block */
  constructor(context: IngestContext, state: number, metadata: MetadataStore) {
    this.context = context;
    this.state = state;
    this.metadata = metadata;
  }

  private get s(): number {
    return this.state >>> 2;
  }

  /** Whether the scan that just ended saw other comments than were read last. */
  haveChanged(): boolean {
    const { readHash } = this;
    const { u32 } = this.context.heap.shared;
    const from = this.s + ScanState.commentHash;
    for (let i = 0; i < readHash.length; i++) if (u32[from + i] !== readHash[i]) return true;
    return false;
  }

  /** A copy of the hash that the scan made, for {@link remember}. */
  scannedHash(): Uint32Array {
    const from = this.s + ScanState.commentHash;
    return this.context.heap.shared.u32.slice(from, from + 4);
  }

  /** What was read last has this hash; undefined: the next body's comments are read in any case. */
  remember(hash: Uint32Array | undefined): void {
    if (hash === undefined) this.readHash.fill(0);
    else this.readHash.set(hash);
  }

  /**
   * Parses all comments before `end` as the current set. The state block is set for a walk from the body's
   * start that reports comments.
   *
   * @returns what is wrong with one of them
   */
  async read(body: ScrapeBody, parser: ExpositionParser, end: number): Promise<string | undefined> {
    const { s } = this;
    const { kernel, heap, clock, placesAddress } = this.context;
    const { u32 } = heap.shared;
    this.metadata.beginParse();
    u32[s + ScanState.refs] = placesAddress;
    u32[s + ScanState.capacity] = SLOW_LINES_MAX;
    for (;;) {
      const sliceEnd = Math.min(end, u32[s + ScanState.position]! + SLICE_BYTES);
      u32[s + ScanState.sliceEnd] = sliceEnd;
      u32[s + ScanState.count] = 0;
      u32[s + ScanState.slowCount] = 0;
      const stop = kernel.scan(this.state);
      const fault = this.readRecords(body, parser, u32[s + ScanState.slowCount]!);
      if (fault !== undefined) return fault;
      if (stop === ScanStop.ended || u32[s + ScanState.position]! >= end) return undefined;
      if (end - body.address > SLICE_BYTES) await pause(clock);
    }
  }

  private readRecords(
    body: ScrapeBody,
    parser: ExpositionParser,
    count: number,
  ): string | undefined {
    const { u32 } = this.context.heap.shared;
    for (let i = 0; i < count; i++) {
      const record = (this.context.slowAddress + i * SLOW_RECORD_BYTES) >>> 2;
      if (u32[record + SlowWord.entry] !== COMMENT_LINE) continue;
      seekLine(parser, u32, record, body);
      try {
        const kind = parser.next();
        if (kind !== 'sample' && kind !== 'end') this.take(kind, parser);
      } catch (error) {
        if (error instanceof ExpositionError) return error.message;
        throw error;
      }
    }
    return undefined;
  }

  /** Takes what the line says that was just parsed. */
  take(kind: 'help' | 'type' | 'unit' | 'comment', parser: ExpositionParser): void {
    const { metadata } = this;
    if (kind === 'help') metadata.set(parser.metricName, { help: parser.text });
    else if (kind === 'unit') metadata.set(parser.metricName, { unit: parser.text });
    else if (kind === 'type') metadata.set(parser.metricName, { type: parser.metricType });
  }
}
