// SPDX-License-Identifier: Apache-2.0
// Families as protobuf: delimited messages io.prometheus.client.MetricFamily, the counterpart of
// exposition/protobuf.ts.

import { ProtobufWriter, WireType } from '../encoding/index.ts';
import type {
  Distribution,
  FamilyType,
  LabelPairs,
  Metric,
  MetricExemplar,
  MetricFamily,
} from '../model/index.ts';

/** MetricType's numbers. */
const typeNumbers: Readonly<Record<FamilyType, number>> = {
  counter: 0,
  gauge: 1,
  summary: 2,
  untyped: 3,
  histogram: 4,
  gaugehistogram: 5,
};
/** The field of Metric that holds the value of a type. */
const valueFields: Readonly<Record<FamilyType, number>> = {
  gauge: 2,
  counter: 3,
  summary: 4,
  untyped: 5,
  histogram: 7,
  gaugehistogram: 7,
};

/** Writes messages with scratch space of its own, which is reused. */
export class ProtobufFamilyWriter {
  private readonly label = new ProtobufWriter(128);
  private readonly inner = new ProtobufWriter(256);
  private readonly nested = new ProtobufWriter(64);
  private readonly exemplar = new ProtobufWriter(64);
  private readonly metric = new ProtobufWriter(512);

  private writeLabels(into: ProtobufWriter, labels: LabelPairs): void {
    const { label } = this;
    for (let i = 0; i < labels.length; i += 2) {
      label.clear();
      label.textField(1, labels[i]!);
      label.textField(2, labels[i + 1]!);
      into.bytesField(1, label.bytes());
    }
  }

  private timestampField(into: ProtobufWriter, field: number, ms: number): void {
    const time = new ProtobufWriter(24);
    const seconds = Math.floor(ms / 1000);
    time.signedField(1, seconds);
    const nanos = Math.round((ms - seconds * 1000) * 1e6);
    if (nanos > 0) time.signedField(2, nanos);
    into.bytesField(field, time.bytes());
  }

  private exemplarField(into: ProtobufWriter, field: number, of: MetricExemplar): void {
    const { exemplar } = this;
    exemplar.clear();
    this.writeLabels(exemplar, of.labels);
    exemplar.doubleField(2, of.value);
    if (of.timeMs !== undefined) this.timestampField(exemplar, 3, of.timeMs);
    into.bytesField(field, exemplar.bytes());
  }

  private writeSummary(distribution: Distribution, createdMs: number | undefined): void {
    const { inner, nested } = this;
    inner.unsignedField(1, distribution.count);
    inner.doubleField(2, distribution.sum);
    for (const { bound, value } of distribution.points) {
      nested.clear();
      nested.doubleField(1, bound);
      nested.doubleField(2, value);
      inner.bytesField(3, nested.bytes());
    }
    if (createdMs !== undefined) this.timestampField(inner, 4, createdMs);
  }

  private writeHistogram(distribution: Distribution, createdMs: number | undefined): void {
    const { inner, nested } = this;
    const isFloat = distribution.isFloat === true;
    if (!isFloat) inner.unsignedField(1, distribution.count);
    inner.doubleField(2, distribution.sum);
    for (const { bound, value, exemplar } of distribution.points) {
      nested.clear();
      if (!isFloat) nested.unsignedField(1, value);
      nested.doubleField(2, bound);
      if (exemplar !== undefined) this.exemplarField(nested, 3, exemplar);
      if (isFloat) nested.doubleField(4, value);
      inner.bytesField(3, nested.bytes());
    }
    if (isFloat) inner.doubleField(4, distribution.count);
    if (distribution.native !== undefined) this.writeNative(distribution);
    if (createdMs !== undefined) this.timestampField(inner, 15, createdMs);
    for (const exemplar of distribution.native?.exemplars ?? [])
      this.exemplarField(inner, 16, exemplar);
  }

  private writeNative({ native, isFloat }: Distribution): void {
    if (native === undefined) return;
    const { inner } = this;
    inner.zigzagField(5, native.schema);
    inner.doubleField(6, native.zeroThreshold);
    if (isFloat === true) inner.doubleField(8, native.zeroCount);
    else inner.unsignedField(7, native.zeroCount);
    this.bucketFields(9, native.negativeSpans, native.negativeBuckets, isFloat === true);
    this.bucketFields(12, native.positiveSpans, native.positiveBuckets, isFloat === true);
  }

  /** Spans in `field`; deltas in the next, or counts in the one after it. */
  private bucketFields(
    field: number,
    spans: readonly number[],
    buckets: readonly number[],
    isFloat: boolean,
  ): void {
    const { inner, nested } = this;
    for (let i = 0; i < spans.length; i += 2) {
      nested.clear();
      nested.zigzagField(1, spans[i]!);
      nested.unsignedField(2, spans[i + 1]!);
      inner.bytesField(field, nested.bytes());
    }
    for (const bucket of buckets) {
      if (isFloat) inner.doubleField(field + 2, bucket);
      else inner.zigzagField(field + 1, bucket);
    }
  }

  /** Appends the metric as a field of its MetricFamily: key, length, message. */
  metricField(into: ProtobufWriter, type: FamilyType, metric: Metric): void {
    const { inner, metric: message } = this;
    message.clear();
    this.writeLabels(message, metric.labels);
    inner.clear();
    if (metric.distribution === undefined) {
      inner.doubleField(1, metric.value);
      if (type === 'counter') {
        if (metric.exemplar !== undefined) this.exemplarField(inner, 2, metric.exemplar);
        if (metric.createdMs !== undefined) this.timestampField(inner, 3, metric.createdMs);
      }
    } else if (type === 'summary') this.writeSummary(metric.distribution, metric.createdMs);
    else this.writeHistogram(metric.distribution, metric.createdMs);
    message.bytesField(valueFields[type], inner.bytes());
    if (metric.timestampMs !== undefined) message.signedField(6, metric.timestampMs);
    into.bytesField(4, message.bytes());
  }

  /** Appends name, help, type and unit: the fields of a MetricFamily that are not metrics. */
  headFields(into: ProtobufWriter, family: Omit<MetricFamily, 'metrics'>): void {
    into.textField(1, family.name);
    if (family.help !== '') into.textField(2, family.help);
    into.key(3, WireType.varint);
    into.uvarint(typeNumbers[family.type]);
    if (family.unit !== undefined && family.unit !== '') into.textField(5, family.unit);
  }
}

/** The families as delimited messages, in the order given. */
export function writeProtobuf(families: readonly MetricFamily[]): Uint8Array {
  const writer = new ProtobufFamilyWriter();
  const page = new ProtobufWriter(4096);
  const message = new ProtobufWriter(1024);
  for (const family of families) {
    message.clear();
    writer.headFields(message, family);
    for (const metric of family.metrics) writer.metricField(message, family.type, metric);
    const bytes = message.bytes();
    page.uvarint(bytes.length);
    page.raw(bytes);
  }
  return page.bytes();
}
