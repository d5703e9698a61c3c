// SPDX-License-Identifier: Apache-2.0
// Runs the query of a panel and keeps its answer.

import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type ApiClient, type ApiParameters, failureOf } from '../../shared/api/client.ts';
import { type DecodedAnswer, decodeAnswer } from '../../shared/api/decode-result.ts';
import { useApiClient } from '../../shared/api/use-api.ts';
import type { QueryRange } from './range.ts';

export interface QueryAnswer extends DecodedAnswer {
  /** From request to decoded answer, as its reader waited. */
  readonly tookMs: number;
  readonly sizeBytes: number;
  /** What was asked, which a chart needs while the next answer is on its way. */
  readonly range: QueryRange | undefined;
}

/** Answers are big: one that no panel shows is soon dropped. */
const KEPT_MS = 20_000;

async function ask(
  client: ApiClient,
  path: string,
  parameters: ApiParameters,
  range: QueryRange | undefined,
  signal: AbortSignal,
): Promise<QueryAnswer> {
  const started = performance.now();
  const response = await client.send(path, { method: 'POST', parameters, signal });
  const text = await client.text(response);
  if (!response.ok) throw failureOf(response, text);
  const answer = decodeAnswer(text);
  return { ...answer, tookMs: performance.now() - started, sizeBytes: text.length, range };
}

const seconds = (ms: number): string => String(ms / 1000);

/** The value of `expr` at one time. Nothing is asked for an empty expression. */
export function useInstantQuery(
  expr: string,
  timeMs: number,
  runAtMs: number,
): UseQueryResult<QueryAnswer, Error> {
  const client = useApiClient();
  return useQuery({
    queryKey: ['query', expr, timeMs, runAtMs],
    queryFn: ({ signal }) => {
      const parameters = { query: expr, time: seconds(timeMs), stats: 'true' };
      return ask(client, '/api/v1/query', parameters, undefined, signal);
    },
    enabled: expr !== '',
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
  });
}

/** The values of `expr` over a range. */
export function useRangeQuery(
  expr: string,
  range: QueryRange,
  runAtMs: number,
): UseQueryResult<QueryAnswer, Error> {
  const client = useApiClient();
  return useQuery({
    queryKey: ['query_range', expr, range, runAtMs],
    queryFn: ({ signal }) => {
      const parameters = {
        query: expr,
        start: seconds(range.startMs),
        end: seconds(range.endMs),
        step: seconds(range.stepMs),
        stats: 'true',
      };
      return ask(client, '/api/v1/query_range', parameters, range, signal);
    },
    enabled: expr !== '',
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
  });
}
