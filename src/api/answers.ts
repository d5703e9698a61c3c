// SPDX-License-Identifier: Apache-2.0
// Envelopes and errors of the API v1: one table from error types to HTTP statuses.

import type { ApiFailure, ErrorType } from '../apitypes/index.ts';
import type { ServerResponse } from '../base/index.ts';
import { quote } from '../model/index.ts';

/** Status of each error type. 499 is what proxies log for "the client closed the request". */
export const statusOfError: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  unavailable: 500,
  not_found: 404,
  not_acceptable: 406,
};

/** An answer that is an error; caught by the router and sent in the envelope. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly errorType: ErrorType;
  constructor(errorType: ErrorType, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

/** `invalid parameter "time": …`, as upstream words it. */
export function invalidParameter(name: string, cause: string): ApiError {
  return new ApiError('bad_data', `invalid parameter ${quote(name)}: ${cause}`);
}

const jsonHeaders = { 'content-type': 'application/json' };

/** 200 with an envelope that is already encoded. */
export function encodedAnswer(body: Uint8Array): ServerResponse {
  return { status: 200, headers: jsonHeaders, body };
}

export function successAnswer(data: unknown, warnings: readonly string[] = []): ServerResponse {
  const envelope = warnings.length === 0 ? {} : { warnings };
  const body = JSON.stringify({ status: 'success', data, ...envelope });
  return { status: 200, headers: jsonHeaders, body };
}

export function failureAnswer(errorType: ErrorType, error: string): ServerResponse {
  const envelope: ApiFailure = { status: 'error', errorType, error };
  return { status: statusOfError[errorType], headers: jsonHeaders, body: JSON.stringify(envelope) };
}

export function textAnswer(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): ServerResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

export function redirect(location: string): ServerResponse {
  return { status: 302, headers: { location }, body: '' };
}
