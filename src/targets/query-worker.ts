// SPDX-License-Identifier: Apache-2.0
// One query worker: reads the head in the shared memory and answers one job at a time with finished
// bytes.

import { parentPort, workerData } from 'node:worker_threads';
import type { QueryJob } from '../api/index.ts';
import { QUERY_CONTROL_ADDRESS, viewMemory } from '../kernels/index.ts';
import type { WorkerRequest } from '../platform/index.ts';
import { HeadReader } from '../tsdb/index.ts';

export interface QueryWorkerData {
  readonly memory: WebAssembly.Memory;
  readonly slot: number;
  readonly lookbackDeltaMs: number;
  readonly samplesMax: number;
}
const data = workerData as QueryWorkerData;
const shared = viewMemory(data.memory);
const reader = new HeadReader(shared, data.slot);
parentPort?.on('message', ({ id, request }: WorkerRequest) => {
  const job = request as QueryJob;
  const querier = reader.querier();
  const names = querier.labelNames([], -1e15, 1e15);
  querier.close();
  const body = new TextEncoder().encode(
    JSON.stringify({ status: 'success', data: { job, names, at: QUERY_CONTROL_ADDRESS } }),
  );
  parentPort?.postMessage({ id, answer: { ok: true, body } }, [body.buffer]);
});
