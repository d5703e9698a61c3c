// SPDX-License-Identifier: Apache-2.0
// Blocks, both ways with the real server: floats and native histograms, several blocks, deletions.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededPrng } from '../../src/base/index.ts';
import { encodeChunks, newChunkSamples } from '../../src/chunks/index.ts';
import type { Labels } from '../../src/model/index.ts';
import { compareText, Histogram, labelsFrom, setStale } from '../../src/model/index.ts';
import { createNodeFileSystem } from '../../src/platform/index.ts';
import { Engine, encodeResponse, parseSelector } from '../../src/promql/index.ts';
import type { Queryable } from '../../src/storage/index.ts';
import { mergeQueriers } from '../../src/storage/index.ts';
import {
  BlockQuerier,
  BlockStore,
  BlockWriter,
  blockRanges,
  newUlid,
  PlainChunkMemory,
} from '../../src/tsdb/index.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';

const prometheus = peerPath('prometheus');
const promtool = peerPath('promtool');
const files = createNodeFileSystem();
const START = 1_700_006_400_000;
const STEP = 15_000;
const RANGE = 7_200_000;
// No step ends where a sample is: the newer rules leave a sample at a window's start out.
const QUERY_START = START - 59_993;
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-blocks-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Made {
  readonly labels: Labels;
  /** Fills sample `i` of the column. */
  readonly sample: (i: number, k: number, out: ReturnType<typeof newChunkSamples>) => void;
}

const counts = (n: number, size: number, scale: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => (1 + n) * (i + 1) * scale);

function histogram(n: number, isFloat: boolean): Histogram {
  // The buckets change now and then, and the counter starts over.
  const since = n % 170;
  const size = n % 97 < 60 ? 5 : 7;
  const positiveBuckets = counts(since, size, isFloat ? 0.5 : 1);
  const negativeBuckets = counts(since, 2, isFloat ? 0.25 : 3);
  const zeroCount = (isFloat ? 0.125 : 2) * since;
  const count = [...positiveBuckets, ...negativeBuckets, zeroCount].reduce((a, b) => a + b, 0);
  return new Histogram({
    schema: 2,
    zeroThreshold: isFloat ? 0.003 : 2 ** -128,
    zeroCount,
    count,
    sum: since * 1.5 - 7,
    positiveSpans: Int32Array.from([-2, 3, 2, size - 3]),
    positiveBuckets,
    negativeSpans: Int32Array.from([1, 2]),
    negativeBuckets,
    isFloat,
  });
}

const series: readonly Made[] = [
  ...[0, 1, 2].map((i) => ({
    labels: labelsFrom({ __name__: 'm', i: String(i), text: 'ä"\n' }),
    sample: (at: number, k: number, out: ReturnType<typeof newChunkSamples>): void => {
      if (k % 211 === 7) setStale(out.valueBits, at);
      else out.values[at] = Math.sqrt(k) * (i + 1);
    },
  })),
  ...[false, true].map((isFloat) => ({
    labels: labelsFrom({ __name__: 'h', kind: isFloat ? 'float' : 'whole' }),
    sample: (at: number, k: number, out: ReturnType<typeof newChunkSamples>): void => {
      const h = histogram(k, isFloat);
      out.setHistogram(at, h);
      out.values[at] = h.sum;
    },
  })),
];

/** Writes the samples of [START + from, START + to). */
function writeBlock(from: number, to: number): void {
  const ulid = newUlid(START + from, seededPrng(from + 1));
  const writer = new BlockWriter({ files, directory, ulid });
  const texts = new Set(['']);
  for (const { labels } of series) for (const { name, value } of labels) texts.add(name).add(value);
  const sorted = [...texts].sort(compareText);
  for (const text of sorted) writer.addSymbol(text);
  const ordered = [...series].sort((a, b) =>
    compareText(JSON.stringify(a.labels), JSON.stringify(b.labels)),
  );
  for (const { labels, sample } of ordered) {
    const n = (to - from) / STEP;
    const samples = newChunkSamples(n);
    for (let i = 0; i < n; i++) {
      samples.times[i] = START + from + i * STEP;
      sample(i, from / STEP + i, samples);
    }
    encodeChunks(samples, n, (encoding, bytes, first, last) =>
      writer.addChunk(
        encoding,
        bytes,
        0,
        bytes.length,
        samples.times[first]!,
        samples.times[last - 1]!,
        last - first,
      ),
    );
    const pairs = labels.flatMap(({ name, value }) => [
      sorted.indexOf(name),
      sorted.indexOf(value),
    ]);
    writer.endSeries(Uint32Array.from(pairs), labels.length);
  }
  writer.finish({
    minTime: START + from,
    maxTime: START + to,
    compaction: {
      level: 1,
      sources: [ulid],
      parents: [],
      deletable: false,
      failed: false,
      hints: [],
    },
  });
}

const newStore = (): BlockStore =>
  new BlockStore({
    files,
    directory,
    nowMs: () => START,
    prng: seededPrng(77),
    ranges: blockRanges(RANGE, 31 * 12 * RANGE),
  });

/** Removes what was replaced. */
function settle(store: BlockStore): void {
  store.remove(store.reload().superseded);
  store.reload();
}

interface Answer {
  readonly data: { readonly result: readonly { readonly metric: object }[] };
}

const control = { checkpoint: () => undefined };

/** Over the range, or at one time. */
function ourAnswer(store: BlockStore, query: string, timeMs?: number): unknown {
  const memory = new PlainChunkMemory();
  const queryable: Queryable = {
    querier: () => mergeQueriers(store.blocks.map((block) => new BlockQuerier(block, memory))),
  };
  const engine = new Engine({
    lookbackDeltaMs: 300_000,
    maxSamples: 50_000_000,
    defaultStepMs: 60_000,
    clock: { monotonicMs: () => 0 },
  });
  const common = { query, limit: 0, lookbackDeltaMs: 300_000 };
  const range = { startMs: QUERY_START, endMs: START + 3 * RANGE, stepMs: 67_000 };
  const result =
    timeMs === undefined
      ? engine.range(queryable, { ...common, ...range }, control)
      : engine.instant(queryable, { ...common, timeMs }, control);
  return sortedResult(
    JSON.parse(new TextDecoder().decode(encodeResponse(result, { stats: false }))),
  );
}

function sortedResult(answer: unknown): unknown {
  const { result } = (answer as Answer).data;
  const key = (one: { readonly metric: object }): string =>
    JSON.stringify(Object.entries(one.metric).sort());
  return [...result].sort((a, b) => compareText(key(a), key(b)));
}

async function theirAnswer(url: string, query: string, timeMs?: number): Promise<unknown> {
  const parameters = new URLSearchParams(
    timeMs === undefined
      ? {
          query,
          start: String(QUERY_START / 1000),
          end: String((START + 3 * RANGE) / 1000),
          step: '67',
        }
      : { query, time: String(timeMs / 1000) },
  );
  const path = timeMs === undefined ? 'query_range' : 'query';
  const response = await fetch(`${url}/api/v1/${path}?${parameters}`);
  return sortedResult(await response.json());
}

async function withPrometheus(use: (url: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(directory, 'prometheus.yml');
  writeFileSync(file, '');
  const peer = startPeer(prometheus!, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--storage.tsdb.retention.time=100y',
    '--enable-feature=native-histograms',
    '--web.enable-admin-api',
  ]);
  try {
    await waitForUrl(`${url}/-/ready`, peer);
    await use(url);
    expect(peer.log()).not.toMatch(/level=error/);
  } finally {
    await peer.stop();
  }
}

const queries = [
  'm',
  'rate(m[5m])',
  'count_over_time(m[7m])',
  'histogram_count(h)',
  'histogram_sum(h)',
];
/** All buckets, of one series at a time: version 2.42 mixes histograms of several in a range up. */
const instantQueries = ['h{kind="whole"}', 'h{kind="float"}'];

/** Answers rounded to what both programs can agree on: their sums go in other orders. */
const rounded = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer, (_key, value: unknown) => {
      if (typeof value !== 'string' || value === '' || Number.isNaN(Number(value))) return value;
      return Number(value).toPrecision(10);
    }),
  );

async function compare(store: BlockStore, url: string, asked = queries): Promise<void> {
  for (const query of asked) {
    const theirs = await theirAnswer(url, query);
    expect(theirs).not.toEqual([]);
    expect({ query, answer: rounded(ourAnswer(store, query)) }).toEqual({
      query,
      answer: rounded(theirs),
    });
  }
  for (const query of asked === queries ? instantQueries : []) {
    for (let timeMs = QUERY_START; timeMs < START + 3 * RANGE; timeMs += 217_000) {
      expect({ query, timeMs, answer: rounded(ourAnswer(store, query, timeMs)) }).toEqual({
        query,
        timeMs,
        answer: rounded(await theirAnswer(url, query, timeMs)),
      });
    }
  }
}

const some = parseSelector('{i="1"}');
const whole = parseSelector('h{kind="whole"}');

test.skipIf(prometheus === undefined)(
  'the real server answers from our blocks, compacted blocks and tombstones as we do',
  async () => {
    for (let from = 0; from < 3 * RANGE; from += RANGE) writeBlock(from, from + RANGE);
    const store = newStore();
    store.reload();
    await withPrometheus((url) => compare(store, url));

    expect(store.deleteSeries([some, whole], START + 1_000_000, START + 9_000_000)).toBe(2);
    // Version 2.42 shows histograms that tombstones hide.
    await withPrometheus((url) => compare(store, url, queries.slice(0, 3)));

    // Chunks with deletions are decoded and encoded anew, histograms too.
    while (store.cleanNext() !== undefined) settle(store);
    await withPrometheus((url) => compare(store, url));
    store.close();
  },
  120_000,
);

test.skipIf(prometheus === undefined)(
  'overlapping blocks with histograms are merged into one that the real server reads',
  async () => {
    writeBlock(0, RANGE);
    writeBlock(RANGE / 2, RANGE);
    writeBlock(RANGE, 2 * RANGE);
    const store = newStore();
    store.reload();
    const before = queries.map((query) => ourAnswer(store, query));
    const result = store.compactNext();
    expect(result?.vertical).toBe(true);
    settle(store);
    expect(store.blocks.length).toBe(2);
    expect(queries.map((query) => ourAnswer(store, query))).toEqual(before);
    await withPrometheus((url) => compare(store, url));
    store.close();
  },
  120_000,
);

test.skipIf(prometheus === undefined || promtool === undefined)(
  'what the real server deletes of its blocks is deleted for us, cleaned or not',
  async () => {
    let text = '';
    for (let i = 0; i < 5; i++) {
      for (let k = 0; k < 900; k++) {
        text += `m{i="${i}"} ${Math.sqrt(k) * (i + 1)} ${START / 1000 + 20 * k}\n`;
      }
    }
    writeFileSync(join(directory, 'in.om'), `${text}# EOF\n`);
    spawnSync(promtool!, [
      'tsdb',
      'create-blocks-from',
      'openmetrics',
      join(directory, 'in.om'),
      directory,
    ]);
    const post = async (url: string, path: string): Promise<void> => {
      const response = await fetch(`${url}/api/v1/admin/tsdb/${path}`, { method: 'POST' });
      expect(response.status).toBe(204);
    };
    const from = START / 1000 + 500;
    for (const clean of [false, true]) {
      await withPrometheus(async (url) => {
        await post(url, `delete_series?match[]=m{i="1"}&start=${from}&end=${from + 8000}`);
        if (clean) await post(url, 'clean_tombstones');
        const store = newStore();
        const state = store.reload();
        expect(state.problems).toEqual([]);
        expect(state.blocks.some(({ meta }) => meta.stats.numTombstones > 0)).toBe(!clean);
        for (const query of queries.slice(0, 3)) {
          expect(ourAnswer(store, query)).toEqual(await theirAnswer(url, query));
        }
        store.close();
      });
    }
    expect(readdirSync(directory).filter((name) => name.length === 26).length).toBeGreaterThan(1);
  },
  120_000,
);
