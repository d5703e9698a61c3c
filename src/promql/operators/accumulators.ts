// SPDX-License-Identifier: Apache-2.0
// hot
// Accumulators of aggregations: groups × steps cells into which rows are folded one after another. What a
// cell holds does not grow with the number of input series.

/** Cells are group * stepCount + k. */
export interface Accumulator {
  /** Folds the row of stepCount cells at `offset` into the group's cells from `cell` on. */
  fold(values: Float64Array, present: Uint8Array, offset: number, cell: number): void;
  /** Writes the results of the cells from `cell` on to the row at `offset`. */
  finish(values: Float64Array, present: Uint8Array, offset: number, cell: number): void;
}

const isInfinite = (value: number): boolean =>
  value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;

/** Neumaier's compensated sum, in the order of the rows. */
export function sumAccumulator(cells: number, n: number): Accumulator {
  const sums = new Float64Array(cells);
  const lost = new Float64Array(cells);
  const seen = new Uint8Array(cells);
  return {
    fold(values, present, offset, cell) {
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
    },
    finish(values, present, offset, cell) {
      for (let k = 0; k < n; k++) {
        // A sum that became infinite never is finite again, and nothing is lost from it.
        const sum = sums[cell + k]!;
        values[offset + k] = isInfinite(sum) ? sum : sum + lost[cell + k]!;
        present[offset + k] = seen[cell + k]!;
      }
    },
  };
}

/** The mean by the compensated sum, by the incremental mean once the sum would overflow. */
export function avgAccumulator(cells: number, n: number): Accumulator {
  const sums = new Float64Array(cells);
  const lost = new Float64Array(cells);
  const counts = new Float64Array(cells);
  /** 1: `sums` holds the incremental mean. */
  const incremental = new Uint8Array(cells);
  const foldIncremental = (at: number, value: number): void => {
    const count = counts[at]!;
    const q = (count - 1) / count;
    const part = value / count;
    const mean = q * sums[at]!;
    const c = q * lost[at]!;
    const t = mean + part;
    if (isInfinite(t)) lost[at] = 0;
    else lost[at] = c + (Math.abs(mean) >= Math.abs(part) ? mean - t + part : part - t + mean);
    sums[at] = t;
  };
  return {
    fold(values, present, offset, cell) {
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
        foldIncremental(at, value);
      }
    },
    finish(values, present, offset, cell) {
      for (let k = 0; k < n; k++) {
        const at = cell + k;
        const count = counts[at]!;
        present[offset + k] = count > 0 ? 1 : 0;
        values[offset + k] =
          incremental[at] === 1 ? sums[at]! + lost[at]! : sums[at]! / count + lost[at]! / count;
      }
    },
  };
}

/** min and max: NaN only where there is nothing else. */
export function extremeAccumulator(kind: 'min' | 'max', cells: number, n: number): Accumulator {
  const best = new Float64Array(cells).fill(Number.NaN);
  const seen = new Uint8Array(cells);
  const sign = kind === 'max' ? 1 : -1;
  return {
    fold(values, present, offset, cell) {
      for (let k = 0; k < n; k++) {
        if (present[offset + k] === 0) continue;
        const value = values[offset + k]!;
        const at = cell + k;
        const known = best[at]!;
        if (value * sign > known * sign || Number.isNaN(known)) best[at] = value;
        seen[at] = 1;
      }
    },
    finish(values, present, offset, cell) {
      for (let k = 0; k < n; k++) {
        values[offset + k] = best[cell + k]!;
        present[offset + k] = seen[cell + k]!;
      }
    },
  };
}

/** count, and group (1 wherever there is a sample). */
export function countAccumulator(kind: 'count' | 'group', cells: number, n: number): Accumulator {
  const counts = new Float64Array(cells);
  return {
    fold(_values, present, offset, cell) {
      for (let k = 0; k < n; k++) counts[cell + k] = counts[cell + k]! + present[offset + k]!;
    },
    finish(values, present, offset, cell) {
      for (let k = 0; k < n; k++) {
        const count = counts[cell + k]!;
        values[offset + k] = kind === 'count' ? count : 1;
        present[offset + k] = count > 0 ? 1 : 0;
      }
    },
  };
}

/** Welford's variance, not compensated, as upstream. */
export function varianceAccumulator(
  kind: 'stddev' | 'stdvar',
  cells: number,
  n: number,
): Accumulator {
  const counts = new Float64Array(cells);
  const means = new Float64Array(cells);
  const squares = new Float64Array(cells);
  return {
    fold(values, present, offset, cell) {
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
    },
    finish(values, present, offset, cell) {
      for (let k = 0; k < n; k++) {
        const count = counts[cell + k]!;
        const variance = squares[cell + k]! / count;
        values[offset + k] = kind === 'stdvar' ? variance : Math.sqrt(variance);
        present[offset + k] = count > 0 ? 1 : 0;
      }
    },
  };
}
