// SPDX-License-Identifier: Apache-2.0

import type { QueryStatistics } from '../result/result.ts';

/** The words of the HTTP API for what went wrong with a query. */
export type QueryErrorCode = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'internal';

/** A query that has no answer. `code` is API; the message is what upstream says in that case. */
export class QueryError extends Error {
  override name = 'QueryError';
  readonly code: QueryErrorCode;
  /** What the query had taken when it failed; undefined when it was not begun. */
  stats: QueryStatistics | undefined;
  constructor(code: QueryErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
