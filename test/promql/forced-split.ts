// SPDX-License-Identifier: Apache-2.0
// Every leaf of a query split between three, all of them in this thread: each time the query wants a batch,
// the two others compute one first.

import { FloatRows } from '../../src/kernels/index.ts';
import {
  type EngineFeatures,
  FanHelper,
  type FanOut,
  fanRingBytes,
  joinTask,
  RingFanOut,
  type TaskShare,
} from '../../src/promql/index.ts';
import type { Queryable } from '../../src/storage/index.ts';

const WIDTH = 3;

export interface ForcedSplit {
  readonly fanOut: FanOut;
  /** Batches that others than the query's own thread computed. */
  computed(): number;
}

/** @param others what the two others read; what they join is what the query's own querier shares */
export function forcedSplit(
  others: readonly Queryable[],
  features: EngineFeatures,
  maxSamples: number,
): ForcedSplit {
  const buffer = new SharedArrayBuffer(fanRingBytes(WIDTH));
  const helpers = others.map(
    (_, i) => new FanHelper({ buffer, address: 0, width: WIDTH, helper: i + 1, generation: 0 }),
  );
  const shares: (TaskShare | undefined)[] = [];
  const numbers = helpers.map(() => new FloatRows());
  let computed = 0;
  const ring = new RingFanOut({
    buffer,
    address: 0,
    width: WIDTH,
    costMin: 0,
    generations: () => 0,
    call: () => {
      helpers.forEach((helper, i) => {
        const floatRows = (): FloatRows => numbers[i]!;
        const options = { features, maxSamples, floatRows, isWanted: () => false };
        shares[i]?.close();
        shares[i] = undefined;
        shares[i] = joinTask(helper, others[i]!, options);
      });
    },
    onTurn: () => {
      shares.forEach((share, i) => {
        const state = share?.run();
        if (state === 'computed') computed++;
        if (state !== 'over') return;
        share?.close();
        shares[i] = undefined;
      });
    },
  });
  const leave = (): void => {
    for (const share of shares.splice(0)) share?.close();
  };
  const fanOut: FanOut = {
    width: WIDTH,
    costMin: ring.costMin,
    slotCells: ring.slotCells,
    slotTextBytes: ring.slotTextBytes,
    slotTextRows: ring.slotTextRows,
    begin: (task, checkpoint, fill) => ring.begin(task, checkpoint, fill),
    finish: () => {
      ring.finish();
      leave();
    },
  };
  return { fanOut, computed: () => computed };
}

/** The same storage for several, where any number of queriers may be open. */
export function shareable(storage: Queryable): Queryable {
  return {
    querier: () => {
      const querier = storage.querier();
      return {
        select: (...args) => querier.select(...args),
        labelNames: (...args) => querier.labelNames(...args),
        labelValues: (...args) => querier.labelValues(...args),
        share: () => [],
        close: () => querier.close(),
      };
    },
    join: () => storage.querier(),
  };
}
