// SPDX-License-Identifier: Apache-2.0
// Columns of one thread's queries in the shared memory, where the kernel's loops work on them.

import { wasm } from './generated/query.ts';
import { type SharedMemory, instantiateKernel } from './memory.ts';

/** Exports of assembly/query.ts; columns are addresses. */
export interface QueryKernel {
  clear(address: number, bytes: number): void;
  firstStale(values: number, n: number): number;
  slide(
    times: number,
    count: number,
    refMs: number,
    stepMs: number,
    steps: number,
    rangeMs: number,
    back: number,
    lo: number,
    hi: number,
  ): number;
  extrapolate(
    times: number,
    values: number,
    count: number,
    lo: number,
    hi: number,
    refMs: number,
    stepMs: number,
    steps: number,
    rangeMs: number,
    kind: number,
    resetAt: number,
    from: number,
    workMax: number,
    out: number,
    present: number,
  ): number;
  extreme(
    times: number,
    values: number,
    lo: number,
    hi: number,
    steps: number,
    sign: number,
    asTime: number,
    queue: number,
    out: number,
    present: number,
  ): void;
  instant(
    times: number,
    values: number,
    count: number,
    refMs: number,
    stepMs: number,
    steps: number,
    lookbackMs: number,
    asTime: number,
    out: number,
    present: number,
  ): number;
  foldSum(
    values: number,
    present: number,
    n: number,
    sums: number,
    lost: number,
    seen: number,
  ): void;
  foldAvg(
    values: number,
    present: number,
    n: number,
    sums: number,
    lost: number,
    counts: number,
    incremental: number,
  ): void;
  foldExtreme(
    values: number,
    present: number,
    n: number,
    sign: number,
    best: number,
    seen: number,
  ): void;
}

/** Values and presence of cells, in ordinary memory. */
export interface PlainCells {
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/**
 * Cells of blocks that are kept from query to query. Memory that each query allocates anew has its pages
 * cleared by the system each time, and makes V8 collect: it is outside of its heap.
 */
const KEPT_CELLS = 1 << 18;
/** Fewer are allocated when they are wanted. */
const KEPT_CELLS_MIN = 1 << 14;
const KEPT_BLOCKS_MAX = 4;

/**
 * A region of the shared memory for the columns of one query after the other. When it is used up, columns
 * are ordinary arrays, over which the loops' twins work.
 */
export class QueryMemory {
  readonly kernel: QueryKernel;
  private readonly shared: SharedMemory;
  private readonly start: number;
  private readonly sizeBytes: number;
  private used = 0;
  private readonly kept: PlainCells[] = [];
  private keptUsed = 0;

  /** @param start a multiple of 16 */
  constructor(shared: SharedMemory, start: number, sizeBytes: number) {
    this.shared = shared;
    this.kernel = instantiateKernel<QueryKernel>(wasm, shared);
    this.start = start;
    this.sizeBytes = sizeBytes;
  }

  /** Lets go of all columns and cells: a new query begins, and nobody looks at the last one's result. */
  reset(): void {
    this.used = 0;
    this.keptUsed = 0;
  }

  /** At least `n` cells of ordinary memory of which the first `n` are 0; undefined where none are kept. */
  cells(n: number): PlainCells | undefined {
    const { kept } = this;
    if (n < KEPT_CELLS_MIN || n > KEPT_CELLS || this.keptUsed === KEPT_BLOCKS_MAX) return undefined;
    const block = kept[this.keptUsed++];
    if (block === undefined) {
      const fresh = { values: new Float64Array(KEPT_CELLS), present: new Uint8Array(KEPT_CELLS) };
      kept.push(fresh);
      return fresh;
    }
    block.values.fill(0, 0, n);
    block.present.fill(0, 0, n);
    return block;
  }

  /** Whether the kernel can get at a column, ours or another's in the same memory. */
  holds(column: ArrayBufferView): boolean {
    return column.buffer === this.shared.u8.buffer;
  }

  /** Address of zeros, or 0 when there is no room. */
  private allocate(bytes: number): number {
    const rounded = Math.ceil(bytes / 16) * 16;
    if (this.used + rounded > this.sizeBytes) return 0;
    const address = this.start + this.used;
    this.used += rounded;
    this.kernel.clear(address, bytes);
    return address;
  }

  /** `n` zeros. */
  floats(n: number): Float64Array {
    const address = this.allocate(8 * n);
    return address === 0
      ? new Float64Array(n)
      : new Float64Array(this.shared.u8.buffer, address, n);
  }

  /** `n` zeros. */
  integers(n: number): Int32Array {
    const address = this.allocate(4 * n);
    return address === 0 ? new Int32Array(n) : new Int32Array(this.shared.u8.buffer, address, n);
  }

  /** `n` zeros. */
  bytes(n: number): Uint8Array {
    const address = this.allocate(n);
    return address === 0 ? new Uint8Array(n) : new Uint8Array(this.shared.u8.buffer, address, n);
  }
}
