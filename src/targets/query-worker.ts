// SPDX-License-Identifier: Apache-2.0
// One query worker: reads the head in the shared memory and answers one job at a time with finished
// bytes.

import { parentPort, workerData } from 'node:worker_threads';
import type { JobBackend, QueryJob } from '../api/index.ts';
import { loadAnswerJob } from '../api/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import type { WorkerCall, WorkerReady, WorkerReply, WorkerRequest } from '../platform/index.ts';
import { FloatRows, QUERY_CONTROL_ADDRESS, QueryMemory, viewMemory } from '../kernels/index.ts';
import { createNodeFileSystem, giveWay, startHeapTrimmer } from '../platform/index.ts';
import type { FanOut, QueryControl, QueryStatistics, QueryUse } from '../promql/index.ts';
import {
  Engine,
  expressionToJson,
  formatExpression,
  parseExpression,
  parseSelector,
  QueryError,
  selectorsOf,
} from '../promql/index.ts';
import type { LastSample, RuleAnswer, RuleBackend, RuleQuery } from '../rules/index.ts';
import { answerLastSamples, answerRule } from '../rules/index.ts';
import { DatabaseReader } from '../tsdb/index.ts';
import type { QueryFeatures } from './feature-flags.ts';
import { beginCounts, writeCounts } from './query-counters.ts';
import { QueryHelpers } from './query-helpers.ts';

/** What the pool gives each worker. */
export interface QueryWorkerData {
  readonly memory: WebAssembly.Memory;
  readonly slot: number;
  readonly dataDirectory: string;
  /** Regions of the memory in which the workers keep chunks of blocks, by slot. */
  readonly blockScratch: readonly number[];
  readonly blockScratchBytes: number;
  /** See query-helpers.ts; by slot. */
  readonly fanRings: readonly number[];
  /** Workers for everybody; further slots are for rules. */
  readonly workers: number;
  readonly lookbackDeltaMs: number;
  readonly samplesMax: number;
  /** Of the results of one query, while it runs. */
  readonly bytesMax: number;
  /** That one query may be estimated to read; undefined = any number. */
  readonly estimatedSamplesMax: number | undefined;
  readonly features: QueryFeatures;
}

/** What rules ask for. */
export type RuleJob =
  | { readonly kind: 'evaluate'; readonly query: RuleQuery }
  | {
      readonly kind: 'lastSamples';
      readonly selector: string;
      readonly timeMs: number;
      readonly windowMs: number;
    };

/** The answer to a {@link RuleJob}. */
export type RuleReply =
  | { readonly ok: true; readonly answer: RuleAnswer | readonly LastSample[] }
  | { readonly ok: false; readonly message: string; readonly stats?: QueryStatistics | undefined };

/** What the pool sends a worker: a job of the API or of the rules. */
export type QueryWorkerJob = ({ readonly job: QueryJob } | { readonly rule: RuleJob }) & {
  /** Step of subqueries that name none: the evaluation interval of the running configuration. */
  readonly defaultStepMs: number;
};

/** Words of a worker's slot in the control block; see platform/workers.ts, which writes them. */
const SLOT_WORDS = 16;
const TIMED_OUT = 2;

/** Hears the stop word that the pool writes for request `id`, and tells how far the query is. */
function controlOf(shared: SharedMemory, slot: number, id: number): QueryControl {
  const word = (QUERY_CONTROL_ADDRESS >>> 2) + slot * SLOT_WORDS;
  let use: QueryUse | undefined;
  return {
    begin: (begun) => {
      use = begun;
      beginCounts(shared, slot, id, begun);
    },
    checkpoint: () => {
      if (use !== undefined) writeCounts(shared, slot, use);
      if (Atomics.load(shared.i32, word) !== id) return;
      if (Atomics.load(shared.i32, word + 1) === TIMED_OUT) {
        throw new QueryError('timeout', 'query timed out in expression evaluation');
      }
      throw new QueryError('canceled', 'query was canceled in expression evaluation');
    },
  };
}

/** What a worker has for all its queries. */
interface ThreadParts {
  readonly floatRows: () => FloatRows;
  readonly fanOut: FanOut | undefined;
  readonly memory: QueryMemory;
}

function backendOf(
  reader: DatabaseReader,
  { lookbackDeltaMs, samplesMax, bytesMax, estimatedSamplesMax, features }: QueryWorkerData,
  defaultStepMs: number,
  { floatRows, fanOut, memory }: ThreadParts,
): JobBackend {
  const clock = { monotonicMs: () => performance.now() };
  return {
    engine: new Engine({
      lookbackDeltaMs,
      maxSamples: samplesMax,
      maxBytes: bytesMax,
      ...(estimatedSamplesMax === undefined ? {} : { maxEstimatedSamples: estimatedSamplesMax }),
      defaultStepMs,
      clock,
      features: features.engine,
      ...(fanOut === undefined ? {} : { fanOut }),
      memory,
    }),
    perStepStats: features.perStepStats,
    queryable: reader,
    lookbackDeltaMs,
    floatRows,
    fanOut,
    parseSelector,
    format: (query) => formatExpression(parseExpression(query, features.engine)),
    syntax: (query) => expressionToJson(parseExpression(query, features.engine)),
    selectorsOf: (query) => selectorsOf(parseExpression(query, features.engine)),
    tsdbStatus: (limit) => reader.head.stats(limit),
  };
}

function answerRules(rule: RuleJob, backend: RuleBackend): RuleReply {
  try {
    const answer =
      rule.kind === 'evaluate'
        ? answerRule(rule.query, backend)
        : answerLastSamples(rule.selector, rule.timeMs, rule.windowMs, backend);
    return { ok: true, answer };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, message, stats: error instanceof QueryError ? error.stats : undefined };
  }
}

function statsOf(reply: RuleReply): QueryStatistics | undefined {
  if (!reply.ok) return reply.stats;
  return 'stats' in reply.answer ? reply.answer.stats : undefined;
}

const data = workerData as QueryWorkerData;
const shared = viewMemory(data.memory);
/** Most of a worker's scratch that the engine's columns get; the chunks of blocks have the rest. */
const COLUMN_BYTES_MAX = 16 << 20;
const columnBytes = Math.min(COLUMN_BYTES_MAX, Math.floor(data.blockScratchBytes / 64) * 16);
const scratchAddress = data.blockScratch[data.slot] ?? 0;
const memory = new QueryMemory(shared, scratchAddress, columnBytes);
const reader = new DatabaseReader({
  shared,
  worker: data.slot,
  files: createNodeFileSystem(),
  directory: data.dataDirectory,
  scratchAddress: scratchAddress + columnBytes,
  scratchBytes: data.blockScratchBytes - columnBytes,
});
const answerJob = await loadAnswerJob();
const numbers: { rows?: FloatRows } = {};
const floatRows = (): FloatRows => {
  numbers.rows ??= new FloatRows();
  return numbers.rows;
};

/** While others are missing that could help, they are called, but not for each leaf. */
const CALL_EVERY_MS = 1000;
let calledMs = Number.NEGATIVE_INFINITY;

const helpers = new QueryHelpers({
  shared,
  slot: data.slot,
  workers: data.workers,
  rings: data.fanRings,
  features: data.features.engine,
  maxSamples: data.samplesMax,
  maxBytes: data.bytesMax,
  queryable: reader,
  floatRows,
  memory,
  onCall: () => {
    if (performance.now() < calledMs + CALL_EVERY_MS) return;
    calledMs = performance.now();
    const call: WorkerCall = { helpWanted: true };
    parentPort?.postMessage(call);
  },
});

parentPort?.on('message', ({ id, request, queuedMs }: WorkerRequest) => {
  helpers.take();
  // The pool is fed by PooledQueries and PooledRules alone.
  const work = request as QueryWorkerJob;
  const { fanOut } = helpers;
  const backend = backendOf(reader, data, work.defaultStepMs, { floatRows, fanOut, memory });
  const control = controlOf(shared, data.slot, id);
  if ('rule' in work) {
    const { engine, queryable } = backend;
    const answer = answerRules(work.rule, { engine, queryable, control });
    const stats = statsOf(answer);
    if (stats !== undefined) {
      const { timings } = stats;
      timings.execQueueTime = queuedMs / 1000;
      timings.execTotalTime += queuedMs / 1000;
    }
    parentPort?.postMessage({ id, answer });
    return;
  }
  const answer = answerJob(work.job, backend, control, queuedMs / 1000);
  const reply: WorkerReply = { id, answer };
  parentPort?.postMessage(reply, answer.ok ? [answer.body.buffer as ArrayBuffer] : []);
});

/** With a worker for each core, scrapes and rules still come first. */
const NICENESS = 10;
if (data.slot < data.workers) giveWay(NICENESS);
// What a big query left behind is given back when it is quiet.
startHeapTrimmer();
const ready: WorkerReady = { ready: true };
parentPort?.postMessage(ready);
void helpers.serve();
