// SPDX-License-Identifier: Apache-2.0
// Exemplars from the connection to the ring: OpenMetrics, protobuf, native histograms.

import { expect, test } from 'vitest';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { Registry, writeProtobuf, writeText } from '../../src/metrics/index.ts';
import type { MetricFamily } from '../../src/model/index.ts';
import { labelValue } from '../../src/model/index.ts';
import type { ScrapeOptions } from '../../src/scrape/index.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head } from '../../src/tsdb/index.ts';
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

/** Scrapes one answer after the other; the exemplars by series, and a look at a metric. */
async function scraped(answers: readonly Answer[], options: Partial<ScrapeOptions> = {}) {
  const heap = new SharedHeap(createMemory(256 << 20));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  head.exemplars.resize(100);
  const clock = new ManualClock(START);
  const registry = new Registry({ clock });
  expect(
    await scrapeAnswers(answers, INTERVAL, options, {
      appender: head,
      exemplars: head,
      registry,
      heap,
      clock,
    }),
  ).toBe('');
  const found: Record<string, string[]> = {};
  const all = head.exemplars.select([[{ name: 'job', type: '=', value: 'job' }]], 0, 1e15);
  for (const { seriesLabels, exemplars } of all) {
    const name = ['__name__', 'le', 'x'].map((label) => labelValue(seriesLabels, label)).join(' ');
    found[name.trim()] = exemplars.map(({ labels, value, time }) => {
      const shown = labels.map((label) => `${label.name}=${label.value}`).join(',');
      return `${shown} ${value} ${time < START ? time : 'scrape'}`;
    });
  }
  const lines = new TextDecoder().decode(writeText(registry.gather())).split('\n');
  const late = lines.find((line) => line.startsWith('prometheus_target_scrapes_exemplar_out'));
  return { found, late: Number(late?.split(' ')[1]) };
}

test('OpenMetrics: with and without a time, repeated, too long', async () => {
  const body = (n: number): string =>
    `# TYPE a histogram
a_bucket{le="1"} ${n} # {} 0.5
a_bucket{le="2"} ${n} # {id="q${n}",span="s"} 1.5 1600000000.${n}
a_bucket{le="+Inf"} ${n}
a_count ${n}
a_sum 1
# TYPE c counter
c_total{x="long"} ${n} # {id="${'x'.repeat(127)}"} 1
c_total{x="most"} ${n} # {id="${'é'.repeat(126)}"} 1
# EOF
`;
  const { found, late } = await scraped([open(body(1)), open(body(2))]);
  expect(found).toEqual({
    // The same one without a time is not stored again.
    'a_bucket 1.0': [' 0.5 scrape'],
    'a_bucket 2.0': ['id=q1,span=s 1.5 1600000000100', 'id=q2,span=s 1.5 1600000000200'],
    'c_total  most': [`id=${'é'.repeat(126)} 1 scrape`],
  });
  expect(late).toBe(0);
});

test('those that come late are counted and left out, the samples stay', async () => {
  const body = (time: number): Answer => open(`c_total 1 # {id="a"} 1 ${time}\n# EOF\n`);
  const { found, late } = await scraped([body(1_600_000_002), body(1_600_000_001)]);
  expect(found).toEqual({ c_total: ['id=a 1 1600000002000'] });
  expect(late).toBe(1);
});

test('a failed scrape and dropped series store none', async () => {
  const broken = open('c_total 1 # {id="a"} 1\nb{ 1\n# EOF\n');
  const good = open('d_total 1 # {id="b"} 1\n# EOF\n');
  const { found } = await scraped([broken, good]);
  expect(found).toEqual({ d_total: ['id=b 1 scrape'] });
});

const exemplar = (id: string, value: number, timeMs?: number) => ({
  labels: ['id', id],
  value,
  ...(timeMs === undefined ? {} : { timeMs }),
});

test('protobuf: counters and classic buckets', async () => {
  const families: MetricFamily[] = [
    {
      name: 'c_total',
      help: 'Ä counter.',
      type: 'counter',
      metrics: [
        { labels: ['x', 'ä b'], value: 3, exemplar: exemplar('c', 1, 1_600_000_000_123) },
        { labels: ['x', 'z'], value: 4, timestampMs: START - 1, exemplar: exemplar('t', 2) },
      ],
    },
    {
      name: 'h',
      help: '',
      type: 'histogram',
      metrics: [
        {
          labels: [],
          value: 0,
          distribution: {
            count: 3,
            sum: 4,
            points: [
              { bound: 1, value: 1 },
              { bound: 2.5, value: 2, exemplar: exemplar('b', 2) },
              { bound: Number.POSITIVE_INFINITY, value: 3, exemplar: exemplar('i', 9) },
            ],
          },
        },
      ],
    },
  ];
  const { found } = await scraped([proto(...families)]);
  expect(found).toEqual({
    'c_total  ä b': ['id=c 1 1600000000123'],
    'c_total  z': [`id=t 2 ${START - 1}`],
    'h_bucket +Inf': ['id=i 9 scrape'],
    'h_bucket 2.5': ['id=b 2 scrape'],
  });
});

test('native histograms: only exemplars that have a time, in its order', async () => {
  const native = {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    negativeSpans: [],
    negativeBuckets: [],
    positiveSpans: [0, 1],
    positiveBuckets: [3],
    exemplars: [
      exemplar('second', 2, 1_600_000_002_000),
      exemplar('none', 3),
      exemplar('first', 1, 1_600_000_001_000),
    ],
  };
  const points = [{ bound: 1, value: 3, exemplar: exemplar('bucket', 1, 1_600_000_000_000) }];
  const of = (name: string, exemplars: (typeof native)['exemplars']): MetricFamily => ({
    name,
    help: '',
    type: 'histogram',
    metrics: [
      {
        labels: [],
        value: 0,
        distribution: { count: 3, sum: 4, points, native: { ...native, exemplars } },
      },
    ],
  });
  const families = [of('n', native.exemplars), of('buckets', [])];
  const { found, late } = await scraped([proto(...families), proto(...families)], {
    scrapeNativeHistograms: true,
  });
  expect(found).toEqual({
    n: ['id=first 1 1600000001000', 'id=second 2 1600000002000'],
    buckets: ['id=bucket 1 1600000000000'],
  });
  // Of the second scrape some were late, but not all of them.
  expect(late).toBe(0);
});

test('classic histograms that become native ones bring the exemplars of their buckets', async () => {
  const body = `# TYPE h histogram
h_bucket{le="1"} 1 # {id="a"} 0.5 1600000000
h_bucket{le="+Inf"} 2 # {id="b"} 7
h_count 2
h_sum 8
# TYPE c counter
c_total 1 # {id="c"} 1
# EOF
`;
  const { found } = await scraped([open(body)], { convertClassicHistogramsToNhcb: true });
  expect(found).toEqual({ h: ['id=a 0.5 1600000000000'], c_total: ['id=c 1 scrape'] });
});
