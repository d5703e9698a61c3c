// SPDX-License-Identifier: Apache-2.0
// The rows of a batch that the kernels do not handle: native histograms, and samples that come out of order
// but within the window. They are judged after the kernel's check, logged beside its record, and added to the
// sides of their series under the same batch number.

import type { SharedMemory } from '../../kernels/index.ts';
import { CounterResetHint, detectReset, type Histogram, isStale } from '../../model/index.ts';
import type { SampleBatch } from '../../storage/index.ts';
import { AppendStatus } from '../../storage/index.ts';
import {
  encodeSamplesRecord,
  encodeSamplesWithStartRecord,
  newReplayColumns,
} from '../wal/records.ts';
import type { LoggedHistogram } from '../wal/records-histogram.ts';
import {
  encodeHistogram,
  encodeHistogramsRecord,
  histogramRecordType,
} from '../wal/records-histogram.ts';
import {
  Control,
  ControlTime,
  SERIES_FLAGS,
  SERIES_LAST_TIME,
  Series,
  SeriesFlag,
} from './layout.ts';
import { SideKind, type SideWriter } from './side.ts';
import { MemoryFullError } from './store.ts';
import { directoryGet } from './tables.ts';
import { timeAt } from './times.ts';

/**
 * `now` with the counter reset hint that upstream's storage would give it after `before`: where a counter was
 * reset it begins a chunk, and of the first sample of a chunk nothing is known (prometheus#15346).
 */
function hinted(now: Histogram, before: Histogram | undefined): Histogram {
  const { unknown, gauge, reset, notReset } = CounterResetHint;
  const hint = now.counterResetHint;
  if (before === undefined || hint === gauge || hint === reset) return now;
  if (before.counterResetHint === gauge) return now.withHint(unknown);
  return now.withHint(detectReset(now.withHint(unknown), before) ? unknown : notReset);
}

/** Not accepted by the kernel: `append` leaves such rows alone. */
export const SKIPPED = 8;

interface Row {
  readonly index: number;
  readonly record: number;
  readonly kind: number;
  readonly isCustom: boolean;
  readonly isOutOfOrder: boolean;
  /** 0: none. */
  readonly startTime: number;
  readonly data: Uint8Array;
}

/** A histogram that the rows after it of the same batch follow. */
interface Newest {
  readonly time: number;
  /** Undefined: a staleness marker. */
  readonly histogram: Histogram | undefined;
  readonly data: Uint8Array;
}

/** Times between which samples are taken. */
export interface Bounds {
  readonly minValidTime: number;
  /** Samples out of order are taken from here on; +Infinity: none are. */
  readonly outOfOrderFrom: number;
  readonly timeMax: number;
}

/** Counts for metrics. */
export interface SideCounters {
  histogramsAppended: number;
  outOfOrderAppended: number;
  tooOld: number;
}

export class SideBatch {
  readonly counters: SideCounters = { histogramsAppended: 0, outOfOrderAppended: 0, tooOld: 0 };
  private readonly shared: SharedMemory;
  private readonly view: DataView;
  private readonly sides: SideWriter;
  private rows: Row[] = [];
  /** Refs of the histogram rows, which the kernel must not see: index, ref in turns. */
  private hidden: number[] = [];
  /** The newest in-order histogram of each series in the batch, by record. */
  private readonly newest = new Map<number, Newest>();

  constructor(shared: SharedMemory, view: DataView, sides: SideWriter) {
    this.shared = shared;
    this.view = view;
    this.sides = sides;
  }

  /** Before the kernel's check: hides the rows that hold histograms. */
  begin(batch: SampleBatch): void {
    this.rows = [];
    this.hidden = [];
    this.newest.clear();
    const { histograms, refs, count } = batch;
    if (histograms === undefined) return;
    for (let i = 0; i < count; i++) {
      if (histograms[i] === undefined) continue;
      this.hidden.push(i, refs[i]!);
      refs[i] = 0;
    }
  }

  /** After the check: decides about histograms and what is out of order. Returns the rows accepted. */
  judge(batch: SampleBatch, bounds: Bounds): number {
    const { hidden } = this;
    for (let k = 0; k < hidden.length; k += 2) batch.refs[hidden[k]!] = hidden[k + 1]!;
    for (let k = 0; k < hidden.length; k += 2) this.judgeHistogram(batch, hidden[k]!, bounds);
    if (bounds.outOfOrderFrom !== Number.POSITIVE_INFINITY) this.judgeLate(batch, bounds);
    return this.rows.length;
  }

  private record(ref: number): number {
    const { u32, u8 } = this.shared;
    const record = directoryGet(this.shared, u32[Control.seriesDirectory]!, ref);
    return record !== 0 && (u8[record + SERIES_FLAGS]! & SeriesFlag.gone) === 0 ? record : 0;
  }

  private judgeHistogram(batch: SampleBatch, i: number, bounds: Bounds): void {
    const { u32 } = this.shared;
    const time = batch.times[i]!;
    const histogram = batch.histograms![i]!;
    if (batch.refs[i] === 0) return;
    const record = this.record(batch.refs[i]!);
    if (record === 0) {
      batch.status[i] = AppendStatus.unknownSeries;
      return;
    }
    const at = record >>> 2;
    const side = u32[at + Series.side]!;
    let last =
      u32[at + Series.sampleTotal] === 0 ? -Infinity : timeAt(this.view, record + SERIES_LAST_TIME);
    const lastFloat = last;
    if (side !== 0) last = Math.max(last, this.sides.lastTime(side));
    const newest = this.newest.get(record);
    if (newest !== undefined) last = Math.max(last, newest.time);
    const stale = isStale(batch.valueBits, i);
    const follows = time > last && !stale && last > lastFloat;
    const before = follows ? this.histogramBefore(side, newest) : undefined;
    const data = encodeHistogram(
      hinted(histogram, before),
      batch.valueBits[2 * i + 1]!,
      batch.valueBits[2 * i]!,
    );
    const row = {
      index: i,
      record,
      kind: histogram.isFloat ? SideKind.floatHistogram : SideKind.histogram,
      isCustom: histogram.usesCustomBuckets,
      startTime: batch.startTimes?.[i] ?? 0,
      data,
    };
    if (time >= bounds.minValidTime && time <= bounds.timeMax && time > last) {
      batch.status[i] = SKIPPED;
      this.rows.push({ ...row, isOutOfOrder: false });
      this.newest.set(record, { time, histogram: stale ? undefined : histogram, data });
    } else if (time === last) {
      const same =
        newest?.time === time
          ? sameButHint(newest.data, data)
          : side !== 0 && this.sides.newestIs(side, data);
      batch.status[i] = same ? AppendStatus.repeated : AppendStatus.duplicate;
    } else if (time <= bounds.timeMax && time >= bounds.outOfOrderFrom) {
      batch.status[i] = SKIPPED;
      this.rows.push({ ...row, isOutOfOrder: true });
    } else {
      batch.status[i] = this.refusal(time, bounds);
    }
  }

  private histogramBefore(side: number, newest: Newest | undefined): Histogram | undefined {
    if (newest !== undefined) return newest.histogram;
    return side === 0 ? undefined : this.sides.newestHistogram(side);
  }

  private refusal(time: number, bounds: Bounds): number {
    if (time > bounds.timeMax) return AppendStatus.outOfBounds;
    if (bounds.outOfOrderFrom !== Number.POSITIVE_INFINITY) {
      this.counters.tooOld++;
      return AppendStatus.tooOld;
    }
    return time < bounds.minValidTime ? AppendStatus.outOfBounds : AppendStatus.outOfOrder;
  }

  /** Floats that the kernel found too late. */
  private judgeLate(batch: SampleBatch, bounds: Bounds): void {
    const { status, times, refs, valueBits, count } = batch;
    noteDisorder(batch);
    for (let i = 0; i < count; i++) {
      const code = status[i]!;
      const late = code === AppendStatus.outOfOrder || code === AppendStatus.outOfBounds;
      if (!late || times[i]! > bounds.timeMax || batch.histograms?.[i] !== undefined) continue;
      const record = this.record(refs[i]!);
      if (record === 0 || times[i]! < bounds.outOfOrderFrom) {
        status[i] = this.refusal(times[i]!, bounds);
        continue;
      }
      const data = new Uint8Array(8);
      const words = new DataView(data.buffer);
      words.setUint32(0, valueBits[2 * i]!, true);
      words.setUint32(4, valueBits[2 * i + 1]!, true);
      status[i] = SKIPPED;
      this.rows.push({
        index: i,
        record,
        kind: SideKind.float,
        isCustom: false,
        isOutOfOrder: true,
        startTime: batch.startTimes?.[i] ?? 0,
        data,
      });
    }
  }

  /** WAL records of the in-order rows (false), or WBL records of the others (true). */
  records(batch: SampleBatch, isOutOfOrder: boolean): Uint8Array[] {
    const { u32 } = this.shared;
    const rows = this.rows.filter((row) => row.isOutOfOrder === isOutOfOrder);
    const floats = rows.filter(({ kind }) => kind === SideKind.float);
    const records: Uint8Array[] = [];
    const refOf = (record: number): number =>
      u32[(record >>> 2) + Series.walRefLow]! +
      u32[(record >>> 2) + Series.walRefHigh]! * 4294967296;
    if (floats.length > 0) {
      const columns = newReplayColumns(floats.length);
      floats.forEach(({ index, record, startTime }, n) => {
        columns.startTimes[n] = startTime;
        columns.refs[n] = refOf(record);
        columns.times[n] = batch.times[index]!;
        columns.valueBits[2 * n] = batch.valueBits[2 * index]!;
        columns.valueBits[2 * n + 1] = batch.valueBits[2 * index + 1]!;
      });
      const encode = floats.some(({ startTime }) => startTime !== 0)
        ? encodeSamplesWithStartRecord
        : encodeSamplesRecord;
      records.push(encode(columns, floats.length));
    }
    const byType = new Map<number, LoggedHistogram[]>();
    for (const { kind, isCustom, record, index, startTime, data } of rows) {
      if (kind === SideKind.float) continue;
      const isFloat = kind === SideKind.floatHistogram;
      const type = histogramRecordType(isFloat, isCustom, startTime !== 0);
      const list = byType.get(type) ?? [];
      list.push({ ref: refOf(record), time: batch.times[index]!, startTime, bytes: data });
      byType.set(type, list);
    }
    for (const [type, list] of byType) records.push(encodeHistogramsRecord(type, list));
    return records;
  }

  /** Time of the oldest row out of order; +Infinity: there is none. */
  lateMinTime(batch: SampleBatch): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { index, isOutOfOrder } of this.rows) {
      if (isOutOfOrder) oldest = Math.min(oldest, batch.times[index]!);
    }
    return oldest;
  }

  /**
   * Adds the rows to their series under batch `number`. The head's bounds, which the kernel
   * keeps for floats, take
   * in the times of the rows in order, of which any may be the oldest.
   */
  apply(batch: SampleBatch, number: number): void {
    const { f64 } = this.shared;
    for (const { index, record, kind, isOutOfOrder, startTime, data } of this.rows) {
      const time = batch.times[index]!;
      batch.status[index] = this.add(
        record,
        number,
        kind,
        isOutOfOrder,
        time,
        time,
        data,
        startTime,
      )
        ? AppendStatus.accepted
        : AppendStatus.full;
      if (isOutOfOrder) {
        this.counters.outOfOrderAppended++;
      } else {
        f64[ControlTime.min] = Math.min(f64[ControlTime.min]!, time);
        f64[ControlTime.max] = Math.max(f64[ControlTime.max]!, time);
      }
      if (kind !== SideKind.float) this.counters.histogramsAppended++;
    }
    this.rows = [];
  }

  /** Adds one node to the side of a series, made when it is the first. False: no memory. */
  add(
    record: number,
    number: number,
    kind: number,
    isOutOfOrder: boolean,
    minTime: number,
    maxTime: number,
    data: Uint8Array,
    startTime = 0,
  ): boolean {
    const { u32 } = this.shared;
    const at = (record >>> 2) + Series.side;
    try {
      let side = u32[at]!;
      if (side === 0) {
        side = this.sides.newSide(u32[(record >>> 2) + Series.id]!);
        Atomics.store(u32, at, side);
      }
      this.sides.add(side, number, kind, isOutOfOrder, minTime, maxTime, data, startTime);
      return true;
    } catch (error) {
      if (error instanceof MemoryFullError) return false;
      throw error;
    }
  }
}

/** Whether two encoded histograms differ in nothing but the counter reset hint (byte 0). */
const sameButHint = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => i === 0 || byte === b[i]);

/** Marks samples that are older than an earlier one of their series in the same batch. */
function noteDisorder({ status, times, refs, count }: SampleBatch): void {
  let same = true;
  for (let i = 1; i < count && same; i++) same = times[i] === times[0];
  // A scrape mostly has one time: nothing to compare then.
  if (same) return;
  const newest = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    if (status[i] !== AppendStatus.accepted) continue;
    const last = newest.get(refs[i]!);
    if (last !== undefined && times[i]! < last) status[i] = AppendStatus.outOfOrder;
    else newest.set(refs[i]!, times[i]!);
  }
}
