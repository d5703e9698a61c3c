// SPDX-License-Identifier: Apache-2.0

import { wasm } from '../../kernels/generated/head.ts';
import type { SharedMemory } from '../../kernels/index.ts';
import { instantiateKernel } from '../../kernels/index.ts';

/** Exports of kernels/assembly/head.ts; all integers are addresses or counts. */
export interface HeadKernel {
  check(
    refs: number,
    times: number,
    values: number,
    statuses: number,
    count: number,
    minValidTime: number,
    maxValidTime: number,
    histograms: number,
  ): number;
  append(
    refs: number,
    times: number,
    values: number,
    statuses: number,
    start: number,
    count: number,
    batch: number,
  ): number;
  encodeSamples(
    refs: number,
    times: number,
    values: number,
    statuses: number,
    count: number,
    out: number,
  ): number;
  decodeSamples(
    from: number,
    end: number,
    table: number,
    known: number,
    refs: number,
    times: number,
    values: number,
  ): number;
  snapshot(ids: number, count: number, batch: number, chunks: number, counts: number): void;
  decode(
    stream: number,
    count: number,
    minTime: number,
    maxTime: number,
    times: number,
    values: number,
  ): number;
}

export const headKernel = (shared: SharedMemory): HeadKernel =>
  instantiateKernel<HeadKernel>(wasm, shared);
