// SPDX-License-Identifier: Apache-2.0
// Requests to Alertmanager: plain JSON, errors as JSON texts or with a code.

import {
  keepPreviousData,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import type { PostedSilence } from '../../src/apitypes/index.ts';
import { ApiError } from '../shared/api/client.ts';
import { useApiClient } from '../shared/api/use-api.ts';

/** What an answer that is no success says: a JSON text, `{code, message}`, a line, or nothing. */
export function failureText(status: number, text: string): string {
  const line = text.startsWith('<') ? '' : (text.trim().split('\n', 1)[0] ?? '');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'string') return value;
    const { message } = (value ?? {}) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // No JSON: a proxy's line.
  }
  if (line === '') return status === 404 ? 'There is no such thing (404).' : `Answered ${status}.`;
  return `${status}: ${line.slice(0, 300)}`;
}

interface Sent {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** @throws ApiError */
async function ask<Data>(url: string, { method = 'GET', body, signal }: Sent): Promise<Data> {
  const init: RequestInit = { method, cache: 'no-store' };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('network', 0, 'Alertmanager cannot be reached.');
  }
  if (!response.ok) throw new ApiError('http', response.status, failureText(response.status, text));
  if (text === '') return undefined as Data;
  try {
    return JSON.parse(text) as Data;
  } catch {
    throw new ApiError('http', response.status, 'The answer is no JSON: is this Alertmanager?');
  }
}

export type Parameters = readonly (readonly [name: string, value: string])[];

export interface AskOptions {
  readonly refreshMs?: number;
  readonly enabled?: boolean;
  /** Sent as JSON by POST: for questions that change nothing. */
  readonly body?: unknown;
}

/** The answer of `path` below `/api`. Old data stay on the page while new ones are asked for. */
export function useAnswer<Data>(
  path: string,
  parameters: Parameters = [],
  { refreshMs, enabled = true, body }: AskOptions = {},
): UseQueryResult<Data, Error> {
  const { prefix } = useApiClient();
  const query = new URLSearchParams(parameters.map(([name, value]) => [name, value])).toString();
  const url = `${prefix}/api${path}${query === '' ? '' : `?${query}`}`;
  return useQuery({
    queryKey: [url, body],
    queryFn: ({ signal }) =>
      ask<Data>(url, body === undefined ? { signal } : { signal, body, method: 'POST' }),
    enabled,
    refetchInterval: refreshMs ?? false,
    placeholderData: keepPreviousData,
  });
}

/** Makes or changes a silence. The data is its id. */
export function useSaveSilence(): UseMutationResult<string, Error, PostedSilence> {
  const { prefix } = useApiClient();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (silence: PostedSilence) => {
      const url = `${prefix}/api/v2/silences`;
      const answer = await ask<{ silenceID: string }>(url, { method: 'POST', body: silence });
      return answer.silenceID;
    },
    onSuccess: () => queries.invalidateQueries(),
  });
}

export function useExpireSilence(): UseMutationResult<void, Error, string> {
  const { prefix } = useApiClient();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask<void>(`${prefix}/api/v2/silence/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    onSuccess: () => queries.invalidateQueries(),
  });
}
