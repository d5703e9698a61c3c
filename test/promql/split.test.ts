// SPDX-License-Identifier: Apache-2.0
// A query that several threads compute has the very same answer as one that a single thread does: values,
// order, annotations and counts, or the same error.
//
// HEARTH_SPLIT_SEEDS: how many seeds, from 1 on.

import { describe, expect, test } from 'vitest';
import { seededPrng } from '../../src/base/index.ts';
import { FloatRows } from '../../src/kernels/index.ts';
import { labelsFrom } from '../../src/model/index.ts';
import { Engine, encodeResponse, QueryError, type QueryResult } from '../../src/promql/index.ts';
import { MemoryStorage, type Queryable } from '../../src/storage/index.ts';
import {
  DATA_MINUTES,
  DATA_START_MS,
  fuzzSeries,
  headReaders,
  memoryOf,
} from '../differential/fuzz-data.ts';
import { QueryWriter } from '../differential/fuzz-queries.ts';
import { forcedSplit, shareable } from './forced-split.ts';

const SEEDS = Number(process.env.HEARTH_SPLIT_SEEDS ?? 4);
const QUERIES = 250;
const features = { experimentalFunctions: true };
const control = { checkpoint: (): void => undefined };

interface Question {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0 = an instant query. */
  readonly stepMs: number;
}

function answer(engine: Engine, storage: Queryable, question: Question): string {
  const { query, startMs, endMs, stepMs } = question;
  let result: QueryResult;
  try {
    result =
      stepMs === 0
        ? engine.instant(storage, { query, timeMs: startMs }, control)
        : engine.range(storage, { query, startMs, endMs, stepMs }, control);
  } catch (error) {
    if (error instanceof QueryError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return new TextDecoder().decode(encodeResponse(result, { stats: true }));
}

/** An engine that splits, and one that does not, with the limit of samples given. */
function engines(others: readonly Queryable[], maxSamples: number) {
  const options = { lookbackDeltaMs: 300_000, maxSamples, defaultStepMs: 60_000, features };
  const { fanOut, computed } = forcedSplit(others, features, maxSamples);
  const split = new Engine({ ...options, fanOut });
  return { plain: new Engine(options), split, fanOut, computed };
}

describe('split among three, a query', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`answers as one thread does, seed ${seed}`, () => {
      const prng = seededPrng(seed);
      const series = fuzzSeries(prng);
      const readers = headReaders(series, 3);
      const memory = shareable(memoryOf(series));
      const storages = [
        { storage: memory, others: [memory, memory] },
        { storage: readers[0]!, others: readers.slice(1) },
      ];
      let helped = 0;
      for (const { storage, others } of storages) {
        // Few enough that some fail for it.
        const limits = [5e7, 2000].map((limit) => engines(others, limit));
        for (let i = 0; i < QUERIES; i++) {
          const query = new QueryWriter(prng).query();
          const startMs = DATA_START_MS + prng.below(DATA_MINUTES * 60) * 1000 + 122;
          const stepMs = prng.below(2) === 0 ? 0 : 2 * (2500 + prng.below(60_000));
          const question = { query, startMs, endMs: startMs + stepMs * prng.below(40), stepMs };
          for (const { plain, split } of limits) {
            const expected = answer(plain, storage, question);
            expect(answer(split, storage, question), query).toBe(expected);
          }
        }
        helped += limits.reduce((sum, { computed }) => sum + computed(), 0);
      }
      expect(helped).toBeGreaterThan(QUERIES);
    });
  }
});

test('annotations of all threads are told, in the order of the rows', () => {
  const storage = new MemoryStorage();
  for (let i = 0; i < 24; i++) {
    for (let k = 0; k < 10; k++) {
      storage.add(labelsFrom({ __name__: `gauge_${i % 6}`, i: `${i}` }), k * 10_000, k);
    }
  }
  const memory = shareable(storage);
  const { plain, split, computed } = engines([memory, memory], 1e6);
  const query = 'sum(rate({__name__=~"gauge_.*"}[1m]))';
  const question = { query, startMs: 60_000, endMs: 90_000, stepMs: 10_000 };
  const expected = answer(plain, memory, question);
  expect(JSON.parse(expected).infos).toHaveLength(6);
  expect(answer(split, memory, question)).toBe(expected);
  expect(computed()).toBeGreaterThan(0);
});

test('a big answer is the same text, whoever writes its rows', () => {
  const prng = seededPrng(5);
  const storage = new MemoryStorage();
  const special = [0, -0, 1e21, 1e-7, 5e-324, Number.NaN, 1 / 0, -1 / 0];
  // Storage order is not the order of the labels.
  for (let i = 0; i < 60; i++) {
    const labels = labelsFrom({ __name__: 'm', i: `${(i * 37) % 60}` });
    for (let k = 0; k < 500; k++) {
      const value = prng.below(9) === 0 ? special[prng.below(8)]! : prng.next() * 1e6;
      if (i !== 7 && prng.below(20) > 0) storage.add(labels, k * 1000, value);
    }
  }
  const memory = shareable(storage);
  const { split, fanOut, computed } = engines([memory, memory], 1e6);
  const rows = new FloatRows();
  const floatRows = (): FloatRows => rows;
  for (const query of ['m', 'm > 1e5', 'sort_desc(m)', 'm{i=~"1.*"} or -m']) {
    const request = { query, startMs: 0, endMs: 499_000, stepMs: 1000, lookbackDeltaMs: 1000 };
    const result = split.range(memory, request, control);
    const before = computed();
    const together = encodeResponse(result, { stats: true, floatRows, fanOut });
    expect(computed()).toBeGreaterThan(before);
    expect(new TextDecoder().decode(together)).toBe(
      new TextDecoder().decode(encodeResponse(result, { stats: true })),
    );
  }
  // Few points are not worth it.
  const few = split.range(memory, { query: 'm', startMs: 0, endMs: 9000, stepMs: 1000 }, control);
  const before = computed();
  encodeResponse(few, { stats: true, floatRows, fanOut });
  expect(computed()).toBe(before);
});
