// SPDX-License-Identifier: Apache-2.0
// hot
// and, unless, or. What is kept of the other side is one row of presence for each signature.

import type { SetPlan } from '../plan/nodes.ts';
import type { SeriesList, StepBatch } from './batch.ts';
import { newBatch } from './batch.ts';
import type { QueryContext, VectorOperator } from './context.ts';
import { type LabelNeed, needAll } from './label-sets.ts';
import { type MatchingNames, matchingNames, signature } from './matching.ts';

/** For each signature the steps at which any of its series has a sample. */
class SignaturePresence {
  readonly stepCount: number;
  private readonly rows = new Map<number, Uint8Array>();

  constructor(stepCount: number) {
    this.stepCount = stepCount;
  }

  add(key: number, present: Uint8Array, offset: number): void {
    let row = this.rows.get(key);
    if (row === undefined) {
      row = new Uint8Array(this.stepCount);
      this.rows.set(key, row);
    }
    for (let k = 0; k < this.stepCount; k++) {
      if (present[offset + k] !== 0) row[k] = 1;
    }
  }

  get(key: number): Uint8Array | undefined {
    return this.rows.get(key);
  }
}

const signatures = (list: SeriesList, names: MatchingNames, { sets }: QueryContext): Int32Array =>
  list.labels.map((set) => signature(set, names, sets));

function projected(list: SeriesList, need: LabelNeed, { sets }: QueryContext): SeriesList {
  return { ...list, labels: list.labels.map((set) => sets.project(set, need)) };
}

/** `and` and `unless`: the left rows, with the steps removed that the right side decides. */
export class FilterBySetOperator implements VectorOperator {
  private readonly plan: SetPlan;
  private readonly left: VectorOperator;
  private readonly right: VectorOperator;
  private readonly stepCount: number;
  private readonly context: QueryContext;
  private keys: Int32Array = new Int32Array(0);
  private presence: SignaturePresence;

  constructor(
    plan: SetPlan,
    left: VectorOperator,
    right: VectorOperator,
    stepCount: number,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.left = left;
    this.right = right;
    this.stepCount = stepCount;
    this.context = context;
    this.presence = new SignaturePresence(stepCount);
  }

  open(need: LabelNeed): SeriesList {
    const { context, stepCount } = this;
    const names = matchingNames(this.plan.matching, context.sets);
    const list = this.left.open(needAll);
    this.keys = signatures(list, names, context);
    const rightKeys = signatures(this.right.open(needAll), names, context);
    this.presence = new SignaturePresence(stepCount);
    const batch = newBatch(stepCount, context.memory);
    for (;;) {
      const rows = this.right.next(batch);
      if (rows === 0) break;
      context.control.checkpoint();
      for (let i = 0; i < rows; i++) {
        this.presence.add(rightKeys[batch.rowStart + i]!, batch.present, i * stepCount);
      }
    }
    return projected(list, need, context);
  }

  next(out: StepBatch): number {
    const rows = this.left.next(out);
    const n = this.stepCount;
    const wanted = this.plan.op === 'and' ? 1 : 0;
    for (let i = 0; i < rows; i++) {
      const right = this.presence.get(this.keys[out.rowStart + i]!);
      const offset = i * n;
      if (right === undefined) {
        if (wanted === 1) out.present.fill(0, offset, offset + n);
        continue;
      }
      for (let k = 0; k < n; k++) if (right[k] !== wanted) out.present[offset + k] = 0;
    }
    return rows;
  }
}

/** `or`: the left rows, then the right ones where the left side has no sample of their signature. */
export class UnionOperator implements VectorOperator {
  private readonly plan: SetPlan;
  private readonly left: VectorOperator;
  private readonly right: VectorOperator;
  private readonly stepCount: number;
  private readonly context: QueryContext;
  private leftKeys: Int32Array = new Int32Array(0);
  private rightKeys: Int32Array = new Int32Array(0);
  private presence: SignaturePresence;
  private leftDone = false;

  constructor(
    plan: SetPlan,
    left: VectorOperator,
    right: VectorOperator,
    stepCount: number,
    context: QueryContext,
  ) {
    this.plan = plan;
    this.left = left;
    this.right = right;
    this.stepCount = stepCount;
    this.context = context;
    this.presence = new SignaturePresence(stepCount);
  }

  open(need: LabelNeed): SeriesList {
    const { context } = this;
    const names = matchingNames(this.plan.matching, context.sets);
    const left = this.left.open(needAll);
    const right = this.right.open(needAll);
    this.leftKeys = signatures(left, names, context);
    this.rightKeys = signatures(right, names, context);
    this.presence = new SignaturePresence(this.stepCount);
    this.leftDone = false;
    const count = left.count + right.count;
    const labels = new Int32Array(count);
    labels.set(left.labels);
    labels.set(right.labels, left.count);
    let dropName: Uint8Array | undefined;
    if (left.dropName !== undefined || right.dropName !== undefined) {
      dropName = new Uint8Array(count);
      if (left.dropName !== undefined) dropName.set(left.dropName);
      if (right.dropName !== undefined) dropName.set(right.dropName, left.count);
    }
    return projected({ count, labels, dropName }, need, context);
  }

  next(out: StepBatch): number {
    const n = this.stepCount;
    if (!this.leftDone) {
      const rows = this.left.next(out);
      for (let i = 0; i < rows; i++) {
        this.presence.add(this.leftKeys[out.rowStart + i]!, out.present, i * n);
      }
      if (rows > 0) return rows;
      this.leftDone = true;
    }
    const rows = this.right.next(out);
    for (let i = 0; i < rows; i++) {
      const left = this.presence.get(this.rightKeys[out.rowStart + i]!);
      if (left === undefined) continue;
      for (let k = 0; k < n; k++) if (left[k] === 1) out.present[i * n + k] = 0;
    }
    out.rowStart += this.leftKeys.length;
    return rows;
  }
}
