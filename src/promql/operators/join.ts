// SPDX-License-Identifier: Apache-2.0
// hot
// Arithmetic and comparison between vectors. Sides are paired once, by signature; then each signature's
// rows are combined over all steps. A signature with one row on both sides (nearly all) is one loop.
//
// "one" and "many" name the sides as for group_left: the one side must be unique in its signature at each
// step. For one-to-one matching the left side is "many".

import { QueryError } from '../engine/errors.ts';
import type { Histogram } from '../../model/index.ts';
import type { Annotations } from '../engine/annotations.ts';
import type { JoinPlan } from '../plan/nodes.ts';
import { arithmetic, combineRows, compare, isComparison, isTrim } from './arithmetic.ts';
import { type Steps, StepMatrix, putHistogram } from './batch.ts';
import { type QueryContext, type VectorOperator, materialise } from './context.ts';
import { type ElementResult, combineElements } from './element-pairs.ts';
import { type LabelSets, needAll } from './label-sets.ts';
import { type MatchingNames, matchingNames, rowsBySignature } from './matching.ts';
import { sameLabelset } from './merge.ts';

interface Sides {
  readonly many: StepMatrix;
  readonly one: StepMatrix;
  /** The many side is the right one (group_right). */
  readonly swapped: boolean;
  readonly fillMany: number | undefined;
  readonly fillOne: number | undefined;
}

/** The one side of one signature: for each step which of its rows has the sample, or -1. */
interface OneSide {
  readonly values: Float64Array;
  readonly row: Int32Array;
}

class Join {
  private readonly plan: JoinPlan;
  private readonly sides: Sides;
  private readonly names: MatchingNames;
  private readonly sets: LabelSets;
  private readonly n: number;
  readonly out: StepMatrix;
  private readonly rowOfSet = new Map<number, number>();
  /** Steps at which a side has no sample at all: nothing is matched there, so nothing is wrong either. */
  private readonly idle: Uint8Array;
  private readonly annotations: Annotations;
  /** Elements may be histograms, or are to be trimmed: more than numbers. */
  private readonly mixed: boolean;
  private readonly results = new Map<number, number>();

  constructor(plan: JoinPlan, sides: Sides, context: QueryContext) {
    this.plan = plan;
    this.sides = sides;
    this.sets = context.sets;
    this.names = matchingNames(plan.matching, context.sets);
    this.n = sides.many.stepCount;
    this.out = new StepMatrix(this.n, sides.many.rowCount, context.budget);
    this.idle = new Uint8Array(this.n);
    this.annotations = context.annotations;
    this.mixed = sides.many.hasHistograms || sides.one.hasHistograms || isTrim(plan.op);
    if (sides.fillMany === undefined && sides.fillOne === undefined) {
      const many = anyPresent(sides.many);
      const one = anyPresent(sides.one);
      for (let k = 0; k < this.n; k++) this.idle[k] = many[k] === 1 && one[k] === 1 ? 0 : 1;
    }
  }

  run(checkpoint: () => void): void {
    const { many, one, fillMany, fillOne } = this.sides;
    const manyRows = rowsBySignature(many.labels, this.names, this.sets);
    const oneRows = rowsBySignature(one.labels, this.names, this.sets);
    let done = 0;
    const ones = new Map<number, OneSide>();
    for (const [key, rows] of oneRows) {
      if (rows.length > 1) ones.set(key, this.uniqueOne(rows, key));
    }
    for (const [key, rows] of manyRows) {
      if ((done++ & 63) === 0) checkpoint();
      const partners = oneRows.get(key);
      if (partners === undefined && fillOne === undefined) continue;
      if (
        rows.length === 1 &&
        partners?.length === 1 &&
        fillOne === undefined &&
        fillMany === undefined
      ) {
        this.combinePair(rows[0]!, partners[0]!, key);
      } else {
        this.combineGroup(rows, ones.get(key) ?? this.uniqueOne(partners ?? [], key), key);
      }
    }
    if (fillMany === undefined) return;
    for (const [key, rows] of oneRows) {
      if (manyRows.has(key)) continue;
      this.combineGroup([], ones.get(key) ?? this.uniqueOne(rows, key), key);
    }
  }

  /** The one side's samples of a signature. @throws QueryError when two of them are at one step */
  private uniqueOne(rows: readonly number[], key: number): OneSide {
    const { one } = this.sides;
    const values = new Float64Array(this.n);
    const at = new Int32Array(this.n).fill(-1);
    for (let k = 0; k < this.n; k++) {
      if (this.idle[k] === 1) continue;
      for (const row of rows) {
        const cell = one.offset(row) + k;
        if (one.present(row)[cell] === 0) continue;
        if (at[k] !== -1) throw this.duplicate(key, row, at[k]!);
        at[k] = row;
        values[k] = one.values(row)[cell]!;
      }
    }
    return { values, row: at };
  }

  private duplicate(key: number, row: number, other: number): QueryError {
    const { sets } = this;
    const { one, swapped } = this.sides;
    const pair = [one.labels[row]!, one.labels[other]!].sort((a, b) => sets.compare(a, b));
    const both = `[${pair.map((set) => sets.print(set)).join(', ')}]`;
    return new QueryError(
      'execution',
      `found duplicate series for the match group ${sets.print(key)} on the ` +
        `${swapped ? 'left' : 'right'} hand-side of the operation: ${both};many-to-many matching ` +
        'not allowed: matching labels must be unique on one side',
    );
  }

  /** The labels of the result of a many-side row (by label set) with a one-side row. */
  private resultLabels(many: number, one: number): number {
    const { sets, names, plan } = this;
    const memo = many * 0x1000000 + one;
    const known = this.results.get(memo);
    if (known !== undefined) return known;
    let set = isComparison(plan.op) || isTrim(plan.op) ? many : sets.withoutName(many);
    if (plan.matching.cardinality === 'one-to-one') {
      set = names.on ? sets.keeping(set, names.labels) : sets.removing(set, names.labels);
    }
    for (const name of names.include) set = sets.with(set, name, sets.value(one, name));
    if (plan.returnBool && !this.delayed) set = sets.withoutName(set);
    this.results.set(memo, set);
    return set;
  }

  /** Whether names are dropped at the very end. */
  delayed = false;

  private outRow(set: number): number {
    const known = this.rowOfSet.get(set);
    if (known !== undefined) return known;
    const row = this.out.addRow(set, this.delayed && this.plan.returnBool);
    this.rowOfSet.set(set, row);
    return row;
  }

  private put(row: number, k: number, value: number | Histogram): void {
    const cell = this.out.offset(row) + k;
    const cells = this.out.cells(row);
    if (cells.present[cell] !== 0) throw sameLabelset();
    if (typeof value === 'number') {
      cells.present[cell] = 1;
      cells.values[cell] = value;
    } else putHistogram(cells, cell, value);
    this.out.sampleCount++;
  }

  /** The value of many op one, sides put back in order; undefined when a comparison filters it. */
  private element(manyValue: number | Histogram, oneValue: number | Histogram): ElementResult {
    const { op, returnBool, position } = this.plan;
    const left = this.sides.swapped ? oneValue : manyValue;
    const right = this.sides.swapped ? manyValue : oneValue;
    if (isTrim(op) || typeof left === 'object' || typeof right === 'object') {
      const notes = { annotations: this.annotations, position };
      const result = combineElements(op, left, right, notes);
      if (returnBool && result !== undefined) return result === false ? 0 : 1;
      return result;
    }
    if (!isComparison(op)) return arithmetic(op, left, right);
    const keep = compare(op, left, right);
    if (returnBool) return keep ? 1 : 0;
    return keep && left;
  }

  /** One row with one row: the usual case. */
  private combinePair(manyRow: number, oneRow: number, key: number): void {
    const { many, one, swapped } = this.sides;
    const { op } = this.plan;
    const set = this.resultLabels(many.labels[manyRow]!, one.labels[oneRow]!);
    if (this.mixed || isComparison(op) || isTrim(op) || this.rowOfSet.has(set)) {
      this.combineGroup([manyRow], this.uniqueOne([oneRow], key), key);
      return;
    }
    const row = this.outRow(set);
    const { n, out } = this;
    const to = out.values(row);
    const at = out.offset(row);
    const first = swapped ? one : many;
    const second = swapped ? many : one;
    const firstRow = swapped ? oneRow : manyRow;
    const secondRow = swapped ? manyRow : oneRow;
    const firstAt = first.offset(firstRow);
    const secondAt = second.offset(secondRow);
    combineRows(op, first.values(firstRow), firstAt, second.values(secondRow), secondAt, to, at, n);
    const a = first.present(firstRow);
    const b = second.present(secondRow);
    const present = out.present(row);
    let samples = 0;
    for (let k = 0; k < n; k++) {
      const both = a[firstAt + k]! & b[secondAt + k]!;
      present[at + k] = both;
      samples += both;
    }
    out.sampleCount += samples;
  }

  private oneElement(row: number, k: number, one: OneSide): number | Histogram {
    const histogram = this.mixed ? this.sides.one.histogram(row, k) : undefined;
    return histogram ?? one.values[k]!;
  }

  /** All rows of a signature, step by step, with upstream's checks. */
  private combineGroup(rows: readonly number[], one: OneSide, key: number): void {
    const { many, fillMany, fillOne } = this.sides;
    const oneToOne = this.plan.matching.cardinality === 'one-to-one';
    for (let k = 0; k < this.n; k++) {
      if (this.idle[k] === 1) continue;
      let matched = false;
      const inserted = rows.length > 1 && !oneToOne ? new Set<number>() : undefined;
      for (const row of rows) {
        const cell = many.offset(row) + k;
        if (many.present(row)[cell] === 0) continue;
        const partner = one.row[k]!;
        if (partner === -1 && fillOne === undefined) continue;
        const partnerSet = partner === -1 ? key : this.sides.one.labels[partner]!;
        const partnerValue =
          partner === -1 ? (fillOne ?? Number.NaN) : this.oneElement(partner, k, one);
        const set = this.resultLabels(many.labels[row]!, partnerSet);
        if ((oneToOne && matched) || inserted?.has(set)) throw multipleMatches(oneToOne);
        matched = true;
        inserted?.add(set);
        const own = this.mixed ? many.histogram(row, k) : undefined;
        const value = this.element(own ?? many.values(row)[cell]!, partnerValue);
        if (value !== undefined && value !== false) this.put(this.outRow(set), k, value);
      }
      if (matched || fillMany === undefined || one.row[k] === -1) continue;
      const partner = one.row[k]!;
      const set = this.resultLabels(key, this.sides.one.labels[partner]!);
      const value = this.element(fillMany, this.oneElement(partner, k, one));
      if (value !== undefined && value !== false) this.put(this.outRow(set), k, value);
    }
  }
}

function anyPresent(matrix: StepMatrix): Uint8Array {
  const any = new Uint8Array(matrix.stepCount);
  for (let row = 0; row < matrix.rowCount; row++) {
    const present = matrix.present(row);
    const offset = matrix.offset(row);
    for (let k = 0; k < any.length; k++) {
      if (present[offset + k] !== 0) any[k] = 1;
    }
  }
  return any;
}

function multipleMatches(oneToOne: boolean): QueryError {
  return new QueryError(
    'execution',
    oneToOne
      ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
      : 'multiple matches for labels: grouping labels must ensure unique matches',
  );
}

/** Evaluates a join. Both sides are held while it is made. */
export function joinVectors(
  plan: JoinPlan,
  left: VectorOperator,
  right: VectorOperator,
  steps: Steps,
  context: QueryContext,
): StepMatrix {
  const leftRows = materialise(left, needAll, steps.count, context);
  const rightRows = materialise(right, needAll, steps.count, context);
  const { cardinality, fillLeft, fillRight } = plan.matching;
  const swapped = cardinality === 'one-to-many';
  const join = new Join(
    plan,
    {
      many: swapped ? rightRows : leftRows,
      one: swapped ? leftRows : rightRows,
      swapped,
      // Upstream's swap of the sides for group_right leaves the fill values where they are.
      fillMany: fillLeft,
      fillOne: fillRight,
    },
    context,
  );
  join.delayed = context.features.delayedNameRemoval === true;
  join.run(() => context.control.checkpoint());
  context.budget.release(leftRows.sampleCount + rightRows.sampleCount);
  leftRows.free();
  rightRows.free();
  context.budget.hold(join.out.sampleCount);
  return join.out;
}
