// SPDX-License-Identifier: Apache-2.0
// Protobuf bodies and native histograms, from the connection to what a query sees in the head.

import { expect, test } from 'vitest';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { writeProtobuf } from '../../src/metrics/index.ts';
import type { Distribution, Histogram, MetricFamily } from '../../src/model/index.ts';
import { isStale } from '../../src/model/index.ts';
import type { ScrapeOptions } from '../../src/scrape/index.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head, HeadReader } from '../../src/tsdb/index.ts';
import { ManualClock } from '../manual-clock.ts';
import { type Answer, scrapeAnswers } from './rig.ts';

const INTERVAL = 15_000;
const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

type Sample = number | 'stale' | Histogram;

/** Scrapes one answer after the other; what is stored then, by name and the label `le` or `x`. */
async function scraped(
  answers: readonly Answer[],
  options: Partial<ScrapeOptions>,
): Promise<{ samples(name: string): Record<string, Sample[]>; lastError: string }> {
  const heap = new SharedHeap(createMemory(256 << 20));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  head.reserveScratch(0, 4 << 20);
  const clock = new ManualClock(1_700_000_000_000);
  const lastError = await scrapeAnswers(answers, INTERVAL, options, {
    appender: head,
    heap,
    clock,
  });
  const reader = new HeadReader(heap.shared, 0);
  const samples = (name: string): Record<string, Sample[]> => {
    const querier = reader.querier();
    try {
      const set = querier.select([{ name: '__name__', type: '=', value: name }], -1e15, 1e15);
      const found: Record<string, Sample[]> = {};
      for (let row = 0; row < set.count; row++) {
        const count = set.read(row, -1e15, 1e15);
        const { columns, histograms } = set;
        const label = ['le', 'x'].map((text) => {
          const id = set.symbols.id(text);
          const value = id === 0 ? 0 : set.labelValueId(row, id);
          return value === 0 ? '' : set.symbols.text(value);
        });
        found[label.join('')] = Array.from({ length: count }, (_, i) =>
          isStale(columns.valueBits, i) ? 'stale' : (histograms?.[i] ?? columns.values[i]!),
        );
      }
      return found;
    } finally {
      querier.close();
    }
  };
  return { samples, lastError };
}

const native = (count: number, deltas: readonly number[], schema = 0): Distribution => ({
  count,
  sum: count / 2,
  points: [
    { bound: 1, value: count - 1 },
    { bound: Number.POSITIVE_INFINITY, value: count },
  ],
  native: {
    schema,
    zeroThreshold: 0.001,
    zeroCount: 1,
    negativeSpans: [],
    negativeBuckets: [],
    positiveSpans: [0, deltas.length],
    positiveBuckets: deltas,
    exemplars: [],
  },
});

const sizes = (...metrics: [string, Distribution][]): MetricFamily => ({
  name: 'sizes',
  help: 'Sizes.',
  type: 'histogram',
  metrics: metrics.map(([x, distribution]) => ({ labels: ['x', x], value: 0, distribution })),
});
const counter = (value: number): MetricFamily => ({
  name: 'requests_total',
  help: 'R.',
  type: 'counter',
  metrics: [{ labels: ['x', 'é'], value }],
});
const answer = (...families: MetricFamily[]): Answer => ({
  body: writeProtobuf(families).slice(),
  contentType: PROTOBUF,
});

test('native histograms and floats of a protobuf body are stored, and get stale', async () => {
  const { samples } = await scraped(
    [
      answer(counter(1), sizes(['a', native(4, [1, 1])], ['b', native(6, [2, 1])])),
      answer(counter(2), sizes(['b', native(9, [3, 2])])),
      answer(counter(3), sizes(['c', native(1, [])], ['a', native(5, [2, 0])])),
    ],
    { scrapeNativeHistograms: true },
  );
  expect(samples('requests_total')).toEqual({ é: [1, 2, 3] });
  const { a = [], b = [], c = [] } = samples('sizes');
  const shown = (sample: Sample | undefined): unknown =>
    typeof sample === 'object'
      ? [sample.count, sample.sum, ...sample.positiveBuckets, sample.isFloat]
      : sample;
  expect(a.map(shown)).toEqual([[4, 2, 1, 2, false], 'stale', [5, 2.5, 2, 2, false]]);
  expect(b.map(shown)).toEqual([[6, 3, 2, 3, false], [9, 4.5, 3, 5, false], 'stale']);
  expect(c.map(shown)).toEqual([[1, 0.5, false]]);
  expect(samples('sizes_bucket')).toEqual({});
  expect(samples('up')).toEqual({ '': [1, 1, 1] });
});

test('classic buckets are there besides when asked for, and alone when native ones are not', async () => {
  const body = answer(sizes(['a', native(4, [1, 1])]));
  const both = await scraped([body], {
    scrapeNativeHistograms: true,
    alwaysScrapeClassicHistograms: true,
  });
  expect(typeof both.samples('sizes').a?.[0]).toBe('object');
  expect(both.samples('sizes_bucket')).toEqual({ '1.0a': [3], '+Infa': [4] });
  expect(both.samples('scrape_samples_scraped')).toEqual({ '': [5] });
  const classic = await scraped([body], {});
  expect(classic.samples('sizes')).toEqual({});
  expect(classic.samples('sizes_bucket')).toEqual({ '1.0a': [3], '+Infa': [4] });
  expect(classic.samples('sizes_count')).toEqual({ a: [4] });
});

test('classic histograms become ones of custom buckets, of protobuf and of text', async () => {
  const text =
    '# TYPE h histogram\nh_bucket{x="a",le="1"} 2\nh_bucket{x="a",le="5"} 5\nh_bucket{x="a",le="+Inf"} 6\n' +
    'h_sum{x="a"} 17\nh_count{x="a"} 6\nplain 1\n';
  const { native: _, ...classic } = native(4, []);
  const convert = { convertClassicHistogramsToNhcb: true };
  const ofText = await scraped([{ body: text }, { body: text }], convert);
  const { a = [] } = ofText.samples('h');
  expect(a).toHaveLength(2);
  expect(a[0]).toMatchObject({
    schema: -53,
    count: 6,
    sum: 17,
    positiveBuckets: Float64Array.of(2, 3, 1),
    customValues: Float64Array.of(1, 5),
  });
  expect(ofText.samples('plain')).toEqual({ '': [1, 1] });
  expect(ofText.samples('h_bucket')).toEqual({});
  const ofProtobuf = await scraped([answer(sizes(['b', classic]))], convert);
  expect(ofProtobuf.samples('sizes').b?.[0]).toMatchObject({ schema: -53, count: 4 });
  const broken = await scraped([{ body: 'h 1\nh{ 2\n' }], convert);
  expect(broken.lastError).toContain('expected label name');
});

test('OpenMetrics and odd text are converted, too, and all else stays as it was', async () => {
  const open =
    '# HELP h H.\n# TYPE h histogram\nh_bucket{x="é",le="0.5"} 1 # {id="7"} 0.4 1.5\nh_bucket{x="é",le="+Inf"} 3\n' +
    'h_count{x="é"} 3\nh_sum{x="é"} 2.5\nh_created{x="é"} 17.0\nh_count{x="only"} 4\n' +
    '# TYPE c counter\nc_total{x="1"} 5 # {} 1\n# TYPE g gauge\ng 2.5\n# EOF\n';
  const contentType = 'application/openmetrics-text; version=1.0.0';
  const convert = { convertClassicHistogramsToNhcb: true };
  const { samples, lastError } = await scraped(
    [
      { body: open, contentType },
      { body: open, contentType },
    ],
    convert,
  );
  expect(lastError).toBe('');
  const { é: [first, second] = [] } = samples('h');
  expect(first).toMatchObject({ count: 3, sum: 2.5, positiveBuckets: Float64Array.of(1, 2) });
  expect(second).toMatchObject({ count: 3, customValues: Float64Array.of(0.5) });
  expect(samples('h_bucket')).toEqual({});
  expect(samples('h_count')).toEqual({ only: [4, 4] });
  expect(samples('h_created')).toEqual({ é: [17, 17] });
  expect(samples('c_total')).toEqual({ '1': [5, 5] });
  expect(samples('g')).toEqual({ '': [2.5, 2.5] });
  // Two HELP lines and no line break at the end: fine for scraping.
  const odd =
    '# HELP h H.\n# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_count 2\nh_sum 1\nz 1\nh_sum{x="no"} 4';
  const both = await scraped([{ body: odd }], { ...convert, alwaysScrapeClassicHistograms: true });
  expect(both.samples('h')['']?.[0]).toMatchObject({ schema: -53, count: 2 });
  expect(both.samples('h_bucket')).toEqual({ '1.0': [2] });
  expect(both.samples('z')).toEqual({ '': [1] });
  const alone = await scraped([{ body: odd }], convert);
  expect(alone.samples('h_sum')).toEqual({ no: [4] });
  expect(alone.samples('z')).toEqual({ '': [1] });
});

test('bucket limits widen buckets, and fail the scrape where that does not help', async () => {
  const many = native(9, [1, 0, 0, 0, 0, 0, 0, 0], 3);
  const body = answer(sizes(['a', many]));
  const options = { scrapeNativeHistograms: true };
  const limited = await scraped([body], { ...options, nativeHistogramBucketLimit: 3 });
  expect(limited.samples('sizes').a?.[0]).toMatchObject({ schema: 1 });
  const wide = await scraped([body], { ...options, nativeHistogramMinBucketFactor: 2 });
  expect(wide.samples('sizes').a?.[0]).toMatchObject({ schema: 0 });
  const apart: Distribution = {
    ...many,
    native: { ...many.native!, positiveSpans: [0, 4, 4000, 4] },
  };
  const failed = await scraped([answer(sizes(['a', apart]))], {
    ...options,
    nativeHistogramBucketLimit: 1,
  });
  expect(failed.lastError).toBe('histogram bucket limit exceeded');
  expect(failed.samples('up')).toEqual({ '': [0] });
});

test('bad protobuf fails the scrape with its reason, and nothing of it is stored', async () => {
  const whole = writeProtobuf([counter(1), sizes(['a', native(4, [1, 1])])]).slice();
  const cut = { body: whole.subarray(0, whole.length - 3), contentType: PROTOBUF };
  const { samples, lastError } = await scraped([answer(counter(1)), cut], {
    scrapeNativeHistograms: true,
  });
  expect(lastError).toBe('unexpected EOF');
  expect(samples('requests_total')).toEqual({ é: [1, 'stale'] });
  const lying = native(4, [1, 1]);
  const wrong = await scraped([answer(sizes(['a', { ...lying, count: 3 }]))], {
    scrapeNativeHistograms: true,
  });
  expect(wrong.lastError).toContain("histogram's observation count should");
});

test('limits and relabelling count native histograms as samples', async () => {
  const body = answer(counter(1), sizes(['a', native(4, [1, 1])], ['b', native(6, [2, 1])]));
  const options = { scrapeNativeHistograms: true, sampleLimit: 2 };
  const { lastError } = await scraped([body], options);
  expect(lastError).toBe('sample limit exceeded');
});
