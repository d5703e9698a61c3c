// SPDX-License-Identifier: Apache-2.0
// hot
// The body of an answer of the HTTP API, from columns straight to bytes.

import { FLOAT_ROW_POINTS_MAX, type FloatRows } from '../../kernels/index.ts';
import { forEachBucket, type Histogram } from '../../model/index.ts';
import type { FanOut } from '../operators/fan-out.ts';
import type { Steps } from '../operators/batch.ts';
import type { LabelSets } from '../operators/label-sets.ts';
import { JsonWriter, timeText } from './json-writer.ts';
import { beginRows, RowTexts } from './row-texts.ts';
import { GridSeries, type Points, type QueryResult, type ResultSeries } from './result.ts';

/** Texts that recur for each point or label, made once. */
class Fragments {
  private readonly pieces = new JsonWriter(4096);
  private readonly ends: number[] = [0];
  private bytes: Uint8Array = new Uint8Array(0);

  /** Appends a piece; the number to write it by. */
  add(write: (writer: JsonWriter) => void): number {
    write(this.pieces);
    this.bytes = this.pieces.finish();
    this.ends.push(this.bytes.length);
    return this.ends.length - 2;
  }

  write(writer: JsonWriter, piece: number): void {
    writer.copy(this.bytes, this.ends[piece]!, this.ends[piece + 1]!);
  }
}

/** Label sets as JSON objects; the text of each name and value is made once. */
class LabelWriter {
  private readonly sets: LabelSets;
  private readonly fragments = new Fragments();
  private readonly pieceOf = new Map<number, number>();

  constructor(sets: LabelSets) {
    this.sets = sets;
  }

  private symbol(writer: JsonWriter, symbol: number): void {
    let piece = this.pieceOf.get(symbol);
    if (piece === undefined) {
      piece = this.fragments.add((pieces) => pieces.string(this.sets.text(symbol)));
      this.pieceOf.set(symbol, piece);
    }
    this.fragments.write(writer, piece);
  }

  write(writer: JsonWriter, set: number): void {
    const { sets } = this;
    const n = sets.size(set);
    writer.raw('{');
    for (let i = 0; i < n; i++) {
      if (i > 0) writer.raw(',');
      this.symbol(writer, sets.nameAt(set, i));
      writer.raw(':');
      this.symbol(writer, sets.valueAt(set, i));
    }
    writer.raw('}');
  }
}

/** `{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}` */
function writeHistogram(writer: JsonWriter, histogram: Histogram): void {
  writer.raw('{"count":');
  writer.quotedNumber(histogram.count);
  writer.raw(',"sum":');
  writer.quotedNumber(histogram.sum);
  let first = true;
  forEachBucket(histogram, (boundary, lower, upper, count) => {
    writer.raw(first ? ',"buckets":[[' : ',[');
    first = false;
    writer.raw(`${boundary},`);
    writer.quotedNumber(lower);
    writer.raw(',');
    writer.quotedNumber(upper);
    writer.raw(',');
    writer.quotedNumber(count);
    writer.raw(']');
  });
  writer.raw(first ? '}' : ']}');
}

/** The points of a series of which some are histograms: floats first, then those. */
function writeMixedPoints(writer: JsonWriter, { times, values, histograms }: Points): void {
  let first = true;
  times.forEach((time, i) => {
    if (histograms?.[i] !== undefined) return;
    writer.raw(first ? ',"values":[[' : ',[');
    first = false;
    writer.time(time);
    writer.raw(',');
    writer.quotedNumber(values[i]!);
    writer.raw(']');
  });
  if (!first) writer.raw(']');
  first = true;
  times.forEach((time, i) => {
    const histogram = histograms?.[i];
    if (histogram === undefined) return;
    writer.raw(first ? ',"histograms":[[' : ',[');
    first = false;
    writer.time(time);
    writer.raw(',');
    writeHistogram(writer, histogram);
    writer.raw(']');
  });
  if (!first) writer.raw(']');
}

function writeVector(
  writer: JsonWriter,
  series: ResultSeries,
  timeMs: number,
  sets: LabelSets,
): void {
  const labels = new LabelWriter(sets);
  for (let i = 0; i < series.count; i++) {
    writer.raw(i > 0 ? ',{"metric":' : '{"metric":');
    labels.write(writer, series.labelSet(i));
    const { values, histograms } = series.points(i);
    const histogram = histograms?.[0];
    writer.raw(histogram === undefined ? ',"value":[' : ',"histogram":[');
    writer.time(timeMs);
    writer.raw(',');
    if (histogram === undefined) writer.quotedNumber(values[0] ?? Number.NaN);
    else writeHistogram(writer, histogram);
    writer.raw(']}');
  }
}

/** Writes the points of a row of floats, with commas between. */
type RowWriter = (values: Float64Array, present: Uint8Array, offset: number) => void;

/** Rows by the kernel. */
function kernelRows(writer: JsonWriter, rows: FloatRows): RowWriter {
  return (values, present, offset) =>
    writer.place(rows.rowBytesMax, (bytes, at) => rows.write(values, present, offset, bytes, at));
}

/** Rows with no kernel: the text of each step's time is made once. */
function plainRows(writer: JsonWriter, steps: Steps): RowWriter {
  const times = new Fragments();
  for (let k = 0; k < steps.count; k++)
    times.add((pieces) => pieces.raw(`[${timeText(steps.startMs + k * steps.stepMs)},`));
  return (values, present, offset) => {
    let first = true;
    for (let k = 0; k < steps.count; k++) {
      if (present[offset + k] === 0) continue;
      if (!first) writer.raw(',');
      first = false;
      times.write(writer, k);
      writer.quotedNumber(values[offset + k]!);
      writer.raw(']');
    }
  };
}

/** Points on the query's steps. */
function writeGrid(
  writer: JsonWriter,
  series: GridSeries,
  sets: LabelSets,
  { floatRows, fanOut }: EncodeOptions,
): void {
  const { steps } = series;
  const { startMs, stepMs, count: stepCount } = steps;
  const rows = stepCount <= FLOAT_ROW_POINTS_MAX ? floatRows?.() : undefined;
  if (rows === undefined) {
    writeRows(writer, series, sets, plainRows(writer, steps), undefined);
    return;
  }
  beginRows(rows, { startMs, stepMs, stepCount });
  const texts = fanOut && RowTexts.begin(series, rows, fanOut);
  try {
    writeRows(writer, series, sets, kernelRows(writer, rows), texts);
  } finally {
    texts?.close();
  }
}

function writeRows(
  writer: JsonWriter,
  series: GridSeries,
  sets: LabelSets,
  writeRow: RowWriter,
  texts: RowTexts | undefined,
): void {
  const { matrix, order } = series;
  const labels = new LabelWriter(sets);
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    writer.raw(i > 0 ? ',{"metric":' : '{"metric":');
    labels.write(writer, matrix.labels[row]!);
    if (matrix.cells(row).hasHistograms) {
      writeMixedPoints(writer, series.points(i));
      writer.raw('}');
      continue;
    }
    writer.raw(',"values":[');
    const text = texts?.row(i);
    if (text === undefined) writeRow(matrix.values(row), matrix.present(row), matrix.offset(row));
    else writer.append(text.bytes, text.start, text.end);
    writer.raw(']}');
  }
}

function writeSamples(writer: JsonWriter, series: ResultSeries, sets: LabelSets): void {
  const labels = new LabelWriter(sets);
  for (let i = 0; i < series.count; i++) {
    writer.raw(i > 0 ? ',{"metric":' : '{"metric":');
    labels.write(writer, series.labelSet(i));
    const points = series.points(i);
    if (points.histograms !== undefined) {
      writeMixedPoints(writer, points);
      writer.raw('}');
      continue;
    }
    writer.raw(',"values":[');
    const { times, values } = points;
    for (let k = 0; k < times.length; k++) {
      writer.raw(k > 0 ? ',[' : '[');
      writer.time(times[k]!);
      writer.raw(',');
      writer.quotedNumber(values[k]!);
      writer.raw(']');
    }
    writer.raw(']}');
  }
}

function writeData(writer: JsonWriter, result: QueryResult, options: EncodeOptions): void {
  switch (result.type) {
    case 'vector':
      writer.raw('[');
      writeVector(writer, result.series, result.timeMs, result.sets);
      writer.raw(']');
      return;
    case 'matrix':
      writer.raw('[');
      if (result.series instanceof GridSeries) {
        writeGrid(writer, result.series, result.sets, options);
      } else writeSamples(writer, result.series, result.sets);
      writer.raw(']');
      return;
    case 'scalar':
    case 'string':
      writer.raw('[');
      writer.time(result.timeMs);
      writer.raw(',');
      if (result.type === 'scalar') writer.quotedNumber(result.value);
      else writer.string(result.value);
      writer.raw(']');
  }
}

function writeTexts(writer: JsonWriter, name: string, texts: readonly string[]): void {
  if (texts.length === 0) return;
  writer.raw(`,"${name}":[`);
  texts.forEach((text, i) => {
    if (i > 0) writer.raw(',');
    writer.string(text);
  });
  writer.raw(']');
}

/** Most bytes of a point with 17 digits and a time in whole seconds. */
const POINT_BYTES = 40;

/**
 * A guess of the body's size on the large side, so that the buffer seldom has to grow: memory that is not
 * written to costs nothing, copying a big body does.
 */
function sizeOf(result: QueryResult): number {
  if (result.type !== 'matrix' || !(result.series instanceof GridSeries)) return 4096;
  return 1024 + result.series.matrix.sampleCount * POINT_BYTES + result.series.count * 256;
}

export interface EncodeOptions {
  readonly stats: boolean;
  /** Writes rows of numbers by a kernel; called when there are some. Without it they take longer. */
  readonly floatRows?: (() => FloatRows) | undefined;
  /** Threads that may write some of the rows, where `floatRows` is there. */
  readonly fanOut?: FanOut | undefined;
}

/**
 * The whole JSON body for a successful query, as upstream writes it. The bytes are the caller's.
 */
export function encodeResponse(result: QueryResult, options: EncodeOptions): Uint8Array {
  const writer = new JsonWriter(sizeOf(result));
  writer.raw(`{"status":"success","data":{"resultType":"${result.type}","result":`);
  writeData(writer, result, options);
  if (options.stats) {
    writer.raw(',"stats":');
    writer.raw(JSON.stringify(result.stats));
  }
  writer.raw('}');
  writeTexts(writer, 'warnings', result.warnings);
  writeTexts(writer, 'infos', result.infos);
  writer.raw('}');
  return writer.finish();
}
