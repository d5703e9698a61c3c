// SPDX-License-Identifier: Apache-2.0
// One HTTP request of an integration, and what its answer means.

import type { HttpClient, HttpRequest, HttpResponse, SecretSource } from '../../base/index.ts';
import { HttpError } from '../../base/index.ts';
import type { FailureReason, NotifyOutcome } from '../notify/integration.ts';

/** Longest answer that is read. */
const ANSWER_BYTES_MAX = 1 << 20;
/** When no timeout is given: the flush ends it earlier. */
const TIMEOUT_MS = 3_600_000;

export interface SendOptions {
  /** Statuses besides 5xx that are worth another try. */
  readonly retryStatuses?: readonly number[];
  readonly timeoutMs?: number;
  /** Texts that must not show in messages. */
  readonly secrets?: readonly string[];
}

export type Sent =
  | { readonly ok: true; readonly response: HttpResponse }
  | { readonly ok: false; readonly outcome: NotifyOutcome };

/** Reads a secret given in place or in a file. @throws FileError */
export type ReadSecret = (source: SecretSource) => string;

const hide = (text: string, secrets: readonly string[]): string =>
  secrets.reduce(
    (shown, secret) => (secret === '' ? shown : shown.replaceAll(secret, '<redacted>')),
    text,
  );

export function reasonOf(status: number): FailureReason {
  if (status === 401 || status === 403) return 'authError';
  if (status === 429) return 'rateLimited';
  if (status >= 400 && status < 500) return 'clientError';
  return status >= 500 ? 'serverError' : 'other';
}

const failure = (retry: boolean, reason: FailureReason, message: string): Sent => ({
  ok: false,
  outcome: { ok: false, retry, reason, message },
});

const decoder = new TextDecoder();

/** Sends `request`; every answer that is not 2xx, and every failure, becomes an outcome. */
export async function send(
  client: HttpClient,
  request: Pick<HttpRequest, 'method' | 'url' | 'headers'> & { readonly body?: string },
  signal: AbortSignal,
  { retryStatuses = [], timeoutMs = 0, secrets = [] }: SendOptions = {},
): Promise<Sent> {
  let response: HttpResponse;
  try {
    response = await client.request({
      ...request,
      timeoutMs: timeoutMs > 0 ? timeoutMs : TIMEOUT_MS,
      signal,
      bodyLimitBytes: ANSWER_BYTES_MAX,
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const reason: FailureReason =
      error.code === 'timeout'
        ? 'contextDeadlineExceeded'
        : error.code === 'canceled'
          ? 'contextCanceled'
          : 'other';
    return failure(true, reason, hide(error.message, secrets));
  }
  const { status } = response;
  if (status >= 200 && status < 300) return { ok: true, response };
  const retry = status >= 500 || retryStatuses.includes(status);
  const text = decoder.decode(response.body).trim();
  const details = text === '' ? '' : `: ${text}`;
  const message = hide(`unexpected status code ${status}${details}`, secrets);
  return failure(retry, reasonOf(status), message);
}
