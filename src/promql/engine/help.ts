// SPDX-License-Identifier: Apache-2.0
// Computes rows for a query of another thread.

import type { FloatRows, QueryMemory } from '../../kernels/index.ts';
import type { Queryable } from '../../storage/index.ts';
import type { FanHelper } from '../fan/ring.ts';
import type { ComputeBatch, LeafTask, TextTask } from '../operators/fan-out.ts';
import { beginRows, writeSlotText } from '../result/row-texts.ts';
import {
  asRows,
  type EngineFeatures,
  type QueryContext,
  type QueryControl,
  SampleBudget,
} from '../operators/context.ts';
import { LabelSets, needNothing } from '../operators/label-sets.ts';
import { LeafRows } from '../operators/leaf-rows.ts';
import { SampleCounter } from '../operators/sample-counter.ts';
import { parseLeaf } from '../plan/leaf.ts';
import { Annotations } from './annotations.ts';
import { Compiler } from './compile.ts';

export interface HelpOptions {
  readonly features: EngineFeatures;
  readonly maxSamples: number;
  readonly maxBytes?: number;
  /** Whether this thread is wanted elsewhere. */
  readonly isWanted: () => boolean;
  /** Writes numbers; this thread's. Without it no texts are written. */
  readonly floatRows?: () => FloatRows;
  /** This thread's, while it has no query of its own. */
  readonly memory?: QueryMemory;
}

/** The help is no longer needed, or this thread is wanted elsewhere. */
class HelpOver extends Error {}

/**
 * Works at the open task of a ring until nothing is left of it, its owner ends it or `isWanted`.
 * Errors are the owner's to find: it computes again whatever was left undone.
 * @returns batches computed
 */
export function help(helper: FanHelper, queryable: Queryable, options: HelpOptions): number {
  const share = joined(helper, queryable, options);
  if (share === undefined) {
    helper.pass();
    return 0;
  }
  let computed = 0;
  try {
    while (!options.isWanted()) {
      const state = share.run();
      if (state === 'over') {
        // Where it was cut short for a request, this thread may come back.
        if (!options.isWanted()) helper.pass();
        break;
      }
      if (state === 'full') helper.wait();
      else computed++;
    }
    return computed;
  } finally {
    share.close();
  }
}

/** As {@link joinTask}; undefined also when it failed, since the owner fares the same and says so. */
function joined(
  helper: FanHelper,
  queryable: Queryable,
  options: HelpOptions,
): TaskShare | undefined {
  try {
    return joinTask(helper, queryable, options);
  } catch {
    return undefined;
  }
}

/** One thread's part in a task. */
export interface TaskShare {
  /** Computes one batch: 'full' when the owner is to catch up first, 'over' when this thread is done. */
  run(): 'computed' | 'full' | 'over';
  close(): void;
}

/** Takes part in the open task of a ring; undefined when there is none or this thread cannot. */
export function joinTask(
  helper: FanHelper,
  queryable: Queryable,
  options: HelpOptions,
): TaskShare | undefined {
  const task = helper.join();
  if (task === undefined) return undefined;
  try {
    return task.kind === 'leaf'
      ? leafShare(helper, task, queryable, options)
      : textShare(helper, task, options);
  } finally {
    // Whatever happened: the owner is not to wait for this thread.
    helper.leave();
  }
}

/** One batch of work, and what it means. */
function workAt(helper: FanHelper, compute: ComputeBatch): ReturnType<TaskShare['run']> {
  try {
    const result = helper.work(compute);
    return result === 'computed' || result === 'full' ? result : 'over';
  } catch {
    return 'over';
  }
}

function textShare(
  helper: FanHelper,
  task: TextTask,
  { floatRows }: HelpOptions,
): TaskShare | undefined {
  if (floatRows === undefined) return undefined;
  if (!helper.settle()) return undefined;
  const rows = floatRows();
  beginRows(rows, task);
  const compute: ComputeBatch = (batch, slot) => {
    const { rowsPerBatch, rowCount, stepCount } = task;
    const count = Math.min(rowsPerBatch, rowCount - batch * rowsPerBatch);
    writeSlotText(rows, slot, count, stepCount);
    return true;
  };
  return { run: () => workAt(helper, compute), close: () => undefined };
}

function leafShare(
  helper: FanHelper,
  task: LeafTask,
  queryable: Queryable,
  { features, maxSamples, maxBytes, isWanted, memory }: HelpOptions,
): TaskShare | undefined {
  const querier = queryable.join?.(task.view);
  if (querier === undefined) return undefined;
  if (!helper.settle()) {
    querier.close();
    return undefined;
  }
  const control: QueryControl = {
    checkpoint: () => {
      if (helper.isOver || isWanted()) throw new HelpOver();
    },
  };
  try {
    memory?.reset();
    const { plan, steps, lookbackMs } = parseLeaf(task.text);
    const context: QueryContext = {
      sets: new LabelSets(),
      querier,
      control,
      budget: new SampleBudget(maxSamples, maxBytes),
      counter: new SampleCounter(),
      selected: new Map(),
      annotations: new Annotations(),
      lookbackMs,
      features,
      fanOut: undefined,
      memory,
    };
    const rows = new LeafRows(context, (inner) => asRows(new Compiler(inner).vector(plan, steps)));
    const { count } = rows.open(needNothing);
    // The views agree, or this thread must not touch anything.
    if (count !== task.rowCount) throw new HelpOver();
    const { rowsPerBatch, rowCount, stepCount } = task;
    const compute: ComputeBatch = (batch, slot) => {
      const start = batch * rowsPerBatch;
      const size = Math.min(rowsPerBatch, rowCount - start);
      return rows.computeInto(slot, start, size, stepCount);
    };
    return { run: () => workAt(helper, compute), close: () => querier.close() };
  } catch {
    querier.close();
    return undefined;
  }
}
