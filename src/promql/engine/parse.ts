// SPDX-License-Identifier: Apache-2.0

import type { Expression } from '../ast/nodes.ts';
import type { EngineFeatures } from '../operators/context.ts';
import { QueryError } from './errors.ts';

/** The syntax tree of a query; parse errors become `bad_data` with the parser's text. */
export function parseQuery(query: string, _features: EngineFeatures): Expression {
  throw new QueryError('internal', `the parser is not connected yet: ${query}`);
}
