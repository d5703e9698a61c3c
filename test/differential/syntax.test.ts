// SPDX-License-Identifier: Apache-2.0
// The parser and the formatter against the real Prometheus: same verdict, same text.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatExpression, parseExpression, QueryError } from '../../src/promql/index.ts';
import { type EmptyPrometheus, prometheus, startEmptyPrometheus } from './empty-prometheus.ts';
import { alike, newer } from './syntax-queries.ts';

/** The formatted query, or the error. */
function ours(query: string): string {
  try {
    return formatExpression(parseExpression(query));
  } catch (error) {
    if (error instanceof QueryError) return error.message;
    throw error;
  }
}

describe.skipIf(prometheus === undefined)('the real parser', () => {
  let peer: EmptyPrometheus;
  let url = '';

  beforeAll(async () => {
    peer = await startEmptyPrometheus();
    url = peer.url;
  });

  afterAll(async () => {
    await peer.close();
  });

  async function theirs(query: string): Promise<string> {
    const response = await fetch(`${url}/api/v1/format_query`, {
      method: 'POST',
      body: new URLSearchParams({ query }),
    });
    const answer = (await response.json()) as { data?: string; error?: string };
    return answer.data ?? (answer.error ?? '').replace('invalid parameter "query": ', '');
  }

  test('says the same about every query', async () => {
    const differences: string[] = [];
    for (const query of alike) {
      const [mine, real] = [ours(query), await theirs(query)];
      if (mine !== real) differences.push(JSON.stringify([query, mine, real]));
    }
    expect(differences).toEqual([]);
  });

  test('and something else where 3.x does', async () => {
    const wrong: string[] = [];
    for (const [query, text] of newer) {
      const [mine, real] = [ours(query), await theirs(query)];
      if (mine !== text || mine === real) wrong.push(JSON.stringify([query, mine, real]));
    }
    expect(wrong).toEqual([]);
  });
});
