// SPDX-License-Identifier: Apache-2.0
// Everything that reads series: parameters are checked here, the work is done in a query worker, which
// returns the encoded envelope.

import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { isValidLabelName, quote, unescapeName } from '../model/index.ts';
import { ApiError, encodedAnswer, failureAnswer, invalidParameter } from './answers.ts';
import type { EngineMetrics } from './engine-metrics.ts';
import {
  limitParameter,
  MAX_TIME_MS,
  MIN_TIME_MS,
  POINTS_MAX,
  parameter,
  parseDuration,
  parseTime,
  timeParameter,
} from './parameters.ts';
import type { QueryClient, QueryJob } from './query-job.ts';
import type { ApiServices } from './services.ts';

/** Entries of each list of /status/tsdb unless `limit` says otherwise, and at most. */
const TSDB_STATUS_LIMIT = 10;
const TSDB_STATUS_LIMIT_MAX = 10_000;

type PlainQueryJob = Extract<QueryJob, { readonly kind: 'instant' | 'range' }>;

export class QueryRoutes {
  private readonly services: ApiServices;
  private readonly metrics: EngineMetrics;

  constructor(services: ApiServices, metrics: EngineMetrics) {
    this.services = services;
    this.metrics = metrics;
  }

  instant(request: ServerRequest): Promise<ServerResponse> {
    const job = this.instantJob(request.params);
    return this.answer(request, this.timeout(request.params), job);
  }

  range(request: ServerRequest): Promise<ServerResponse> {
    const job = rangeJob(request.params);
    return this.answer(request, this.timeout(request.params), job);
  }

  /** The plan of a range query (with `step`) or an instant one; `analyze=true` runs it, too. */
  explain(request: ServerRequest): Promise<ServerResponse> {
    const { params } = request;
    const job = params.has('step') ? rangeJob(params) : this.instantJob(params);
    const analyze = params.get('analyze') === 'true';
    return this.answer(request, this.timeout(params), { kind: 'explain', request: job, analyze });
  }

  private instantJob(params: URLSearchParams): PlainQueryJob {
    const limit = limitParameter(params);
    const timeMs = timeParameter(params, 'time', this.services.clock.now());
    const lookbackDeltaMs = lookbackDelta(params);
    const [query, stats] = [params.get('query') ?? '', params.get('stats') ?? ''];
    return { kind: 'instant', query, timeMs, limit, lookbackDeltaMs, stats };
  }

  labels(request: ServerRequest): Promise<ServerResponse> {
    return this.lookup(request, { kind: 'labels', ...lookupOf(request.params) });
  }

  labelValues(request: ServerRequest, escapedName: string): Promise<ServerResponse> {
    const name = unescapeName(escapedName);
    if (!isValidLabelName(name, 'utf8')) {
      throw new ApiError('bad_data', `invalid label name: ${quote(name)}`);
    }
    return this.lookup(request, { kind: 'labelValues', name, ...lookupOf(request.params) });
  }

  series(request: ServerRequest): Promise<ServerResponse> {
    if (!request.params.has('match[]')) {
      throw new ApiError('bad_data', 'no match[] parameter provided');
    }
    return this.lookup(request, { kind: 'series', ...lookupOf(request.params) });
  }

  tsdbStatus(request: ServerRequest): Promise<ServerResponse> {
    const text = request.params.get('limit') ?? '';
    const limit = text === '' ? TSDB_STATUS_LIMIT : Number(text);
    if (!/^[+-]?\d*$/.test(text) || !Number.isSafeInteger(limit) || limit < 1) {
      throw new ApiError('bad_data', 'limit must be a positive number');
    }
    if (limit > TSDB_STATUS_LIMIT_MAX) {
      throw new ApiError('bad_data', `limit must not exceed ${TSDB_STATUS_LIMIT_MAX}`);
    }
    return this.lookup(request, { kind: 'tsdb', limit });
  }

  format(request: ServerRequest): Promise<ServerResponse> {
    return this.lookup(request, { kind: 'format', query: request.params.get('query') ?? '' });
  }

  parse(request: ServerRequest): Promise<ServerResponse> {
    return this.lookup(request, { kind: 'parse', query: request.params.get('query') ?? '' });
  }

  private lookup(request: ServerRequest, job: QueryJob): Promise<ServerResponse> {
    return this.answer(request, this.services.queryTimeoutMs, job);
  }

  private async answer(
    request: ServerRequest,
    timeoutMs: number,
    job: QueryJob,
  ): Promise<ServerResponse> {
    const isQuery = job.kind === 'instant' || job.kind === 'range';
    if (isQuery) this.metrics.queryStarted();
    try {
      const { signal } = request;
      const client = clientOf(request, this.services.routePrefix);
      const answer = await this.services.workers.run(job, { timeoutMs, signal, client });
      if (answer.measures !== undefined) this.metrics.observe(answer.measures, job.kind);
      return answer.ok
        ? encodedAnswer(answer.body)
        : failureAnswer(answer.errorType, answer.message);
    } finally {
      if (isQuery) this.metrics.queryFinished();
    }
  }

  /** The shorter of the server's timeout and the request's. */
  private timeout(params: URLSearchParams): number {
    const text = params.get('timeout') ?? '';
    if (text === '') return this.services.queryTimeoutMs;
    const timeoutMs = parameter('timeout', () => parseDuration(text));
    return Math.max(0, Math.min(timeoutMs, this.services.queryTimeoutMs));
  }
}

/** An IPv4 client on a socket for both families is shown as it is known elsewhere. */
function clientOf({ remoteAddress, method, path }: ServerRequest, prefix: string): QueryClient {
  return { address: remoteAddress.replace(/^::ffff:/i, ''), method, path: prefix + path };
}

function rangeJob(params: URLSearchParams): PlainQueryJob {
  const limit = limitParameter(params);
  const startMs = parameter('start', () => parseTime(params.get('start') ?? ''));
  const endMs = parameter('end', () => parseTime(params.get('end') ?? ''));
  if (endMs < startMs) throw invalidParameter('end', 'end timestamp must not be before start time');
  const exactStepMs = parameter('step', () => parseDuration(params.get('step') ?? ''));
  if (exactStepMs <= 0) {
    const why =
      'zero or negative query resolution step widths are not accepted. Try a positive integer';
    throw invalidParameter('step', why);
  }
  if (Math.floor((endMs - startMs) / exactStepMs) > POINTS_MAX) {
    const why =
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)';
    throw new ApiError('bad_data', why);
  }
  const lookbackDeltaMs = lookbackDelta(params);
  const [query, stats] = [params.get('query') ?? '', params.get('stats') ?? ''];
  const stepMs = Math.max(1, Math.trunc(exactStepMs));
  return { kind: 'range', query, startMs, endMs, stepMs, limit, lookbackDeltaMs, stats };
}

function lookbackDelta(params: URLSearchParams): number {
  const text = params.get('lookback_delta') ?? '';
  if (text === '') return 0;
  try {
    return Math.trunc(parseDuration(text));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const why = `error parsing lookback delta duration: ${error.message}`;
    throw new ApiError('bad_data', why);
  }
}

function lookupOf(params: URLSearchParams) {
  const limit = limitParameter(params);
  const startMs = timeParameter(params, 'start', MIN_TIME_MS);
  const endMs = timeParameter(params, 'end', MAX_TIME_MS);
  return { selectors: params.getAll('match[]'), startMs, endMs, limit };
}
