// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Histogram, labelsFrom } from '../model/index.ts';
import { Engine } from '../promql/index.ts';
import { MemoryStorage } from '../storage/index.ts';
import { answerRule } from './answer-rule.ts';

const storage = new MemoryStorage();
const histogram = new Histogram({
  schema: 0,
  count: 2,
  sum: 3,
  positiveSpans: Int32Array.of(0, 1),
  positiveBuckets: Float64Array.of(2),
});
storage.addHistogram(labelsFrom({ __name__: 'h', job: 'a' }), 1000, histogram);
const backend = {
  engine: new Engine({ lookbackDeltaMs: 300_000, maxSamples: 100, defaultStepMs: 60_000 }),
  queryable: storage,
  control: { checkpoint: () => undefined },
};

test('a recording rule gets native histograms as they are', () => {
  const { samples } = answerRule({ expression: 'h', timeMs: 1000, alert: undefined }, backend);
  expect(samples).toHaveLength(1);
  expect(samples[0]?.histogram).toBe(histogram);
  expect(samples[0]?.value).toBe(3);
});

test('the value of an alert on a native histogram is its text', () => {
  const alert = {
    name: 'A',
    labels: {},
    annotations: { value: '{{ $value }}' },
    externalLabels: {},
    externalUrl: 'http://h:9090',
  };
  const { samples } = answerRule({ expression: 'h', timeMs: 1000, alert }, backend);
  expect(samples[0]?.annotations).toEqual({ value: '{count:2, sum:3, (0.5,1]:2}' });
});
