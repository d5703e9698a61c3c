// SPDX-License-Identifier: Apache-2.0
// Random queries over random data: our engine's answer against the real Prometheus's.
//
// HEARTH_FUZZ_SEED chooses data and queries, HEARTH_FUZZ_SECONDS how long it goes on.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededPrng } from '../../src/base/index.ts';
import { Engine, encodeResponse, QueryError, type QueryResult } from '../../src/promql/index.ts';
import type { Queryable } from '../../src/storage/index.ts';
import { type EmptyPrometheus, prometheus, startEmptyPrometheus } from './empty-prometheus.ts';
import { type Answer, differenceOf } from './answers.ts';
import {
  DATA_MINUTES,
  DATA_START_MS,
  fuzzSeries,
  headOf,
  memoryOf,
  writeRequests,
} from './fuzz-data.ts';
import { partsOf, QueryWriter } from './fuzz-queries.ts';
import { isKnown } from './known-differences.ts';

const seed = Number(process.env.HEARTH_FUZZ_SEED ?? 1);
const seconds = Number(process.env.HEARTH_FUZZ_SECONDS ?? 20);
const DIFFERENCES_MAX = 5;

/** One question: at `startMs`, or over the range. */
interface Question {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0 = an instant query. */
  readonly stepMs: number;
  /** Which of ours answers. */
  readonly storage: Queryable;
}

describe.skipIf(prometheus === undefined)('random queries', () => {
  let peer: EmptyPrometheus;
  let url = '';
  let storages: readonly Queryable[] = [];
  const prng = seededPrng(seed);
  const engine = new Engine({ lookbackDeltaMs: 300_000, maxSamples: 5e7, defaultStepMs: 60_000 });

  beforeAll(async () => {
    peer = await startEmptyPrometheus([
      '--storage.tsdb.retention.time=100y',
      '--web.enable-remote-write-receiver',
      '--enable-feature=promql-negative-offset',
    ]);
    url = peer.url;
    const series = fuzzSeries(prng);
    storages = [memoryOf(series), headOf(series)];
    for (const body of writeRequests(series)) {
      const response = await fetch(`${url}/api/v1/write`, {
        method: 'POST',
        body: Buffer.from(body),
        headers: { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' },
      });
      if (!response.ok) throw new Error(`remote write: ${await response.text()}`);
    }
  }, 60_000);

  afterAll(async () => {
    await peer.close();
  });

  async function theirs({ query, startMs, endMs, stepMs }: Question): Promise<Answer> {
    const times =
      stepMs === 0
        ? { time: String(startMs / 1000) }
        : {
            start: String(startMs / 1000),
            end: String(endMs / 1000),
            step: `${stepMs}ms`,
          };
    const response = await fetch(`${url}/api/v1/${stepMs === 0 ? 'query' : 'query_range'}`, {
      method: 'POST',
      body: new URLSearchParams({ query, ...times }),
    });
    return (await response.json()) as Answer;
  }

  function ours({ query, startMs, endMs, stepMs, storage }: Question): Answer {
    const control = { checkpoint: (): void => undefined };
    let result: QueryResult;
    try {
      result =
        stepMs === 0
          ? engine.instant(storage, { query, timeMs: startMs }, control)
          : engine.range(storage, { query, startMs, endMs, stepMs }, control);
    } catch (error) {
      if (error instanceof QueryError) return { status: 'error', error: error.message };
      throw error;
    }
    return JSON.parse(new TextDecoder().decode(encodeResponse(result, { stats: false }))) as Answer;
  }

  async function compare(question: Question): Promise<string | undefined> {
    return differenceOf(ours(question), await theirs(question));
  }

  function question(): Question {
    const query = new QueryWriter(prng).query();
    const storage = storages[prng.below(storages.length)]!;
    // Even, as steps and ranges are: samples are at odd times.
    const startMs = DATA_START_MS + prng.below(DATA_MINUTES * 60) * 1000 + 122;
    if (prng.below(2) === 0) {
      return { query, storage, startMs, endMs: startMs, stepMs: 0 };
    }
    const stepMs = 2 * (2500 + prng.below(60_000));
    return { query, storage, startMs, endMs: startMs + stepMs * prng.below(40), stepMs };
  }

  /** The smallest part of the query that differs too, and how. */
  async function shrunk(
    found: Question,
    difference: string,
  ): Promise<{ query: string; difference: string }> {
    for (const query of partsOf(found.query)) {
      const smaller = await compare({ ...found, query });
      if (smaller !== undefined) return { query, difference: smaller };
    }
    return { query: found.query, difference };
  }

  test(
    'are answered alike',
    async () => {
      const differences: string[] = [];
      const end = performance.now() + seconds * 1000;
      let asked = 0;
      let failed = 0;
      let knownOnes = 0;
      while (performance.now() < end && differences.length < DIFFERENCES_MAX) {
        const asking = question();
        const { query, startMs, endMs, stepMs } = asking;
        asked++;
        const difference = await compare(asking);
        if (difference === undefined) continue;
        const smallest = await shrunk(asking, difference);
        if (isKnown(smallest.query, smallest.difference)) {
          knownOnes++;
          continue;
        }
        failed++;
        const grid = stepMs === 0 ? `at ${startMs}` : `from ${startMs} to ${endMs} step ${stepMs}`;
        const shown = `${smallest.query}\n    ${smallest.difference}`;
        differences.push(`${grid}\n    ${shown}\n    of ${query}`);
      }
      const counts = `${failed} differ, ${knownOnes} as is known`;
      process.stdout.write(`fuzz: seed ${seed}, ${asked} queries, ${counts}\n`);
      expect(differences).toEqual([]);
    },
    seconds * 1000 + 60_000,
  );
});
