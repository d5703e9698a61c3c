// SPDX-License-Identifier: Apache-2.0
// Checks an expression while it is typed with the server's parser: the same words, the same place.

import type { Diagnostic } from '@codemirror/lint';
import { allSyntaxFeatures, ParseError, parseExpression } from '../../../src/promql/index.ts';

/** What is wrong with `query`: at most one thing, as the parser stops at the first. */
export function diagnose(query: string): Diagnostic[] {
  if (query.trim() === '') return [];
  try {
    parseExpression(query, allSyntaxFeatures);
    return [];
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { start, end } = error.position;
    const from = Math.min(start, query.length);
    const to = Math.min(Math.max(end, from), query.length);
    return [{ from, to, severity: 'error', message: error.reason }];
  }
}
