// SPDX-License-Identifier: Apache-2.0
// Start times of scraped counters, from the connection to the head: beside the samples, as zeros, or
// not at all.

import { expect, test } from 'vitest';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { writeProtobuf } from '../../src/metrics/index.ts';
import type { Metric, MetricFamily } from '../../src/model/index.ts';
import type { ScrapeOptions, StartTimeUse } from '../../src/scrape/index.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head, HeadReader } from '../../src/tsdb/index.ts';
import { ManualClock } from '../manual-clock.ts';
import { type Answer, scrapeAnswers } from './rig.ts';

const INTERVAL = 15_000;
const START = 1_700_000_000_000;
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const open = (body: string): Answer => ({ body, contentType: OPEN_METRICS });
const proto = (...families: MetricFamily[]): Answer => ({
  body: writeProtobuf(families),
  contentType: PROTOBUF,
});

/** Scrapes one answer after the other; samples by series as `value@seconds after the start/start time`. */
async function scraped(
  startTimes: StartTimeUse | undefined,
  answers: readonly Answer[],
  options: Partial<ScrapeOptions> = {},
): Promise<{ found: Record<string, string[]>; head: Head }> {
  const heap = new SharedHeap(createMemory(256 << 20));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  head.outOfOrderWindowMs = 3_600_000;
  head.reserveScratch(0, 4 << 20);
  const clock = new ManualClock(START);
  expect(
    await scrapeAnswers(answers, INTERVAL, options, { appender: head, startTimes, heap, clock }),
  ).toBe('');
  const reader = new HeadReader(heap.shared, 0);
  const querier = reader.querier();
  const found: Record<string, string[]> = {};
  const matchers = [{ name: '__name__', type: '!~', value: 'up|scrape_.*' }] as const;
  const set = querier.select(matchers, -1e15, 1e15);
  const pairs = new Uint32Array(2 * set.maxLabelCount);
  for (let row = 0; row < set.count; row++) {
    const labels = set.labelIds(row, pairs);
    const texts: string[] = [];
    for (let i = 0; i < labels; i++) {
      const name = set.symbols.text(pairs[2 * i]!);
      if (!['instance', 'job'].includes(name)) texts.push(set.symbols.text(pairs[2 * i + 1]!));
    }
    const n = set.read(row, -1e15, 1e15);
    found[texts.join(' ')] = Array.from({ length: n }, (_, i) => {
      const seconds = (set.columns.times[i]! - START) / 1000;
      const start = set.startTimes?.[i] ?? 0;
      const value = set.histograms?.[i]?.count ?? set.columns.values[i];
      return `${value}@${seconds < 0 ? seconds : 'scrape'}/${start === 0 ? '-' : start - START}`;
    });
  }
  querier.close();
  return { found, head };
}

/** Counters that began 9 s, a summary and a histogram that began 5 s before the first scrape. */
const openBody = (n: number, created = -9): Answer =>
  open(`# TYPE a counter
a_total{x="1"} ${n}
a_created{x="1"} ${(START + 1000 * created) / 1000}
a_total{x="2"} ${n}
# TYPE s summary
s_created ${(START - 5000) / 1000}
s{quantile="0.5"} ${n}
s_sum ${n}
s_count ${n}
# TYPE h histogram
h_bucket{le="1.0"} ${n}
h_bucket{le="+Inf"} ${n}
h_sum ${n}
h_count ${n}
h_created ${(START - 5000) / 1000}
# TYPE g gauge
g_created 7
g ${n}
# EOF
`);

test('OpenMetrics: stored beside the samples, `_created` is no series then', async () => {
  const { found } = await scraped({ store: true, zeros: false }, [openBody(1), openBody(2)]);
  const both = (start: string): string[] => [`1@scrape/${start}`, `2@scrape/${start}`];
  expect(found).toEqual({
    'a_total 1': both('-9000'),
    'a_total 2': both('-'),
    's 0.5': both('-5000'),
    s_sum: both('-5000'),
    s_count: both('-5000'),
    'h_bucket 1.0': both('-5000'),
    'h_bucket +Inf': both('-5000'),
    h_sum: both('-5000'),
    h_count: both('-5000'),
    g_created: ['7@scrape/-', '7@scrape/-'],
    g: both('-'),
  });
});

test('as zeros: once for each start, never among older samples, and no error', async () => {
  const answers = [openBody(5), openBody(6), openBody(1, 29), openBody(2, 29), openBody(3, -100)];
  const { found, head } = await scraped({ store: false, zeros: true }, answers);
  expect(found['a_total 1']).toEqual([
    '0@-9/-',
    '5@scrape/-',
    '6@scrape/-',
    '0@scrape/-',
    '1@scrape/-',
    '2@scrape/-',
    '3@scrape/-',
  ]);
  expect(found['a_total 2']).toEqual(['5', '6', '1', '2', '3'].map((n) => `${n}@scrape/-`));
  expect(found.h_count!.slice(0, 3)).toEqual(['0@-5/-', '5@scrape/-', '6@scrape/-']);
  expect(found.g).not.toContain('0@-5/-');
  expect(head.counters.outOfOrder).toBe(0);
  expect(head.sideCounters.outOfOrderAppended).toBe(0);
});

test('without the flags `_created` is a series like any other', async () => {
  const { found } = await scraped(undefined, [openBody(1)]);
  expect(found['a_created 1']).toEqual([`${(START - 9000) / 1000}@scrape/-`]);
  expect(found['a_total 1']).toEqual(['1@scrape/-']);
});

test('a broken body fails as before', async () => {
  const body = openBody(1).body as string;
  const { found } = await scraped({ store: true, zeros: true }, [
    open(`${body.replace('# EOF\n', '')}b{ 1\n# EOF\n`),
    openBody(4),
  ]);
  expect(found['a_total 1']).toEqual(['0@-9/-', '4@scrape/-9000']);
});

test('protobuf: counters, classic and native histograms, with both', async () => {
  const createdMs = START - 4321;
  const points = [
    { bound: 1, value: 1 },
    { bound: Number.POSITIVE_INFINITY, value: 2 },
  ];
  const native = {
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 1,
    negativeSpans: [],
    negativeBuckets: [],
    positiveSpans: [0, 1],
    positiveBuckets: [1],
    exemplars: [],
  };
  const one = (metric: Partial<Metric>): Metric => ({ labels: [], value: 0, ...metric });
  const about = { help: 'ä b', type: 'histogram' } as const;
  const answer = proto(
    {
      name: 'c_total',
      help: '',
      type: 'counter',
      metrics: [
        one({ labels: ['x', 'ä b 1'], value: 3, createdMs }),
        one({ labels: ['x', '2'], value: 3 }),
        one({ labels: ['x', '3'], value: 3, createdMs, timestampMs: START - 2 }),
      ],
    },
    {
      name: 'n',
      ...about,
      metrics: [one({ createdMs, distribution: { count: 2, sum: 3, points, native } })],
    },
    {
      name: 'h',
      ...about,
      metrics: [one({ createdMs, distribution: { count: 2, sum: 3, points } })],
    },
  );
  const { found } = await scraped({ store: true, zeros: true }, [answer], {
    scrapeNativeHistograms: true,
  });
  const started = (value: number): string[] => ['0@-4.321/-', `${value}@scrape/-4321`];
  expect(found).toEqual({
    'c_total ä b 1': started(3),
    'c_total 2': ['3@scrape/-'],
    'c_total 3': ['0@-4.321/-', '3@-0.002/-4321'],
    n: started(2),
    'h_bucket 1.0': started(1),
    'h_bucket +Inf': started(2),
    h_sum: started(3),
    h_count: started(2),
  });
});
