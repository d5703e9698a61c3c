// SPDX-License-Identifier: Apache-2.0
// The envelope of every answer of the HTTP API v1.

export type ErrorType =
  | 'bad_data'
  | 'execution'
  | 'canceled'
  | 'timeout'
  | 'internal'
  | 'unavailable'
  | 'not_found'
  | 'not_acceptable';

export interface ApiSuccess<Data> {
  readonly status: 'success';
  readonly data: Data;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export interface ApiFailure {
  readonly status: 'error';
  readonly errorType: ErrorType;
  readonly error: string;
  /** Only where a part of the answer was ready when the error came. */
  readonly data?: unknown;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export type ApiResponse<Data> = ApiSuccess<Data> | ApiFailure;

/** Label name to value. */
export type LabelObject = Readonly<Record<string, string>>;

/** RFC 3339 with fractions of seconds and zone; `0001-01-01T00:00:00Z` where there is none yet. */
export type TimeText = string;
