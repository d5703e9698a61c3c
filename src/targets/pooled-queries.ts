// SPDX-License-Identifier: Apache-2.0
// Jobs of the API, answered by the worker pool: tracked, admitted by what they cost, logged.

import type {
  QueryAnswer,
  QueryJob,
  QueryMeasures,
  QueryRunOptions,
  QueryWorkers,
} from '../api/index.ts';
import { ApiError } from '../api/index.ts';
import type { Clock } from '../base/index.ts';
import type { WorkerErrorCode, WorkerPool } from '../platform/index.ts';
import { WorkerError } from '../platform/index.ts';
import type { Explanation, QueryStatistics } from '../promql/index.ts';
import type { QueryAdmission } from './query-admission.ts';
import type { QueryLog } from './query-log.ts';
import type { QueryTicket, QueryTracker, TrackedQuery } from './query-tracker.ts';
import type { QueryWorkerJob } from './query-worker.ts';

const errorTypes: Readonly<Record<WorkerErrorCode, ApiError['errorType']>> = {
  canceled: 'canceled',
  timeout: 'timeout',
  queue_timeout: 'timeout',
  queue_full: 'unavailable',
  crashed: 'internal',
  closed: 'unavailable',
};

type EngineJob = Extract<QueryJob, { readonly kind: 'instant' | 'range' }>;
type ExplainJob = Extract<QueryJob, { readonly kind: 'explain' }>;

/** What a job is shown as; undefined for those that cost next to nothing. */
function trackedAs(job: QueryJob): Omit<TrackedQuery, 'client'> | undefined {
  switch (job.kind) {
    case 'instant':
    case 'range':
      return { kind: job.kind, query: job.query };
    case 'explain':
      return { kind: job.kind, query: job.request.query };
    case 'labels':
    case 'labelValues':
    case 'series':
    case 'federate':
      return { kind: job.kind, query: job.selectors.join(', ') };
    case 'console':
      return { kind: job.kind, query: `consoles${job.source.name}` };
    default:
      return undefined;
  }
}

/** Whether running the job reads samples. */
const readsSamples = (job: QueryJob): job is EngineJob | ExplainJob =>
  job.kind === 'instant' || job.kind === 'range' || (job.kind === 'explain' && job.analyze);

/** Statistics of a query that got no answer: what is known of it outside. */
export function partialStats(samples: number, totalSeconds: number): QueryStatistics {
  return {
    timings: {
      evalTotalTime: 0,
      resultSortTime: 0,
      queryPreparationTime: 0,
      innerEvalTime: 0,
      execQueueTime: 0,
      execTotalTime: totalSeconds,
    },
    samples: { totalQueryableSamples: samples, peakSamples: 0 },
  };
}

/** What comes to life with the database. */
export interface QueryEngineParts {
  readonly pool: WorkerPool;
  readonly tracker: QueryTracker;
}

export interface PooledQueriesOptions {
  readonly parts: () => QueryEngineParts | undefined;
  readonly clock: Clock;
  readonly log: QueryLog;
  readonly admission: QueryAdmission;
  /** Step of subqueries that name none, by the running configuration. */
  readonly defaultStepMs: () => number;
}

interface Sending {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onStart?: (slot: number, id: number) => void;
}

/** Jobs to answers over a pool that may not be there yet. */
export class PooledQueries implements QueryWorkers {
  private readonly options: PooledQueriesOptions;

  constructor(options: PooledQueriesOptions) {
    this.options = options;
  }

  async run(job: QueryJob, options: QueryRunOptions): Promise<QueryAnswer> {
    const parts = this.options.parts();
    if (parts === undefined) throw new ApiError('unavailable', 'the database is not ready');
    const { pool, tracker } = parts;
    const { timeoutMs, signal, client } = options;
    const tracked = trackedAs(job);
    if (tracked === undefined) return this.send(pool, job, { timeoutMs, signal });
    const what = client === undefined ? tracked : { ...tracked, client: client.address };
    return tracker.track(what, signal, (ticket) => this.runTracked(pool, job, options, ticket));
  }

  private async runTracked(
    pool: WorkerPool,
    job: QueryJob,
    options: QueryRunOptions,
    ticket: QueryTicket,
  ): Promise<QueryAnswer> {
    const startedMs = this.options.clock.monotonicMs();
    const tell = (error: string | undefined, measures?: QueryMeasures): void => {
      if (job.kind !== 'instant' && job.kind !== 'range') return;
      const seconds = (this.options.clock.monotonicMs() - startedMs) / 1000;
      const samples = ticket.counts()?.used.samples ?? 0;
      this.logQuery(job, options, error, measures?.stats ?? partialStats(samples, seconds));
    };
    try {
      const answer = await this.admit(pool, job, options.timeoutMs, ticket);
      // One that could not even be parsed was not run.
      if (answer.ok) tell(undefined, answer.measures);
      else if (answer.errorType !== 'bad_data') tell(answer.message, answer.measures);
      return answer;
    } catch (error) {
      if (error instanceof ApiError) tell(error.message);
      throw error;
    }
  }

  private logQuery(
    job: EngineJob,
    { client }: QueryRunOptions,
    error: string | undefined,
    stats: QueryStatistics,
  ): void {
    const { log } = this.options;
    const { query } = job;
    const times =
      job.kind === 'instant'
        ? { startMs: job.timeMs, endMs: job.timeMs, stepMs: 0 }
        : { startMs: job.startMs, endMs: job.endMs, stepMs: job.stepMs };
    log.write({ query, ...times, ...(error === undefined ? {} : { error }), stats, client });
  }

  /** Has a job wait until it fits beside the others, where there is a limit. */
  private async admit(
    pool: WorkerPool,
    job: QueryJob,
    timeoutMs: number,
    ticket: QueryTicket,
  ): Promise<QueryAnswer> {
    const { admission, clock } = this.options;
    const { signal, onStart } = ticket;
    if (!admission.isOn || !readsSamples(job)) {
      return this.send(pool, job, { timeoutMs, signal, onStart });
    }
    const endMs = clock.monotonicMs() + timeoutMs;
    const left = (): number => Math.max(0, endMs - clock.monotonicMs());
    const request = job.kind === 'explain' ? job.request : job;
    const plan = { kind: 'explain', request, analyze: false } as const;
    const planned = await this.send(pool, plan, { timeoutMs, signal });
    if (!planned.ok) return planned;
    const text = new TextDecoder().decode(planned.body);
    const { estimated } = (JSON.parse(text) as { data: Explanation }).data;
    ticket.setEstimate(estimated);
    await this.wait(estimated.samples, left(), signal);
    try {
      return await this.send(pool, job, { timeoutMs: left(), signal, onStart });
    } finally {
      admission.leave(estimated.samples);
    }
  }

  /** @throws ApiError */
  private async wait(samples: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { admission, clock } = this.options;
    const giveUp = new AbortController();
    const stop = (): void => giveUp.abort();
    const timer = clock.setTimer(timeoutMs, stop);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      await admission.enter(samples, giveUp.signal, () =>
        signal.aborted
          ? new ApiError('canceled', 'query was canceled in query queue')
          : new ApiError('timeout', 'query timed out in query queue'),
      );
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', stop);
    }
  }

  private async send(pool: WorkerPool, job: QueryJob, options: Sending): Promise<QueryAnswer> {
    try {
      const request: QueryWorkerJob = { job, defaultStepMs: this.options.defaultStepMs() };
      return (await pool.run(request, options)) as QueryAnswer;
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      throw new ApiError(errorTypes[error.code], error.message);
    }
  }
}
