// SPDX-License-Identifier: Apache-2.0
// Queries with something taken out, doubled, swapped or put in: same verdict and message as the real
// parser's. HEARTH_FUZZ_SEED chooses them.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Prng, seededPrng } from '../../src/base/index.ts';
import { formatExpression, parseExpression, QueryError } from '../../src/promql/index.ts';
import { type EmptyPrometheus, prometheus, startEmptyPrometheus } from './empty-prometheus.ts';
import { alike } from './syntax-queries.ts';

const seed = Number(process.env.HEARTH_FUZZ_SEED ?? 1);
const rounds = Number(process.env.HEARTH_FUZZ_ROUNDS ?? 1500);
const DIFFERENCES_MAX = 8;

const pieces =
  /\s+|[a-zA-Z_:][\w:]*|[0-9][\w.]*|"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`|[=!]~|[=!<>]=|[^\s]/gu;
const inserts = (
  '( ) { } [ ] , : = == != =~ !~ < > <= >= + - * / % ^ @ offset and or unless atan2 bool on ignoring by ' +
  'without group_left group_right sum topk count_values rate foo "s" 5m 1 1.5 start end # $ !'
).split(' ');

function mutated(prng: Prng): string {
  const pick = <Item>(items: readonly Item[]): Item => items[prng.below(items.length)]!;
  const tokens = [...(pick(alike).match(pieces) ?? [])];
  for (let n = 1 + prng.below(2); n > 0 && tokens.length > 0; n--) {
    const at = prng.below(tokens.length);
    const other = prng.below(tokens.length);
    switch (prng.below(4)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, tokens[other]!);
        break;
      case 2:
        tokens.splice(at, 1, tokens[other]!);
        break;
      default:
        tokens.splice(at, 0, pick(inserts), ' ');
    }
  }
  return tokens.join('');
}

/**
 * Where 3.x has another grammar: numbers as durations and the other way round, arithmetic in brackets,
 * quoted names, UTF-8 names in lists, start() and end() everywhere, trimming, words that are keywords now,
 * stricter numbers, which are printed without exponents.
 */
function changed(query: string, real: string): boolean {
  return (
    /\de\+\d\d/.test(real) ||
    /(start|end)\s*\(/i.test(query.replace(/@\s*(start|end)/gi, '')) ||
    /duration|offset, expected|grouping opts|label matching|missing unit|colon/.test(real) ||
    /number or duration|error parsing (number|regexp)|bad number/.test(real) ||
    /(^|[^\w:])\d+(\.\d*)?(ms|[smhdwy])/.test(query.replace(/\[[^\]]*\]|offset\s*-?\s*\w+/g, '')) ||
    /[<>]\s*\/|\/\s*[<>]|fill|smoothed|anchored|step|range|limit/.test(query) ||
    /\[[^\]]*[^\w:\]]|\[\d+\]|e\d\d|@ *\d+[smhdwy]|offset *[-+]? *\d+($|[^\d\w])/.test(query) ||
    /\d_|_\d|\d\.\.|\.\d+\.|\d[eE]|0x/.test(query)
  );
}

describe.skipIf(prometheus === undefined)('mutated queries', () => {
  let peer: EmptyPrometheus;
  let url = '';

  beforeAll(async () => {
    peer = await startEmptyPrometheus();
    url = peer.url;
  });

  afterAll(async () => {
    await peer.close();
  });

  function ours(query: string): string {
    try {
      return formatExpression(parseExpression(query));
    } catch (error) {
      if (error instanceof QueryError) return error.message;
      throw error;
    }
  }

  async function theirs(query: string): Promise<string> {
    const response = await fetch(`${url}/api/v1/format_query`, {
      method: 'POST',
      body: new URLSearchParams({ query }),
    });
    const answer = (await response.json()) as { data?: string; error?: string };
    const error = (answer.error ?? '').replace('invalid parameter "query": ', '');
    // 2.x has no name for @.
    return answer.data ?? error.replace(/"<Item \d+>" /, '');
  }

  test('are judged alike', async () => {
    const prng = seededPrng(seed);
    const differences: string[] = [];
    let skipped = 0;
    for (let i = 0; i < rounds && differences.length < DIFFERENCES_MAX; i++) {
      const query = mutated(prng);
      if (query.trim() === '') continue;
      const mine = ours(query);
      const real = await theirs(query);
      if (mine === real) continue;
      if (changed(query, real)) skipped++;
      else differences.push(JSON.stringify([query, mine, real]));
    }
    process.stdout.write(`mutated: seed ${seed}, ${skipped} differ as 3.x does\n`);
    expect(differences).toEqual([]);
  }, 120_000);
});
