// SPDX-License-Identifier: Apache-2.0
// What a query worker tells of the query it runs, in its slot of the control block, whose first words
// platform/workers.ts writes:
//
//   byte 16   id of the request that the numbers are about, i32, 0 = none
//   byte 24   estimated series, f64
//   byte 32   estimated samples, f64
//   byte 40   samples looked at so far, f64
//   byte 48   bytes of results held now, f64
//
// The numbers are for people: one that is being written while it is read may be an old one.

import type { SharedMemory } from '../kernels/index.ts';
import { QUERY_CONTROL_ADDRESS } from '../kernels/index.ts';
import { WORKER_SLOT_BYTES } from '../platform/index.ts';
import type { QueryUse } from '../promql/index.ts';

const OWNER = 16;
const ESTIMATED_SERIES = 24;
const ESTIMATED_SAMPLES = 32;
const SAMPLES = 40;
const BYTES = 48;

export interface QueryCounts {
  readonly estimated: { readonly series: number; readonly samples: number };
  readonly used: { readonly samples: number; readonly bytes: number };
}

const address = (slot: number): number => QUERY_CONTROL_ADDRESS + slot * WORKER_SLOT_BYTES;

/** The worker's side: says which request the numbers are about. */
export function beginCounts(shared: SharedMemory, slot: number, id: number, use: QueryUse): void {
  const at = address(slot);
  shared.f64[(at + ESTIMATED_SERIES) >>> 3] = use.estimated.series;
  shared.f64[(at + ESTIMATED_SAMPLES) >>> 3] = use.estimated.samples;
  writeCounts(shared, slot, use);
  Atomics.store(shared.i32, (at + OWNER) >>> 2, id);
}

/** How far the query is. Cheap: for each checkpoint. */
export function writeCounts(shared: SharedMemory, slot: number, use: QueryUse): void {
  const at = address(slot);
  shared.f64[(at + SAMPLES) >>> 3] = use.samples();
  shared.f64[(at + BYTES) >>> 3] = use.bytes();
}

/** The main thread's side; undefined while the worker has said nothing about this request. */
export function readCounts(
  shared: SharedMemory,
  slot: number,
  id: number,
): QueryCounts | undefined {
  const at = address(slot);
  if (Atomics.load(shared.i32, (at + OWNER) >>> 2) !== id) return undefined;
  const number = (offset: number): number => shared.f64[(at + offset) >>> 3] ?? 0;
  return {
    estimated: { series: number(ESTIMATED_SERIES), samples: number(ESTIMATED_SAMPLES) },
    used: { samples: number(SAMPLES), bytes: number(BYTES) },
  };
}
