// SPDX-License-Identifier: Apache-2.0
// The protobuf exposition: messages io.prometheus.client.MetricFamily, each after its length as a varint.
// Numbers of fields are those of client_model's metrics.proto.

import { ProtobufReader, TruncatedError } from '../encoding/index.ts';
import type {
  Distribution,
  DistributionPoint,
  FamilyType,
  LabelPairs,
  Metric,
  MetricExemplar,
  MetricFamily,
  NativeBuckets,
} from '../model/index.ts';
import { compareText } from '../model/index.ts';

/** MetricType's numbers. */
const familyTypes: readonly FamilyType[] = [
  'counter',
  'gauge',
  'summary',
  'untyped',
  'histogram',
  'gaugehistogram',
];

/** Pairs sorted by name; a name that comes twice stays twice, for the caller to judge. */
function sortedPairs(pairs: string[]): LabelPairs {
  let sorted = true;
  for (let i = 2; sorted && i < pairs.length; i += 2) {
    sorted = compareText(pairs[i - 2]!, pairs[i]!) <= 0;
  }
  if (sorted) return pairs;
  const order: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) order.push(i);
  order.sort((a, b) => compareText(pairs[a]!, pairs[b]!));
  return order.flatMap((i) => [pairs[i]!, pairs[i + 1]!]);
}

function readLabelPair(reader: ProtobufReader, into: string[]): void {
  const outer = reader.enter();
  let name = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) value = reader.text();
    else reader.skip();
  }
  reader.leave(outer);
  into.push(name, value);
}

/** google.protobuf.Timestamp as milliseconds, with fractions. */
function readTimestamp(reader: ProtobufReader): number {
  const outer = reader.enter();
  let ms = 0;
  while (reader.next()) {
    if (reader.field === 1) ms += reader.signed() * 1000;
    else if (reader.field === 2) ms += reader.signed() / 1e6;
    else reader.skip();
  }
  reader.leave(outer);
  return ms;
}

function readExemplar(reader: ProtobufReader): MetricExemplar {
  const outer = reader.enter();
  const labels: string[] = [];
  let value = 0;
  let timeMs: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) readLabelPair(reader, labels);
    else if (reader.field === 2) value = reader.double();
    else if (reader.field === 3) timeMs = readTimestamp(reader);
    else reader.skip();
  }
  reader.leave(outer);
  return { labels: sortedPairs(labels), value, ...(timeMs === undefined ? {} : { timeMs }) };
}

/** What a metric is made of while it is read. */
interface OpenMetric {
  value: number;
  distribution?: Distribution;
  timestampMs?: number;
  createdMs?: number;
  exemplar?: MetricExemplar;
}

/** Counter (value, exemplar, start), gauge and untyped (value). */
function readValue(reader: ProtobufReader, metric: OpenMetric, isCounter: boolean): void {
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) metric.value = reader.double();
    else if (!isCounter) reader.skip();
    else if (reader.field === 2) metric.exemplar = readExemplar(reader);
    else if (reader.field === 3) metric.createdMs = readTimestamp(reader);
    else reader.skip();
  }
  reader.leave(outer);
}

function readQuantile(reader: ProtobufReader): DistributionPoint {
  const outer = reader.enter();
  let bound = 0;
  let value = 0;
  while (reader.next()) {
    if (reader.field === 1) bound = reader.double();
    else if (reader.field === 2) value = reader.double();
    else reader.skip();
  }
  reader.leave(outer);
  return { bound, value };
}

function readSummary(reader: ProtobufReader, metric: OpenMetric): void {
  const outer = reader.enter();
  const points: DistributionPoint[] = [];
  let count = 0;
  let sum = 0;
  while (reader.next()) {
    if (reader.field === 1) count = reader.unsigned();
    else if (reader.field === 2) sum = reader.double();
    else if (reader.field === 3) points.push(readQuantile(reader));
    else if (reader.field === 4) metric.createdMs = readTimestamp(reader);
    else reader.skip();
  }
  reader.leave(outer);
  metric.distribution = { count, sum, points };
}

function readBucket(reader: ProtobufReader): DistributionPoint {
  const outer = reader.enter();
  let bound = 0;
  let count = 0;
  let floatCount = 0;
  let exemplar: MetricExemplar | undefined;
  while (reader.next()) {
    if (reader.field === 1) count = reader.unsigned();
    else if (reader.field === 2) bound = reader.double();
    else if (reader.field === 3) exemplar = readExemplar(reader);
    else if (reader.field === 4) floatCount = reader.double();
    else reader.skip();
  }
  reader.leave(outer);
  const value = floatCount > 0 ? floatCount : count;
  return exemplar === undefined ? { bound, value } : { bound, value, exemplar };
}

/** BucketSpan: offset from the end of the one before, length. */
function readSpan(reader: ProtobufReader, into: number[]): void {
  const outer = reader.enter();
  let offset = 0;
  let length = 0;
  while (reader.next()) {
    if (reader.field === 1) offset = reader.zigzag();
    else if (reader.field === 2) length = reader.unsigned();
    else reader.skip();
  }
  reader.leave(outer);
  into.push(offset, length);
}

/** The fields of a Histogram message, before it is known what kind it is. */
class HistogramFields {
  count = 0;
  sum = 0;
  floatCount = 0;
  readonly points: DistributionPoint[] = [];
  schema: number | undefined;
  zeroThreshold = 0;
  zeroCount = 0;
  zeroFloatCount = 0;
  readonly negativeSpans: number[] = [];
  readonly negativeDeltas: number[] = [];
  readonly negativeCounts: number[] = [];
  readonly positiveSpans: number[] = [];
  readonly positiveDeltas: number[] = [];
  readonly positiveCounts: number[] = [];
  readonly exemplars: MetricExemplar[] = [];

  /** Takes the field that the reader stands on; false for one of the sparse part. */
  classic(reader: ProtobufReader, metric: OpenMetric): boolean {
    if (reader.field === 1) this.count = reader.unsigned();
    else if (reader.field === 2) this.sum = reader.double();
    else if (reader.field === 3) this.points.push(readBucket(reader));
    else if (reader.field === 4) this.floatCount = reader.double();
    else if (reader.field === 15) metric.createdMs = readTimestamp(reader);
    else return false;
    return true;
  }

  sparse(reader: ProtobufReader): void {
    if (reader.field === 5) this.schema = reader.zigzag();
    else if (reader.field === 6) this.zeroThreshold = reader.double();
    else if (reader.field === 7) this.zeroCount = reader.unsigned();
    else if (reader.field === 8) this.zeroFloatCount = reader.double();
    else if (reader.field === 9) readSpan(reader, this.negativeSpans);
    else if (reader.field === 10) reader.zigzags(this.negativeDeltas);
    else if (reader.field === 11) reader.doubles(this.negativeCounts);
    else if (reader.field === 12) readSpan(reader, this.positiveSpans);
    else if (reader.field === 13) reader.zigzags(this.positiveDeltas);
    else if (reader.field === 14) reader.doubles(this.positiveCounts);
    else if (reader.field === 16) this.exemplars.push(readExemplar(reader));
    else reader.skip();
  }

  /** As in upstream: sparse where there is a span, or a zero bucket that is open or counted. */
  get isNative(): boolean {
    return (
      this.negativeSpans.length > 0 ||
      this.positiveSpans.length > 0 ||
      this.zeroThreshold > 0 ||
      this.zeroCount > 0 ||
      this.zeroFloatCount > 0
    );
  }

  distribution(): Distribution {
    const isFloat = this.floatCount > 0 || this.zeroFloatCount > 0;
    const { sum, points } = this;
    const count = isFloat ? this.floatCount : this.count;
    const kind = isFloat ? { isFloat } : {};
    if (!this.isNative) return { count, sum, points, ...kind };
    const native: NativeBuckets = {
      schema: this.schema ?? 0,
      zeroThreshold: this.zeroThreshold,
      zeroCount: isFloat ? this.zeroFloatCount : this.zeroCount,
      negativeSpans: this.negativeSpans,
      negativeBuckets: isFloat ? this.negativeCounts : this.negativeDeltas,
      positiveSpans: this.positiveSpans,
      positiveBuckets: isFloat ? this.positiveCounts : this.positiveDeltas,
      exemplars: this.exemplars,
    };
    return { count, sum, points, ...kind, native };
  }
}

function readHistogram(reader: ProtobufReader, metric: OpenMetric): void {
  const outer = reader.enter();
  const fields = new HistogramFields();
  while (reader.next()) {
    if (!fields.classic(reader, metric)) fields.sparse(reader);
  }
  reader.leave(outer);
  metric.distribution = fields.distribution();
}

/** Field of Metric → the type it is the value of. */
const kinds: Readonly<Record<number, FamilyType>> = {
  2: 'gauge',
  3: 'counter',
  4: 'summary',
  5: 'untyped',
  7: 'histogram',
};

/** A metric before its family's type is known for sure, with the kinds of value it brought. */
interface ReadMetric {
  readonly metric: Metric;
  readonly found: readonly FamilyType[];
}

function readMetric(reader: ProtobufReader): ReadMetric {
  const outer = reader.enter();
  const labels: string[] = [];
  const found: FamilyType[] = [];
  const metric: OpenMetric = { value: 0 };
  while (reader.next()) {
    const kind = kinds[reader.field];
    if (kind !== undefined) {
      found.push(kind);
      if (kind === 'summary') readSummary(reader, metric);
      else if (kind === 'histogram') readHistogram(reader, metric);
      else readValue(reader, metric, kind === 'counter');
    } else if (reader.field === 1) readLabelPair(reader, labels);
    else if (reader.field === 6) metric.timestampMs = reader.signed();
    else reader.skip();
  }
  reader.leave(outer);
  return { metric: { labels: sortedPairs(labels), ...metric }, found };
}

/** The metric, marked where it has not the kind of value that its family is of. */
function judged({ metric, found }: ReadMetric, type: FamilyType): Metric {
  const wanted = type === 'gaugehistogram' ? 'histogram' : type;
  if (found.includes(wanted)) return metric;
  return { ...metric, strayKind: found[0] ?? 'none' };
}

/**
 * Reads one MetricFamily message, which fills `bytes[start, end)`. Labels of each metric are sorted by
 * name. Counts above 2^53 lose digits.
 * @throws DecodeError
 */
export function parseProtobufFamily(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): MetricFamily {
  const reader = new ProtobufReader(bytes, start, end);
  const read: ReadMetric[] = [];
  let name = '';
  let help = '';
  let unit = '';
  let type: FamilyType = 'counter';
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) help = reader.text();
    else if (reader.field === 3) type = familyTypes[reader.unsigned()] ?? 'counter';
    else if (reader.field === 4) read.push(readMetric(reader));
    else if (reader.field === 5) unit = reader.text();
    else reader.skip();
  }
  const metrics = read.map((each) => judged(each, type));
  return { name, help, type, metrics, ...(unit === '' ? {} : { unit }) };
}

/**
 * The metrics in `bytes[start, end)`, which holds nothing but the metric fields of a MetricFamily of
 * `type`. @throws DecodeError
 */
export function parseProtobufMetrics(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: FamilyType,
): Metric[] {
  const reader = new ProtobufReader(bytes, start, end);
  const metrics: Metric[] = [];
  while (reader.next()) {
    if (reader.field === 4) metrics.push(judged(readMetric(reader), type));
    else reader.skip();
  }
  return metrics;
}

/**
 * Reads a body of delimited MetricFamily messages, in their order; a name may come more than once.
 * @throws DecodeError; TruncatedError where the body ends in the middle of a message
 */
export function parseProtobufFamilies(bytes: Uint8Array): MetricFamily[] {
  const families: MetricFamily[] = [];
  const reader = new ProtobufReader(bytes);
  while (reader.position < bytes.length) {
    const length = reader.uvarint();
    const end = reader.position + length;
    if (end > bytes.length) throw new TruncatedError('unexpected EOF');
    families.push(parseProtobufFamily(bytes, reader.position, end));
    reader.position = end;
  }
  return families;
}
