// SPDX-License-Identifier: Apache-2.0
// hot
// Accumulators of aggregations: groups × steps cells into which rows are folded one after another. What a
// cell holds does not grow with the number of input series.

import type { QueryMemory } from '../../kernels/index.ts';

/** Cells are group * stepCount + k. Classes, not closures: see `WindowFunction`. */
export interface Accumulator {
  /** Folds the row of stepCount cells at `offset` into the group's cells from `cell` on. */
  fold(values: Float64Array, present: Uint8Array, offset: number, cell: number): void;
  /** Writes the results of the cells from `cell` on to the row at `offset`. */
  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void;
}

const isInfinite = (value: number): boolean =>
  value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;

/** `memory` if the kernel can get at all of `columns`. */
const kernelMemory = (
  memory: QueryMemory | undefined,
  columns: readonly ArrayBufferView[],
): QueryMemory | undefined =>
  memory !== undefined && columns.every((column) => memory.holds(column)) ? memory : undefined;

/** Neumaier's compensated sum, in the order of the rows. */
export class SumAccumulator implements Accumulator {
  private readonly n: number;
  /** Undefined where the kernel cannot get at the cells. */
  private readonly memory: QueryMemory | undefined;
  private readonly sums: Float64Array;
  private readonly lost: Float64Array;
  private readonly seen: Uint8Array;

  constructor(cells: number, stepCount: number, memory?: QueryMemory) {
    this.n = stepCount;
    this.sums = memory?.floats(cells) ?? new Float64Array(cells);
    this.lost = memory?.floats(cells) ?? new Float64Array(cells);
    this.seen = memory?.bytes(cells) ?? new Uint8Array(cells);
    this.memory = kernelMemory(memory, [this.sums, this.lost, this.seen]);
  }

  fold(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, sums, lost, seen, memory } = this;
    if (memory?.holds(values) === true) {
      memory.kernel.foldSum(
        values.byteOffset + 8 * offset,
        present.byteOffset + offset,
        n,
        sums.byteOffset + 8 * cell,
        lost.byteOffset + 8 * cell,
        seen.byteOffset + cell,
      );
      return;
    }
    for (let k = 0; k < n; k++) {
      if (present[offset + k] === 0) continue;
      const value = values[offset + k]!;
      const at = cell + k;
      if (seen[at] === 0) {
        seen[at] = 1;
        sums[at] = value;
        continue;
      }
      const sum = sums[at]!;
      const t = sum + value;
      const big = Math.abs(sum) >= Math.abs(value);
      lost[at] = lost[at]! + (big ? sum - t + value : value - t + sum);
      sums[at] = t;
    }
  }

  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, sums, lost, seen } = this;
    for (let k = 0; k < n; k++) {
      // A sum that became infinite never is finite again, and nothing is lost from it.
      const sum = sums[cell + k]!;
      values[offset + k] = isInfinite(sum) ? sum : sum + lost[cell + k]!;
      present[offset + k] = seen[cell + k]!;
    }
  }
}

/** The mean by the compensated sum, by the incremental mean once the sum would overflow. */
export class AvgAccumulator implements Accumulator {
  private readonly n: number;
  /** Undefined where the kernel cannot get at the cells. */
  private readonly memory: QueryMemory | undefined;
  private readonly sums: Float64Array;
  private readonly lost: Float64Array;
  private readonly counts: Float64Array;
  /** 1: `sums` holds the incremental mean. */
  private readonly incremental: Uint8Array;

  constructor(cells: number, stepCount: number, memory?: QueryMemory) {
    this.n = stepCount;
    this.sums = memory?.floats(cells) ?? new Float64Array(cells);
    this.lost = memory?.floats(cells) ?? new Float64Array(cells);
    this.counts = memory?.floats(cells) ?? new Float64Array(cells);
    this.incremental = memory?.bytes(cells) ?? new Uint8Array(cells);
    this.memory = kernelMemory(memory, [this.sums, this.lost, this.counts, this.incremental]);
  }

  private foldIncremental(at: number, value: number): void {
    const { sums, lost, counts } = this;
    const count = counts[at]!;
    const q = (count - 1) / count;
    const part = value / count;
    const mean = q * sums[at]!;
    const c = q * lost[at]!;
    const t = mean + part;
    if (isInfinite(t)) lost[at] = 0;
    else lost[at] = c + (Math.abs(mean) >= Math.abs(part) ? mean - t + part : part - t + mean);
    sums[at] = t;
  }

  fold(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, sums, lost, counts, incremental, memory } = this;
    if (memory?.holds(values) === true) {
      memory.kernel.foldAvg(
        values.byteOffset + 8 * offset,
        present.byteOffset + offset,
        n,
        sums.byteOffset + 8 * cell,
        lost.byteOffset + 8 * cell,
        counts.byteOffset + 8 * cell,
        incremental.byteOffset + cell,
      );
      return;
    }
    for (let k = 0; k < n; k++) {
      if (present[offset + k] === 0) continue;
      const value = values[offset + k]!;
      const at = cell + k;
      const count = counts[at]! + 1;
      counts[at] = count;
      if (count === 1) {
        sums[at] = value;
        continue;
      }
      if (incremental[at] === 0) {
        const sum = sums[at]!;
        const t = sum + value;
        if (!isInfinite(t)) {
          const big = Math.abs(sum) >= Math.abs(value);
          lost[at] = lost[at]! + (big ? sum - t + value : value - t + sum);
          sums[at] = t;
          continue;
        }
        incremental[at] = 1;
        sums[at] = sum / (count - 1);
        lost[at] = lost[at]! / (count - 1);
      }
      this.foldIncremental(at, value);
    }
  }

  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, sums, lost, counts, incremental } = this;
    for (let k = 0; k < n; k++) {
      const at = cell + k;
      const count = counts[at]!;
      present[offset + k] = count > 0 ? 1 : 0;
      values[offset + k] =
        incremental[at] === 1 ? sums[at]! + lost[at]! : sums[at]! / count + lost[at]! / count;
    }
  }
}

/** min and max: NaN only where there is nothing else. */
export class ExtremeAccumulator implements Accumulator {
  private readonly n: number;
  /** Undefined where the kernel cannot get at the cells. */
  private readonly memory: QueryMemory | undefined;
  private readonly best: Float64Array;
  private readonly seen: Uint8Array;
  private readonly sign: number;

  constructor(kind: 'min' | 'max', cells: number, stepCount: number, memory?: QueryMemory) {
    this.n = stepCount;
    this.best = memory?.floats(cells) ?? new Float64Array(cells);
    this.best.fill(Number.NaN);
    this.seen = memory?.bytes(cells) ?? new Uint8Array(cells);
    this.sign = kind === 'max' ? 1 : -1;
    this.memory = kernelMemory(memory, [this.best, this.seen]);
  }

  fold(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, best, seen, sign, memory } = this;
    if (memory?.holds(values) === true) {
      memory.kernel.foldExtreme(
        values.byteOffset + 8 * offset,
        present.byteOffset + offset,
        n,
        sign,
        best.byteOffset + 8 * cell,
        seen.byteOffset + cell,
      );
      return;
    }
    for (let k = 0; k < n; k++) {
      if (present[offset + k] === 0) continue;
      const value = values[offset + k]!;
      const at = cell + k;
      const known = best[at]!;
      if (value * sign > known * sign || Number.isNaN(known)) best[at] = value;
      seen[at] = 1;
    }
  }

  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, best, seen } = this;
    for (let k = 0; k < n; k++) {
      values[offset + k] = best[cell + k]!;
      present[offset + k] = seen[cell + k]!;
    }
  }
}

/** count, and group (1 wherever there is a sample). */
export class CountAccumulator implements Accumulator {
  private readonly n: number;
  private readonly counts: Float64Array;
  private readonly kind: 'count' | 'group';

  constructor(kind: 'count' | 'group', cells: number, stepCount: number) {
    this.n = stepCount;
    this.counts = new Float64Array(cells);
    this.kind = kind;
  }

  fold(_values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, counts } = this;
    for (let k = 0; k < n; k++) counts[cell + k] = counts[cell + k]! + present[offset + k]!;
  }

  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, counts, kind } = this;
    for (let k = 0; k < n; k++) {
      const count = counts[cell + k]!;
      values[offset + k] = kind === 'count' ? count : 1;
      present[offset + k] = count > 0 ? 1 : 0;
    }
  }
}

/** Welford's variance, not compensated, as upstream. */
export class VarianceAccumulator implements Accumulator {
  private readonly n: number;
  private readonly counts: Float64Array;
  private readonly means: Float64Array;
  private readonly squares: Float64Array;
  private readonly kind: 'stddev' | 'stdvar';

  constructor(kind: 'stddev' | 'stdvar', cells: number, stepCount: number) {
    this.n = stepCount;
    this.counts = new Float64Array(cells);
    this.means = new Float64Array(cells);
    this.squares = new Float64Array(cells);
    this.kind = kind;
  }

  fold(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, counts, means, squares } = this;
    for (let k = 0; k < n; k++) {
      if (present[offset + k] === 0) continue;
      const value = values[offset + k]!;
      const at = cell + k;
      const count = counts[at]! + 1;
      counts[at] = count;
      if (count === 1) {
        means[at] = value;
        // Only finite numbers differ from themselves by 0.
        squares[at] = value - value === 0 ? 0 : Number.NaN;
        continue;
      }
      const delta = value - means[at]!;
      means[at] = means[at]! + delta / count;
      squares[at] = squares[at]! + delta * (value - means[at]!);
    }
  }

  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void {
    const { n, counts, squares, kind } = this;
    for (let k = 0; k < n; k++) {
      const count = counts[cell + k]!;
      const variance = squares[cell + k]! / count;
      values[offset + k] = kind === 'stdvar' ? variance : Math.sqrt(variance);
      present[offset + k] = count > 0 ? 1 : 0;
    }
  }
}
