// SPDX-License-Identifier: Apache-2.0
// Answers of API v2: JSON; errors of handlers are JSON strings, those of the schema carry a code.

import type { ServerResponse } from '../../base/index.ts';

const headers: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
};

export const jsonAnswer = (value: unknown, status = 200): ServerResponse => ({
  status,
  headers,
  body: `${JSON.stringify(value)}\n`,
});

export const emptyAnswer = (status: number): ServerResponse => ({ status, headers, body: '' });

/** A request that cannot be answered: `body` is sent as JSON. */
export class RequestError extends Error {
  override name = 'RequestError';
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    super(typeof body === 'string' ? body : JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** The codes of go-openapi's validation, which clients see. */
export const ValidationCode = { type: 601, required: 602, minItems: 612, pattern: 605 } as const;

/** A value that does not fit the schema. */
export const validationError = (code: number, message: string): RequestError =>
  new RequestError(422, { code, message });

/** Bytes that are no JSON. */
export const bodyError = (name: string, why: string): RequestError =>
  new RequestError(400, {
    code: 400,
    message: `parsing ${name} body from "" failed, because ${why}`,
  });

/** Milliseconds in RFC 3339 with three decimals; Go's zero time for what has no end. */
export const timeText = (ms: number): string =>
  ms < -62_000_000_000_000 ? '0001-01-01T00:00:00.000Z' : new Date(ms).toISOString();
