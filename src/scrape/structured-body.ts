// SPDX-License-Identifier: Apache-2.0
// Bodies that are more than lines: protobuf, and text whose classic histograms become native ones. They are
// written anew as text in the shared memory, which then takes the usual way. Each native histogram stands in
// that text as one sample under its family's name with the sum as its value, before everything else; once the
// text is in the batch, the histograms are put beside those samples. So limits, relabelling, the series cache
// and staleness are the same for all formats.

import type { Clock } from '../base/index.ts';
import { DecodeError, ProtobufReader, TruncatedError } from '../encoding/index.ts';
import {
  ExpositionError,
  type ExpositionFormat,
  ExpositionParser,
  parseProtobufFamily,
  readFloat,
} from '../exposition/index.ts';
import { openMetricsLines, textHead, textLines } from '../metrics/index.ts';
import type {
  Distribution,
  DistributionPoint,
  Metric,
  MetricExemplar,
  MetricFamily,
} from '../model/index.ts';
import {
  BUCKET_LABEL,
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  EXPONENTIAL_SCHEMA_MAX,
  EXPONENTIAL_SCHEMA_MAX_RESERVED,
  EXPONENTIAL_SCHEMA_MIN,
  Histogram,
  HistogramError,
  METRIC_NAME,
  reduceResolution,
  validateHistogram,
} from '../model/index.ts';
import { YIELD_AFTER_MS } from './limits.ts';
import type { ScrapeOptions } from './options.ts';
import type { StartLine } from './start-times.ts';

/** The parts of the options that decide what becomes of histograms. */
export type HistogramOptions = Pick<
  ScrapeOptions,
  | 'scrapeNativeHistograms'
  | 'alwaysScrapeClassicHistograms'
  | 'convertClassicHistogramsToNhcb'
  | 'nativeHistogramBucketLimit'
  | 'nativeHistogramMinBucketFactor'
>;

/** A native histogram and where its line is in the text. */
export interface NativeLine {
  readonly histogram: Histogram;
  /** Byte offset of the series in the text, and its length: name and labels. */
  readonly start: number;
  readonly length: number;
}

/** Exemplars of one line of the text, which has no words for them. Places as in {@link NativeLine}. */
export interface ExemplarLine {
  readonly start: number;
  readonly length: number;
  readonly exemplars: readonly MetricExemplar[];
  /** The time that the sample brought. */
  readonly timestampMs: number | undefined;
}

export interface StructuredBody {
  readonly text: Uint8Array;
  readonly natives: readonly NativeLine[];
  readonly exemplars: readonly ExemplarLine[];
  /** Start times, where they are wanted. */
  readonly starts: readonly StartLine[];
}

/** What is kept beside the text. */
export interface KeptBeside {
  readonly exemplars: boolean;
  readonly starts: boolean;
}

/** A body that cannot be taken; the message is upstream's where upstream has one. */
export class StructuredBodyError extends Error {
  override name = 'StructuredBodyError';
}

/** The finest schema that keeps to a factor between neighbouring bounds; 0 = any. */
export function finestSchema(minBucketFactor: number): number {
  if (minBucketFactor <= 1) return EXPONENTIAL_SCHEMA_MAX;
  const schema = Math.floor(-Math.log2(Math.log2(minBucketFactor)));
  return Math.min(EXPONENTIAL_SCHEMA_MAX, Math.max(EXPONENTIAL_SCHEMA_MIN, schema));
}

/** Absolute counts from what is on the wire: deltas of integers, counts of floats. */
function absoluteCounts(values: readonly number[], isFloat: boolean): Float64Array {
  const counts = Float64Array.from(values);
  if (!isFloat) for (let i = 1; i < counts.length; i++) counts[i]! += counts[i - 1]!;
  return counts;
}

function nativeHistogram(distribution: Distribution, isGauge: boolean): Histogram | undefined {
  const { native } = distribution;
  if (native === undefined) return undefined;
  const isFloat = distribution.isFloat === true;
  const h = new Histogram({
    counterResetHint: isGauge ? CounterResetHint.gauge : CounterResetHint.unknown,
    schema: native.schema,
    zeroThreshold: native.zeroThreshold,
    zeroCount: native.zeroCount,
    count: distribution.count,
    sum: distribution.sum,
    positiveSpans: Int32Array.from(native.positiveSpans),
    positiveBuckets: absoluteCounts(native.positiveBuckets, isFloat),
    negativeSpans: Int32Array.from(native.negativeSpans),
    negativeBuckets: absoluteCounts(native.negativeBuckets, isFloat),
    isFloat,
  });
  const isReserved =
    h.schema > EXPONENTIAL_SCHEMA_MAX && h.schema <= EXPONENTIAL_SCHEMA_MAX_RESERVED;
  return isReserved ? reduceResolution(h, EXPONENTIAL_SCHEMA_MAX) : h;
}

/** A classic histogram with its buckets as custom ones: "NHCB". */
function customBuckets(distribution: Distribution, isGauge: boolean): Histogram {
  const points = [...distribution.points].sort((a, b) => a.bound - b.bound);
  const bounds: number[] = [];
  const counts: number[] = [];
  let below = 0;
  for (const { bound, value } of points) {
    if (bound === Number.POSITIVE_INFINITY || Number.isNaN(bound)) continue;
    bounds.push(bound);
    counts.push(value - below);
    below = value;
  }
  counts.push(distribution.count - below);
  return new Histogram({
    counterResetHint: isGauge ? CounterResetHint.gauge : CounterResetHint.unknown,
    schema: CUSTOM_BUCKETS_SCHEMA,
    count: distribution.count,
    sum: distribution.sum,
    positiveSpans: Int32Array.of(0, counts.length),
    positiveBuckets: Float64Array.from(counts),
    customValues: Float64Array.from(bounds),
    isFloat: distribution.isFloat === true,
  });
}

const bucketCount = (h: Histogram): number => h.positiveBuckets.length + h.negativeBuckets.length;

/** Within the job's limits, by widening buckets where that helps. @throws StructuredBodyError */
function limited(histogram: Histogram, options: HistogramOptions): Histogram {
  const { nativeHistogramBucketLimit: limit, nativeHistogramMinBucketFactor: factor } = options;
  let h = histogram;
  if (h.usesCustomBuckets) {
    if (limit > 0 && bucketCount(h) > limit)
      throw new StructuredBodyError('histogram bucket limit exceeded');
    return h;
  }
  const finest = finestSchema(factor);
  if (factor > 0 && h.schema > finest) h = reduceResolution(h, finest);
  while (limit > 0 && bucketCount(h) > limit) {
    if (h.schema <= EXPONENTIAL_SCHEMA_MIN)
      throw new StructuredBodyError('histogram bucket limit exceeded');
    h = reduceResolution(h, h.schema - 1);
  }
  return h;
}

const NEWLINE = 10;
const encoder = new TextEncoder();

/** The exemplars of a metric by the line of the text format that shows it. */
function exemplarsByLine({ exemplar, distribution }: Metric): (MetricExemplar | undefined)[] {
  if (distribution === undefined) return exemplar === undefined ? [] : [exemplar];
  const found = distribution.points.map((point) => point.exemplar);
  return found.some((one) => one !== undefined) ? found : [];
}

/** Of a native histogram: its own, else those of its classic buckets; without a time they do not count. */
function nativeExemplars({ native, points }: Distribution): MetricExemplar[] {
  const hasTime = (one: MetricExemplar | undefined): one is MetricExemplar =>
    one?.timeMs !== undefined;
  const own = native?.exemplars ?? [];
  const all = own.length > 0 ? own : points.map(({ exemplar }) => exemplar);
  return all.filter(hasTime).sort((a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0));
}

/** Writes families as text; native histograms apart from the rest. */
class BodyWriter {
  private readonly options: HistogramOptions;
  private readonly lines: (family: MetricFamily) => string;
  // Pieces, not one growing text: that would be a rope, which is slow to encode.
  private readonly nativePieces: string[] = [];
  private readonly classicPieces: string[] = [];
  private readonly natives: { histogram: Histogram; start: number; length: number }[] = [];
  /** Bytes of the native pieces: offsets are in bytes. */
  private nativeBytes = 0;
  private readonly keeps: KeptBeside;
  private readonly nativeStarts: StartLine[] = [];
  /** Offsets count from the first classic piece. */
  private readonly classicStarts: StartLine[] = [];
  private readonly nativeExemplarLines: ExemplarLine[] = [];
  /** Offsets count from the first classic piece. */
  private readonly classicExemplarLines: ExemplarLine[] = [];
  /** Counted only where something is kept beside. */
  private classicBytes = 0;

  /** @param lines  writes samples in the format of the body */
  constructor(
    options: HistogramOptions,
    keeps: KeptBeside,
    lines: (family: MetricFamily) => string = textLines,
  ) {
    this.options = options;
    this.keeps = keeps;
    this.lines = lines;
  }

  private addClassic(text: string): void {
    this.classicPieces.push(text);
    if (this.keepsBeside) this.classicBytes += encoder.encode(text).length;
  }

  private classic(family: MetricFamily): void {
    this.addClassic(textHead(family));
    if (!this.keepsBeside) {
      this.addClassic(textLines(family));
      return;
    }
    for (const metric of family.metrics) {
      const text = textLines({ ...family, metrics: [metric] });
      if (this.keeps.exemplars) this.noteExemplars(metric, text);
      if (this.keeps.starts) this.noteStarts(metric, text);
      this.addClassic(text);
    }
  }

  private get keepsBeside(): boolean {
    return this.keeps.exemplars || this.keeps.starts;
  }

  /** Notes the start time of all lines of `text`, which comes next. */
  private noteStarts({ createdMs, timestampMs }: Metric, text: string): void {
    if (createdMs === undefined) return;
    let start = this.classicBytes;
    for (const line of text.split('\n')) {
      const { length } = encoder.encode(seriesText(line, timestampMs));
      if (length > 0) this.classicStarts.push({ start, length, timeMs: createdMs });
      start += encoder.encode(line).length + 1;
    }
  }

  /** Notes where in `text`, which comes next, the exemplars of a metric belong. */
  private noteExemplars(metric: Metric, text: string): void {
    const found = exemplarsByLine(metric);
    if (found.length === 0) return;
    const { timestampMs } = metric;
    let start = this.classicBytes;
    for (const [i, line] of text.split('\n').entries()) {
      const exemplar = found[i];
      if (exemplar !== undefined) {
        const { length } = encoder.encode(seriesText(line, timestampMs));
        this.classicExemplarLines.push({ start, length, exemplars: [exemplar], timestampMs });
      }
      start += encoder.encode(line).length + 1;
    }
  }

  private startLines(): StartLine[] {
    const moved = this.classicStarts.map((line) => ({
      ...line,
      start: line.start + this.nativeBytes,
    }));
    return this.nativeStarts.concat(moved);
  }

  /** Places count in the whole text from now on. */
  private exemplarLines(): ExemplarLine[] {
    const moved = this.classicExemplarLines.map((line) => ({
      ...line,
      start: line.start + this.nativeBytes,
    }));
    return this.nativeExemplarLines.concat(moved);
  }

  private addNative(text: string): void {
    this.nativePieces.push(text);
    this.nativeBytes += encoder.encode(text).length;
  }

  private histogramOf(metric: Metric, isGauge: boolean): Histogram | undefined {
    const { distribution } = metric;
    if (distribution === undefined) return undefined;
    const { scrapeNativeHistograms, convertClassicHistogramsToNhcb } = this.options;
    const native = scrapeNativeHistograms ? nativeHistogram(distribution, isGauge) : undefined;
    if (native !== undefined) return native;
    return convertClassicHistogramsToNhcb && distribution.points.length > 0
      ? customBuckets(distribution, isGauge)
      : undefined;
  }

  /** @throws StructuredBodyError, HistogramError */
  family(family: MetricFamily): void {
    const { name, help, type, metrics } = family;
    if (metrics.some(({ strayKind }) => strayKind !== undefined))
      throw new StructuredBodyError(`metric family ${name} has a metric that is not a ${type}`);
    const isHistogram = type === 'histogram' || type === 'gaugehistogram';
    // The text format has no word for gauge histograms.
    const about = { name, help, type: isHistogram ? ('histogram' as const) : type };
    const classic: Metric[] = [];
    let isFirst = true;
    for (const metric of metrics) {
      const found = isHistogram ? this.histogramOf(metric, type === 'gaugehistogram') : undefined;
      if (found === undefined) {
        classic.push(metric);
        continue;
      }
      if (isFirst) this.addNative(textHead(about));
      isFirst = false;
      this.native(name, metric, found);
      const hasBuckets = (metric.distribution?.points.length ?? 0) > 0;
      if (this.options.alwaysScrapeClassicHistograms && hasBuckets) classic.push(metric);
    }
    if (classic.length > 0) this.classic({ ...about, metrics: classic });
  }

  /** A classic histogram as one of custom buckets. @throws StructuredBodyError, HistogramError */
  converted(name: string, metric: Metric, distribution: Distribution, isGauge: boolean): void {
    this.native(name, { ...metric, distribution }, customBuckets(distribution, isGauge));
  }

  private native(name: string, metric: Metric, found: Histogram): void {
    const histogram = limited(found, this.options);
    validateHistogram(histogram);
    const { labels, timestampMs } = metric;
    const sample: Metric = {
      labels,
      value: histogram.sum,
      ...(timestampMs === undefined ? {} : { timestampMs }),
    };
    // Untyped, so that it is one line.
    const line = this.lines({ name, help: '', type: 'untyped', metrics: [sample] });
    const bare = [{ ...sample, labels: [] }];
    const rest = this.lines({ name: 'x', help: '', type: 'untyped', metrics: bare }).length;
    // ` VALUE[ TIME]\n` is what follows the series; after the name "x" it is all there is.
    const length = encoder.encode(line).length - (rest - 1);
    const start = this.nativeBytes;
    this.natives.push({ histogram, start, length });
    if (this.keeps.starts && metric.createdMs !== undefined) {
      this.nativeStarts.push({ start, length, timeMs: metric.createdMs });
    }
    if (this.keeps.exemplars && metric.distribution !== undefined) {
      const exemplars = nativeExemplars(metric.distribution);
      if (exemplars.length > 0)
        this.nativeExemplarLines.push({ start, length, exemplars, timestampMs });
    }
    this.addNative(line);
  }

  /** Native histograms only, with `rest` behind them. */
  finishWith(rest: readonly Uint8Array[]): StructuredBody {
    const first = encoder.encode(this.nativePieces.join(''));
    let length = first.length;
    for (const part of rest) length += part.length;
    const text = new Uint8Array(length);
    text.set(first);
    let at = first.length;
    for (const part of rest) {
      text.set(part, at);
      at += part.length;
    }
    const exemplars = this.exemplarLines();
    return { text, natives: this.natives, exemplars, starts: this.startLines() };
  }

  finish(): StructuredBody {
    const text = this.nativePieces.concat(this.classicPieces).join('');
    const exemplars = this.exemplarLines();
    const starts = this.startLines();
    return { text: encoder.encode(text), natives: this.natives, exemplars, starts };
  }
}

/** Series of a line: what stands before the value and maybe the time. */
function seriesText(line: string, timestampMs: number | undefined): string {
  let end = line.lastIndexOf(' ');
  if (timestampMs !== undefined) end = line.lastIndexOf(' ', end - 1);
  return line.slice(0, Math.max(0, end));
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(0, resolve);
  });
}

/** Error of a body as one that fails the scrape; bugs stay bugs. */
function asBodyError(error: unknown): StructuredBodyError {
  const isBad = error instanceof DecodeError || error instanceof HistogramError;
  if (isBad) return new StructuredBodyError(error.message, { cause: error });
  if (error instanceof StructuredBodyError) return error;
  throw error;
}

/**
 * A protobuf body as text and native histograms. Gives way to others now and then.
 * @throws StructuredBodyError
 */
export async function rewriteProtobuf(
  bytes: Uint8Array,
  options: HistogramOptions,
  clock: Clock,
  keeps: KeptBeside,
): Promise<StructuredBody> {
  const writer = new BodyWriter(options, keeps);
  let yielded = clock.monotonicMs();
  try {
    const reader = new ProtobufReader(bytes);
    while (reader.position < bytes.length) {
      const length = reader.uvarint();
      const end = reader.position + length;
      if (end > bytes.length) throw new TruncatedError('unexpected EOF');
      writer.family(parseProtobufFamily(bytes, reader.position, end));
      reader.position = end;
      if (clock.monotonicMs() - yielded < YIELD_AFTER_MS) continue;
      await pause(clock);
      yielded = clock.monotonicMs();
    }
    return writer.finish();
  } catch (error) {
    throw asBodyError(error);
  }
}

/** A classic histogram while its lines are collected. */
interface ClassicHistogram {
  readonly name: string;
  readonly labels: readonly string[];
  readonly isGauge: boolean;
  count: number;
  sum: number;
  readonly points: DistributionPoint[];
  timestampMs: number | undefined;
  /** Its lines in the body: [start, end, …]. */
  readonly lines: number[];
}

/** The exemplar of the line that was just parsed, as a field of its bucket. */
function exemplarOf({ exemplar }: ExpositionParser): { exemplar?: MetricExemplar } {
  if (exemplar === undefined) return {};
  const { value, timeMs } = exemplar;
  const labels = exemplar.labels.flatMap((label) => [label.name, label.value]);
  return { exemplar: { labels, value, ...(timeMs === undefined ? {} : { timeMs }) } };
}

/** Walks a body of lines and takes its classic histograms out. */
class ClassicCollector {
  private readonly bytes: Uint8Array;
  private readonly parser: ExpositionParser;
  private readonly keepsLines: boolean;
  readonly histograms = new Map<string, ClassicHistogram>();
  /** What stays as it is. */
  readonly rest: Uint8Array[] = [];
  private restStart = 0;
  private family = '';
  private isGauge = false;

  constructor(bytes: Uint8Array, format: ExpositionFormat, keepsLines: boolean) {
    this.bytes = bytes;
    this.parser = new ExpositionParser(format);
    this.parser.reset(bytes);
    this.keepsLines = keepsLines;
  }

  /** @throws ExpositionError */
  walk(): void {
    const { parser, bytes } = this;
    for (;;) {
      const start = parser.position;
      const kind = parser.next();
      if (kind === 'end') break;
      if (kind === 'type') {
        this.isGauge = parser.metricType === 'gaugehistogram';
        const isHistogram = parser.metricType === 'histogram' || this.isGauge;
        this.family = isHistogram ? parser.metricName : '';
      } else if (kind === 'sample' && this.family !== '') this.sample(start);
    }
    this.rest.push(bytes.subarray(this.restStart));
  }

  private sample(start: number): void {
    const { parser, bytes } = this;
    const all = parser.labels();
    const name = all.find((label) => label.name === METRIC_NAME)?.value ?? '';
    if (!name.startsWith(this.family)) return;
    const suffix = name.slice(this.family.length);
    if (!/^_(bucket|g?sum|g?count)$/.test(suffix)) return;
    const labels = all
      .filter((label) => label.name !== METRIC_NAME && label.name !== BUCKET_LABEL)
      .flatMap((label) => [label.name, label.value]);
    const histogram = this.histogramOf(labels);
    const { value, timeMs } = parser;
    if (suffix.endsWith('sum')) histogram.sum = value;
    else if (suffix.endsWith('count')) histogram.count = value;
    else {
      const le = all.find((label) => label.name === BUCKET_LABEL)?.value ?? '';
      const bound = readFloat(le);
      if (bound !== undefined) histogram.points.push({ bound, value, ...exemplarOf(parser) });
    }
    histogram.timestampMs ??= timeMs;
    const end = Math.min(parser.position, bytes.length);
    histogram.lines.push(start, end);
    if (this.keepsLines) return;
    this.rest.push(bytes.subarray(this.restStart, start));
    this.restStart = end;
  }

  private histogramOf(labels: readonly string[]): ClassicHistogram {
    const key = `${this.family}\xff${labels.join('\xff')}`;
    let histogram = this.histograms.get(key);
    if (histogram === undefined) {
      const { family: name, isGauge } = this;
      const counts = { count: 0, sum: 0, points: [], timestampMs: undefined, lines: [] };
      histogram = { name, labels, isGauge, ...counts };
      this.histograms.set(key, histogram);
    }
    return histogram;
  }
}

/**
 * A body of lines with its classic histograms as native ones, all else as it was; undefined where the
 * format is broken, so that the usual way tells what is wrong with it.
 * @throws StructuredBodyError
 */
export function convertClassicHistograms(
  bytes: Uint8Array,
  format: ExpositionFormat,
  options: HistogramOptions,
  keepsExemplars: boolean,
): StructuredBody | undefined {
  const keepsLines = options.alwaysScrapeClassicHistograms;
  const collector = new ClassicCollector(bytes, format, keepsLines);
  try {
    collector.walk();
  } catch (error) {
    if (error instanceof ExpositionError) return undefined;
    throw error;
  }
  const isOpen = format === 'openmetrics';
  const writer = new BodyWriter(
    options,
    { exemplars: keepsExemplars, starts: false },
    isOpen ? openMetricsLines : textLines,
  );
  const rest: Uint8Array[] = [];
  try {
    for (const { name, labels, isGauge, lines, ...found } of collector.histograms.values()) {
      const { count, sum, points, timestampMs } = found;
      if (points.length > 0) {
        const isFloat = ![count, ...points.map(({ value }) => value)].every(Number.isInteger);
        const time = timestampMs === undefined ? {} : { timestampMs };
        const distribution = { count, sum, points, isFloat };
        writer.converted(name, { labels, value: 0, ...time }, distribution, isGauge);
      } else if (!keepsLines) {
        // Without buckets there is nothing to convert: its lines stay.
        for (let i = 0; i < lines.length; i += 2) {
          rest.push(bytes.subarray(lines[i], lines[i + 1]));
          // The last line of a text needs no line break; here others follow.
          if (bytes[lines[i + 1]! - 1] !== NEWLINE) rest.push(Uint8Array.of(NEWLINE));
        }
      }
    }
  } catch (error) {
    throw asBodyError(error);
  }
  return writer.finishWith(rest.concat(collector.rest));
}
