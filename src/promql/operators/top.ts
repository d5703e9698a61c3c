// SPDX-License-Identifier: Apache-2.0
// hot
// topk and bottomk. Each group has a heap of k elements at each step; input rows are let go at once, only
// what is in a heap stays.

import { QueryError } from '../engine/errors.ts';
import type { AggregatePlan } from '../plan/nodes.ts';
import {
  type SeriesList,
  type StepBatch,
  type Steps,
  StepMatrix,
  dropHistograms,
  newBatch,
} from './batch.ts';
import type { QueryContext, ScalarColumn, ScalarOperator, VectorOperator } from './context.ts';
import { MatrixOperator } from './context.ts';
import { groupingNeed, numberGroups } from './groups.ts';
import { type LabelNeed, needAll } from './label-sets.ts';

const INT64_MAX = 2 ** 63;
/** A value and the row it's from. */
const HEAP_CELL_BYTES = 12;

/** k for each step. @throws QueryError for values that are no int64 */
export function wholeParameters(column: ScalarColumn): Int32Array | undefined {
  let max = Number.NEGATIVE_INFINITY;
  let min = Number.POSITIVE_INFINITY;
  for (const value of column) {
    max = Math.max(max, value);
    min = Math.min(min, value);
  }
  if (max < 1) return undefined;
  if (Number.isNaN(max)) throw new QueryError('execution', 'Parameter value is NaN');
  if (min <= -INT64_MAX) {
    throw new QueryError('execution', `Scalar value ${min} underflows int64`);
  }
  if (max >= INT64_MAX) throw new QueryError('execution', `Scalar value ${max} overflows int64`);
  return Int32Array.from(column, (value) => Math.min(Math.trunc(value), 0x7fffffff));
}

/** Heaps of (value, row) in flat arrays; heap h has room for `room` elements from `base` on. */
class Heaps {
  readonly values: Float64Array;
  readonly rows: Int32Array;
  private readonly sign: number;

  constructor(cells: number, largest: boolean) {
    this.values = new Float64Array(cells);
    this.rows = new Int32Array(cells);
    this.sign = largest ? 1 : -1;
  }

  /** Whether element a belongs nearer to the top, where the next to be replaced is. NaN goes first. */
  private less(a: number, b: number): boolean {
    const value = this.values[a]!;
    return Number.isNaN(value) || value * this.sign < this.values[b]! * this.sign;
  }

  private swap(a: number, b: number): void {
    const { values, rows } = this;
    const value = values[a]!;
    values[a] = values[b]!;
    values[b] = value;
    const row = rows[a]!;
    rows[a] = rows[b]!;
    rows[b] = row;
  }

  push(base: number, size: number, value: number, row: number): void {
    let child = size;
    this.values[base + child] = value;
    this.rows[base + child] = row;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.less(base + child, base + parent)) break;
      this.swap(base + child, base + parent);
      child = parent;
    }
  }

  /** Puts the element in place of the top if it is better. */
  offer(base: number, size: number, value: number, row: number): void {
    const top = this.values[base]!;
    if (!(top * this.sign < value * this.sign || (Number.isNaN(top) && !Number.isNaN(value))))
      return;
    this.values[base] = value;
    this.rows[base] = row;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) break;
      if (child + 1 < size && this.less(base + child + 1, base + child)) child++;
      if (!this.less(base + child, base + parent)) break;
      this.swap(base + child, base + parent);
      parent = child;
    }
  }

  /** Rows of one heap, best first; ties in the order that upstream's sort leaves them in. */
  sortedRows(base: number, size: number): number[] {
    const order = Array.from({ length: size }, (_, i) => base + i);
    for (let i = 1; i < size; i++) {
      for (let j = i; j > 0 && this.less(order[j - 1]!, order[j]!); j--) {
        const swapped = order[j]!;
        order[j] = order[j - 1]!;
        order[j - 1] = swapped;
      }
    }
    return order.map((at) => this.rows[at]!);
  }
}

/** Where each group's heaps lie: the heap of step k has `room` elements from base + k × room on. */
interface HeapLayout {
  readonly base: Float64Array;
  readonly room: Int32Array;
  readonly cells: number;
}

function layOut(ofRow: Int32Array, groupCount: number, largestK: number, n: number): HeapLayout {
  const room = new Int32Array(groupCount);
  for (const group of ofRow) room[group] = Math.min(largestK, room[group]! + 1);
  const base = new Float64Array(groupCount);
  let cells = 0;
  for (let group = 0; group < groupCount; group++) {
    base[group] = cells;
    cells += room[group]! * n;
  }
  return { base, room, cells };
}

export class TopOperator implements VectorOperator {
  private readonly plan: AggregatePlan;
  private readonly input: VectorOperator;
  private readonly parameter: ScalarOperator;
  private readonly steps: Steps;
  private readonly context: QueryContext;
  private rows: MatrixOperator | undefined;

  constructor(
    plan: AggregatePlan,
    input: VectorOperator,
    parameter: ScalarOperator,
    steps: Steps,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.input = input;
    this.parameter = parameter;
    this.steps = steps;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    this.rows = new MatrixOperator(this.evaluate(), this.context.sets);
    return this.rows.open(need);
  }

  next(out: StepBatch): number {
    return this.rows!.next(out);
  }

  private evaluate(): StepMatrix {
    const n = this.steps.count;
    const { sets, budget } = this.context;
    const ks = wholeParameters(this.parameter());
    const list = this.input.open(needAll);
    if (ks === undefined) return new StepMatrix(n);
    const need = groupingNeed(this.plan, this.context);
    const keys = list.labels.map((set) => sets.project(set, need));
    const groups = numberGroups(keys, sets.setCount);
    const largest = ks.reduce((a, b) => Math.max(a, b), 0);
    const layout = layOut(groups.ofRow, groups.count, largest, n);
    budget.hold(layout.cells);
    budget.allocate(layout.cells * HEAP_CELL_BYTES);
    const heaps = new Heaps(layout.cells, this.plan.op === 'topk');
    const sizes = new Int32Array(groups.count * n);
    this.fill(groups.ofRow, layout, heaps, sizes, ks);
    const matrix = this.collect(list, layout, heaps, sizes, groups.count);
    budget.release(layout.cells);
    budget.free(layout.cells * HEAP_CELL_BYTES);
    return matrix;
  }

  private fill(
    ofRow: Int32Array,
    layout: HeapLayout,
    heaps: Heaps,
    sizes: Int32Array,
    ks: Int32Array,
  ): void {
    const n = this.steps.count;
    const batch = newBatch(n, this.context.memory);
    for (;;) {
      const rows = this.input.next(batch);
      if (rows === 0) return;
      this.context.control.checkpoint();
      if (dropHistograms(batch, 0, rows * n) > 0) {
        const { op, position } = this.plan;
        this.context.annotations.histogramIgnoredInAggregation(op, position);
      }
      for (let i = 0; i < rows; i++) {
        const row = batch.rowStart + i;
        const group = ofRow[row]!;
        const room = layout.room[group]!;
        for (let k = 0; k < n; k++) {
          if (batch.present[i * n + k] === 0 || ks[k]! < 1) continue;
          const base = layout.base[group]! + k * room;
          const size = sizes[group * n + k]!;
          const value = batch.values[i * n + k]!;
          if (size < Math.min(room, ks[k]!)) {
            heaps.push(base, size, value, row);
            sizes[group * n + k] = size + 1;
          } else heaps.offer(base, size, value, row);
        }
      }
    }
  }

  /** The chosen elements as rows: at a single step best first, else in the order of the input. */
  private collect(
    list: SeriesList,
    { base, room }: HeapLayout,
    heaps: Heaps,
    sizes: Int32Array,
    groupCount: number,
  ): StepMatrix {
    const n = this.steps.count;
    const matrix = new StepMatrix(n, groupCount, this.context.budget);
    const chosen: number[] = [];
    const outRow = new Int32Array(list.count).fill(-1);
    const visit = (use: (group: number, k: number, at: number, size: number) => void): void => {
      for (let group = 0; group < groupCount; group++) {
        for (let k = 0; k < n; k++) {
          const size = sizes[group * n + k]!;
          if (size > 0) use(group, k, base[group]! + k * room[group]!, size);
        }
      }
    };
    const choose = (row: number): void => {
      if (outRow[row] !== -1) return;
      outRow[row] = 0;
      chosen.push(row);
    };
    visit((_group, _k, at, size) => {
      // Which is best matters only where there is one step.
      if (n === 1) heaps.sortedRows(at, size).forEach(choose);
      else for (let i = at; i < at + size; i++) choose(heaps.rows[i]!);
    });
    if (n > 1) chosen.sort((a, b) => a - b);
    for (const row of chosen) {
      outRow[row] = matrix.addRow(list.labels[row]!, list.dropName?.[row] === 1);
    }
    visit((_group, k, at, size) => {
      for (let i = at; i < at + size; i++) {
        const row = outRow[heaps.rows[i]!]!;
        matrix.values(row)[matrix.offset(row) + k] = heaps.values[i]!;
        matrix.present(row)[matrix.offset(row) + k] = 1;
        matrix.sampleCount++;
      }
    });
    this.context.budget.hold(matrix.sampleCount);
    return matrix;
  }
}
