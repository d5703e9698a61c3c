// SPDX-License-Identifier: Apache-2.0
// Families of metrics as a request of remote write 1.0: series with one sample each, and metadata.

import { ProtobufWriter } from '../../encoding/index.ts';
import type { FamilyType, Metric, MetricFamily } from '../../model/index.ts';
import { compareText, formatFloatG } from '../../model/index.ts';

/** Numbers of types in metadata. */
const metadataTypes: Readonly<Record<FamilyType, number>> = {
  untyped: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
};

interface PushedSample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly timeMs: number;
}

/** Series of one metric: a value, or the parts of a distribution. */
function samplesOf(
  { name, type }: MetricFamily,
  { labels: pairs, value, distribution, timestampMs }: Metric,
  extra: ReadonlyMap<string, string>,
  nowMs: number,
): PushedSample[] {
  const sample = (suffix: string, of: number, part?: readonly [string, string]): PushedSample => {
    const labels = new Map([['__name__', name + suffix], ...extra]);
    for (let i = 0; i < pairs.length; i += 2) labels.set(pairs[i]!, pairs[i + 1]!);
    if (part !== undefined) labels.set(...part);
    return { labels, value: of, timeMs: timestampMs ?? nowMs };
  };
  if (distribution === undefined) return [sample('', value)];
  const { points, sum, count } = distribution;
  const isSummary = type === 'summary';
  return [
    ...points.map(({ bound, value: of }) =>
      isSummary
        ? sample('', of, ['quantile', formatFloatG(bound)])
        : sample('_bucket', of, ['le', formatFloatG(bound)]),
    ),
    sample('_sum', sum),
    sample('_count', count),
  ];
}

function seriesBytes({ labels, value, timeMs }: PushedSample): Uint8Array {
  const series = new ProtobufWriter();
  const inner = new ProtobufWriter(64);
  for (const [name, text] of [...labels].sort(([a], [b]) => compareText(a, b))) {
    inner.clear();
    inner.textField(1, name);
    inner.textField(2, text);
    series.bytesField(1, inner.bytes());
  }
  inner.clear();
  inner.doubleField(1, value);
  inner.signedField(2, timeMs);
  series.bytesField(2, inner.bytes());
  return series.bytes();
}

/**
 * The request, not compressed; families by name.
 * @param extra labels of every series that does not have them itself
 * @param nowMs time of samples that bring none
 */
export function writeRequest(
  families: Iterable<MetricFamily>,
  extra: ReadonlyMap<string, string>,
  nowMs: number,
): Uint8Array {
  const request = new ProtobufWriter(4096);
  const sorted = [...families].sort((a, b) => compareText(a.name, b.name));
  for (const family of sorted)
    for (const metric of family.metrics)
      for (const sample of samplesOf(family, metric, extra, nowMs))
        request.bytesField(1, seriesBytes(sample));
  const metadata = new ProtobufWriter();
  for (const { name, type, help } of sorted) {
    metadata.clear();
    metadata.unsignedField(1, metadataTypes[type]);
    metadata.textField(2, name);
    metadata.textField(4, help);
    request.bytesField(3, metadata.bytes());
  }
  return request.bytes();
}
