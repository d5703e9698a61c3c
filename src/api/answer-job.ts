// SPDX-License-Identifier: Apache-2.0
// What a query worker does with a job: parse, run, encode. Whatever the caller did wrong becomes an
// answer with upstream's words; our own mistakes become "internal" ones.

import type { ErrorType, SyntaxNode, TsdbStatus } from '../apitypes/index.ts';
import type { FloatRows } from '../kernels/index.ts';
import type { Matcher } from '../model/index.ts';
import { quote } from '../model/index.ts';
import type {
  Engine,
  FanOut,
  InstantRequest,
  QueryControl,
  QueryResult,
  QueryStatistics,
  RangeRequest,
} from '../promql/index.ts';
import { encodeResponse, QueryError } from '../promql/index.ts';
import { pathOf, templateQuery } from '../rules/index.ts';
import type { Querier, Queryable } from '../storage/index.ts';
import { MatcherError } from '../storage/index.ts';
import { expandConsole, TemplateError } from '../template/index.ts';
import { ApiError } from './answers.ts';
import { type FederateJob, federate } from './federate-job.ts';
import type { LookupResult } from './lookup.ts';
import { checkSelectors, lookUpLabelNames, lookUpLabelValues, lookUpSeries } from './lookup.ts';
import type { ConsoleJob, QueryAnswer, QueryJob, QueryMeasures } from './query-job.ts';

/** What a worker answers with. Errors of the parsing functions are {@link QueryError}s. */
export interface JobBackend {
  readonly engine: Engine;
  readonly queryable: Queryable;
  readonly lookbackDeltaMs: number;
  /** Writes the numbers of big answers; made at the first. */
  readonly floatRows?: () => FloatRows;
  /** Other threads, for big answers. */
  readonly fanOut?: FanOut | undefined;
  /** `stats=all` shows samples by step. */
  readonly perStepStats?: boolean;
  /** A series selector alone, e.g. `up{job="x"}`. */
  parseSelector(text: string): readonly Matcher[];
  format(query: string): string;
  syntax(query: string): SyntaxNode;
  /** The matchers of all series selectors of an expression. */
  selectorsOf(query: string): readonly (readonly Matcher[])[];
  tsdbStatus(limit: number): TsdbStatus;
}

type EngineJob = Extract<QueryJob, { readonly kind: 'instant' | 'range' }>;
type ExplainJob = Extract<QueryJob, { readonly kind: 'explain' }>;
type LookupJob = Extract<QueryJob, { readonly kind: 'labels' | 'labelValues' | 'series' }>;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const success = (data: unknown): QueryAnswer => ({
  ok: true,
  body: encode({ status: 'success', data }),
});

function requestOf(job: EngineJob, backend: JobBackend): InstantRequest | RangeRequest {
  const { query, limit } = job;
  const lookbackDeltaMs = job.lookbackDeltaMs > 0 ? job.lookbackDeltaMs : backend.lookbackDeltaMs;
  const perStepStats = backend.perStepStats === true && job.stats === 'all';
  const common = { query, limit, lookbackDeltaMs, perStepStats };
  if (job.kind === 'instant') return { ...common, timeMs: job.timeMs };
  const { startMs, endMs, stepMs } = job;
  return { ...common, startMs, endMs, stepMs };
}

function runEngine(job: EngineJob, backend: JobBackend, control: QueryControl): QueryResult {
  const request = requestOf(job, backend);
  const { engine, queryable } = backend;
  return 'timeMs' in request
    ? engine.instant(queryable, request, control)
    : engine.range(queryable, request, control);
}

function answerExplain(
  { request, analyze }: ExplainJob,
  backend: JobBackend,
  control: QueryControl,
): QueryAnswer {
  const { engine, queryable } = backend;
  return success(engine.explain(queryable, requestOf(request, backend), control, { analyze }));
}

/** What a query took, with the time in the queue, which is entered in its statistics, too. */
function measuresOf({ timings, samples }: QueryStatistics, queueSeconds: number): QueryMeasures {
  timings.execQueueTime = queueSeconds;
  timings.execTotalTime += queueSeconds;
  const { totalQueryableSamples, peakSamples } = samples;
  return {
    queueSeconds,
    prepareSeconds: timings.queryPreparationTime,
    innerEvalSeconds: timings.innerEvalTime,
    resultSortSeconds: timings.resultSortTime,
    samples: totalQueryableSamples,
    samplesRead: totalQueryableSamples,
    peakSamples,
    stats: { timings, samples: { totalQueryableSamples, peakSamples } },
  };
}

function answerQuery(
  job: EngineJob,
  backend: JobBackend,
  control: QueryControl,
  queueSeconds: number,
): QueryAnswer {
  let result: QueryResult;
  try {
    result = runEngine(job, backend, control);
  } catch (error) {
    if (!(error instanceof QueryError) || error.stats === undefined) throw error;
    return { ...failure(error), measures: measuresOf(error.stats, queueSeconds) };
  }
  const measures = measuresOf(result.stats, queueSeconds);
  const { floatRows, fanOut } = backend;
  const options = { stats: job.stats !== '', floatRows, fanOut };
  return { ok: true, body: encodeResponse(result, options), measures };
}

function lookUp(
  job: LookupJob,
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  control: QueryControl,
): LookupResult {
  switch (job.kind) {
    case 'labels':
      return lookUpLabelNames(querier, selectors, job);
    case 'labelValues':
      return lookUpLabelValues(querier, job.name, selectors, job);
    default:
      return lookUpSeries(querier, selectors, job, () => control.checkpoint());
  }
}

function answerLookup(job: LookupJob, backend: JobBackend, control: QueryControl): QueryAnswer {
  let selectors: (readonly Matcher[])[];
  try {
    selectors = job.selectors.map((text) => backend.parseSelector(text));
    checkSelectors(selectors);
  } catch (error) {
    const failed = failure(error);
    if (failed.errorType !== 'bad_data' || job.kind !== 'series') return failed;
    // Only /series names the parameter, as upstream.
    return { ...failed, message: `invalid parameter ${quote('match[]')}: ${failed.message}` };
  }
  const querier = backend.queryable.querier();
  try {
    const { data, truncated } = lookUp(job, querier, selectors, control);
    const warnings = truncated ? { warnings: ['results truncated due to limit'] } : {};
    return { ok: true, body: encode({ status: 'success', data, ...warnings }) };
  } finally {
    querier.close();
  }
}

function answerFederate(job: FederateJob, backend: JobBackend, control: QueryControl): QueryAnswer {
  const selectors = job.selectors.map((text) => backend.parseSelector(text));
  const querier = backend.queryable.querier();
  const { lookbackDeltaMs } = backend;
  try {
    const checkpoint = (): void => control.checkpoint();
    return { ok: true, body: federate(job, querier, selectors, lookbackDeltaMs, checkpoint) };
  } finally {
    querier.close();
  }
}

/** The queries of a console run where its template runs, one after the other. */
function answerConsole(job: ConsoleJob, backend: JobBackend, control: QueryControl): QueryAnswer {
  const { engine, queryable } = backend;
  const { source, data, timeMs, externalUrl } = job;
  try {
    const html = expandConsole(source, data, {
      query: (expression) => templateQuery({ engine, queryable, control }, expression, timeMs),
      nowMs: timeMs,
      externalUrl,
      pathPrefix: pathOf(externalUrl),
    });
    return { ok: true, body: new TextEncoder().encode(html) };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return { ok: false, errorType: 'internal', message: error.message };
  }
}

type Failure = Extract<QueryAnswer, { readonly ok: false }>;

function failure(error: unknown): Failure {
  const fail = (errorType: ErrorType, message: string): Failure => ({
    ok: false,
    errorType,
    message,
  });
  if (error instanceof QueryError) return fail(error.code, error.message);
  if (error instanceof ApiError) return fail(error.errorType, error.message);
  if (error instanceof MatcherError) return fail('bad_data', error.message);
  // Out of memory for one array, or of stack: the request's size.
  if (error instanceof RangeError) return fail('execution', `query is too large: ${error.message}`);
  return fail('internal', error instanceof Error ? error.message : String(error));
}

/** Runs what depends on the text of the parameter `query`; its mistakes are named as the parameter's. */
function withQuery(answer: () => QueryAnswer): QueryAnswer {
  const answered = (): QueryAnswer => {
    try {
      return answer();
    } catch (error) {
      return failure(error);
    }
  };
  const failed = answered();
  if (failed.ok || failed.errorType !== 'bad_data') return failed;
  return { ...failed, message: `invalid parameter ${quote('query')}: ${failed.message}` };
}

/**
 * Answers one job. Never throws.
 * @param queueSeconds how long the job waited before
 */
export function answerJob(
  job: QueryJob,
  backend: JobBackend,
  control: QueryControl,
  queueSeconds: number,
): QueryAnswer {
  try {
    switch (job.kind) {
      case 'instant':
      case 'range':
        return withQuery(() => answerQuery(job, backend, control, queueSeconds));
      case 'explain':
        return withQuery(() => answerExplain(job, backend, control));
      case 'format':
        return withQuery(() => success(backend.format(job.query)));
      case 'parse':
        return withQuery(() => success(backend.syntax(job.query)));
      case 'selector':
        return success(backend.parseSelector(job.selector));
      case 'selectors':
        return success(backend.selectorsOf(job.query));
      case 'federate':
        return answerFederate(job, backend, control);
      case 'console':
        return answerConsole(job, backend, control);
      case 'tsdb':
        return success(backend.tsdbStatus(job.limit));
      default:
        return answerLookup(job, backend, control);
    }
  } catch (error) {
    return failure(error);
  }
}
