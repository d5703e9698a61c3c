// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { DecodeError, TruncatedError } from '../encoding/index.ts';
import { writeProtobuf } from '../metrics/index.ts';
import type { MetricFamily } from '../model/index.ts';
import { parseProtobufFamilies } from './protobuf.ts';

const native = {
  schema: 3,
  zeroThreshold: 2.938735877055719e-39,
  zeroCount: 2,
  negativeSpans: [-2, 1],
  negativeBuckets: [1],
  positiveSpans: [0, 2, 5, 1],
  positiveBuckets: [1, 2, -3],
  exemplars: [{ labels: ['trace', 'é'], value: 0.5, timeMs: 1_700_000_000_123.5 }],
};

const families: MetricFamily[] = [
  {
    name: 'requests_total',
    help: 'All requests.',
    type: 'counter',
    metrics: [
      {
        labels: ['code', '200', 'path', '/ü'],
        value: 17,
        createdMs: 1_600_000_000_001,
        exemplar: { labels: ['id', 'x'], value: 1 },
      },
      { labels: [], value: Number.NaN, timestampMs: -5 },
    ],
  },
  { name: 'temperature', help: '', type: 'gauge', metrics: [{ labels: [], value: -1e300 }] },
  { name: 'what', help: '', type: 'untyped', unit: 'seconds', metrics: [{ labels: [], value: 3 }] },
  {
    name: 'latency',
    help: 'L.',
    type: 'summary',
    metrics: [
      {
        labels: [],
        value: 0,
        distribution: { count: 2 ** 40, sum: 1.5, points: [{ bound: 0.5, value: Number.NaN }] },
      },
    ],
  },
  {
    name: 'sizes',
    help: 'S.',
    type: 'histogram',
    metrics: [
      {
        labels: ['a', 'b'],
        value: 0,
        distribution: {
          count: 6,
          sum: 12,
          points: [{ bound: 1, value: 4, exemplar: { labels: [], value: 0.3 } }],
          native,
        },
      },
      {
        labels: ['a', 'c'],
        value: 0,
        distribution: {
          count: 1.5,
          sum: 2.5,
          points: [],
          isFloat: true,
          native: {
            ...native,
            zeroCount: 0.5,
            negativeSpans: [],
            negativeBuckets: [],
            exemplars: [],
          },
        },
      },
    ],
  },
  {
    name: 'depth',
    help: '',
    type: 'gaugehistogram',
    metrics: [
      {
        labels: [],
        value: 0,
        distribution: { count: 3, sum: 1, points: [{ bound: 1, value: 3 }] },
      },
    ],
  },
];

test('what is written is read back, native histograms and exemplars too', () => {
  expect(parseProtobufFamilies(writeProtobuf(families))).toEqual(families);
});

test('a body cut anywhere but between messages is refused', () => {
  const whole = writeProtobuf(families).slice();
  const ends = new Set<number>([0]);
  for (let count = 1; count <= families.length; count++)
    ends.add(writeProtobuf(families.slice(0, count)).length);
  for (let length = 0; length <= whole.length; length++) {
    const cut = whole.slice(0, length);
    if (ends.has(length)) expect(parseProtobufFamilies(cut).length).toBeLessThanOrEqual(6);
    else expect(() => parseProtobufFamilies(cut), String(length)).toThrow(TruncatedError);
  }
});

test('damage is refused or read as something else, but never anything but a DecodeError', () => {
  const whole = writeProtobuf(families).slice();
  for (let i = 0; i < whole.length; i++) {
    const damaged = whole.slice();
    damaged[i] = (damaged[i]! * 31 + 77) & 255;
    try {
      parseProtobufFamilies(damaged);
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
    }
  }
});

test('a value of another kind than the family is marked', () => {
  // MetricFamily { name: "a", type: GAUGE, metric { counter { value: 1 } }, metric {} }
  const counter = [0x1a, 9, 9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
  const message = [0x0a, 1, 0x61, 0x18, 1, 0x22, counter.length, ...counter, 0x22, 0];
  const [family] = parseProtobufFamilies(Uint8Array.from([message.length, ...message]));
  expect(family?.metrics.map(({ strayKind }) => strayKind)).toEqual(['counter', 'none']);
});

test('unknown fields are stepped over, labels sorted, packed and single numbers both read', () => {
  const label = (name: string) => [0x0a, 5, 0x0a, 1, name.charCodeAt(0), 0x12, 0];
  const packed = [0x6a, 2, 2, 3];
  const single = [0x68, 4];
  const span = [0x62, 2, 0x10, 3];
  const histogram = [...span, ...packed, ...single, 0xfa, 0x3f, 1, 7];
  const metric = [...label('b'), ...label('a'), 0x3a, histogram.length, ...histogram];
  const message = [0x18, 4, 0x22, metric.length, ...metric, 0xfd, 0x3f, 1, 2, 3, 4];
  const [family] = parseProtobufFamilies(Uint8Array.from([message.length, ...message]));
  expect(family?.metrics[0]?.labels).toEqual(['a', '', 'b', '']);
  expect(family?.metrics[0]?.distribution?.native?.positiveBuckets).toEqual([1, -2, 2]);
});
