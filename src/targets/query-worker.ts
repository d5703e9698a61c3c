// SPDX-License-Identifier: Apache-2.0
// One query worker: reads the head in the shared memory and answers one job at a time with finished
// bytes.

import { parentPort, workerData } from 'node:worker_threads';
import type { JobBackend, QueryJob } from '../api/index.ts';
import { loadAnswerJob } from '../api/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import { QUERY_CONTROL_ADDRESS, viewMemory } from '../kernels/index.ts';
import type { WorkerReply, WorkerRequest } from '../platform/index.ts';
import { createNodeFileSystem } from '../platform/index.ts';
import type { QueryControl } from '../promql/index.ts';
import {
  Engine,
  expressionToJson,
  formatExpression,
  parseExpression,
  parseSelector,
  QueryError,
} from '../promql/index.ts';
import { HeadReader } from '../tsdb/index.ts';

/** What the pool gives each worker. */
export interface QueryWorkerData {
  readonly memory: WebAssembly.Memory;
  readonly slot: number;
  /** Where the head's closed chunks are. */
  readonly chunksDirectory: string;
  readonly lookbackDeltaMs: number;
  readonly samplesMax: number;
}

/** What the pool sends a worker. */
export interface QueryWorkerJob {
  readonly job: QueryJob;
  /** Step of subqueries that name none: the evaluation interval of the running configuration. */
  readonly defaultStepMs: number;
}

/** Words of a worker's slot in the control block; see platform/workers.ts, which writes them. */
const SLOT_WORDS = 16;
const TIMED_OUT = 2;

/** Hears the stop word that the pool writes for request `id`. */
function controlOf(shared: SharedMemory, slot: number, id: number): QueryControl {
  const word = (QUERY_CONTROL_ADDRESS >>> 2) + slot * SLOT_WORDS;
  return {
    checkpoint: () => {
      if (Atomics.load(shared.i32, word) !== id) return;
      if (Atomics.load(shared.i32, word + 1) === TIMED_OUT) {
        throw new QueryError('timeout', 'query timed out in expression evaluation');
      }
      throw new QueryError('canceled', 'query was canceled in expression evaluation');
    },
  };
}

function backendOf(
  reader: HeadReader,
  { lookbackDeltaMs, samplesMax }: QueryWorkerData,
  defaultStepMs: number,
): JobBackend {
  const clock = { monotonicMs: () => performance.now() };
  return {
    engine: new Engine({ lookbackDeltaMs, maxSamples: samplesMax, defaultStepMs, clock }),
    queryable: reader,
    lookbackDeltaMs,
    parseSelector,
    format: (query) => formatExpression(parseExpression(query)),
    syntax: (query) => expressionToJson(parseExpression(query)),
    tsdbStatus: (limit) => reader.stats(limit),
  };
}

const data = workerData as QueryWorkerData;
const shared = viewMemory(data.memory);
const reader = new HeadReader(shared, data.slot, {
  files: createNodeFileSystem(),
  directory: data.chunksDirectory,
});
const answerJob = await loadAnswerJob();

parentPort?.on('message', ({ id, request, queuedMs }: WorkerRequest) => {
  // The pool is fed by PooledQueries alone.
  const { job, defaultStepMs } = request as QueryWorkerJob;
  const backend = backendOf(reader, data, defaultStepMs);
  const answer = answerJob(job, backend, controlOf(shared, data.slot, id), queuedMs / 1000);
  const reply: WorkerReply = { id, answer };
  parentPort?.postMessage(reply, answer.ok ? [answer.body.buffer as ArrayBuffer] : []);
});
