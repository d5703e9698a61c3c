// SPDX-License-Identifier: Apache-2.0
// Queries: one series of 12 hours at 30 s and 720 steps of a minute; the twins work on ordinary arrays.

import { seededPrng } from '../../src/base/index.ts';
import { createMemory, FloatRows, QueryMemory } from '../../src/kernels/index.ts';
import { sampleText } from '../../src/kernels/float-rows.ts';
import {
  type Accumulator,
  AvgAccumulator,
  ExtremeAccumulator,
  SumAccumulator,
} from '../../src/promql/operators/accumulators.ts';
import { fillInstantRow } from '../../src/promql/operators/select.ts';
import { newWindowFunction } from '../../src/promql/operators/window-functions.ts';
import { slideWindows, WorkMeter, type Windows } from '../../src/promql/operators/windows.ts';
import type { Pair } from './pair.ts';

const SAMPLES = 1440;
const STEPS = 720;
const START = 1_700_000_000_000;

type Place = QueryMemory | undefined;

/** One series with its windows of five minutes, and a row for the result. */
class Row {
  readonly windows: Windows;
  readonly out: Float64Array;
  readonly present: Uint8Array;
  readonly valueBits: Uint32Array;

  constructor(place: Place) {
    const floats = (n: number): Float64Array => place?.floats(n) ?? new Float64Array(n);
    const integers = (n: number): Int32Array => place?.integers(n) ?? new Int32Array(n);
    const prng = seededPrng(3);
    const times = floats(SAMPLES);
    const values = floats(SAMPLES);
    let value = 1e6;
    for (let i = 0; i < SAMPLES; i++) {
      value = i % 500 === 499 ? 0 : value + prng.below(1000);
      times[i] = START + 30_000 * i + 17;
      values[i] = value;
    }
    this.valueBits = new Uint32Array(values.buffer, values.byteOffset, 2 * SAMPLES);
    this.out = floats(STEPS);
    this.present = place?.bytes(STEPS) ?? new Uint8Array(STEPS);
    this.windows = {
      times,
      values,
      count: SAMPLES,
      lo: integers(STEPS),
      hi: integers(STEPS),
      refs: { refMs: START, stepMs: 60_000, count: STEPS },
      rangeMs: 300_000,
      evalMs: START,
      evalStepMs: 60_000,
      args: [],
      work: new WorkMeter(() => undefined),
      memory: place,
    };
    slideWindows(this.windows);
  }

  get last(): number {
    return this.out[STEPS - 1]!;
  }
}

type Make = (row: Row, place: Place) => () => number;

const windowFunction =
  (name: string): Make =>
  (row) => {
    const func = newWindowFunction(name);
    if (func === undefined) throw new Error(`${name} is no function of windows`);
    return () => {
      func.evaluate(row.windows, row.out, row.present, 0);
      return row.last;
    };
  };

const instant: Make = (row, place) => {
  const { windows, valueBits, out, present } = row;
  const samples = { times: windows.times, values: windows.values, valueBits };
  return () => {
    fillInstantRow(samples, SAMPLES, windows.refs, 300_000, false, out, present, 0, place);
    return row.last;
  };
};

/** Folds a full row into a group; the result after the first time is the same for both. */
const fold =
  (make: (place: Place) => Accumulator): Make =>
  (row, place) => {
    row.out.set(row.windows.values.subarray(0, STEPS));
    row.present.fill(1);
    const accumulator = make(place);
    return () => {
      accumulator.fold(row.out, row.present, 0, 0);
      return row.last;
    };
  };

const loops: readonly (readonly [string, Make])[] = [
  ['instant selector', instant],
  ['windows of 5 m', (row) => () => slideWindows(row.windows)],
  ['rate', windowFunction('rate')],
  ['max_over_time', windowFunction('max_over_time')],
  ['sum', fold((place) => new SumAccumulator(STEPS, STEPS, place))],
  ['avg', fold((place) => new AvgAccumulator(STEPS, STEPS, place))],
  ['max', fold((place) => new ExtremeAccumulator('max', STEPS, STEPS, place))],
];

function floatTextPair(): Pair {
  const prng = seededPrng(5);
  const values = Float64Array.from({ length: STEPS }, () => prng.next() * 1000);
  const present = new Uint8Array(STEPS).fill(1);
  const rows = new FloatRows();
  const prefix = '[1700000000,"';
  rows.begin(STEPS, () => prefix);
  const out = new Uint8Array(rows.rowBytesMax);
  const encoder = new TextEncoder();
  return {
    name: 'a row as JSON, a point',
    items: STEPS,
    kernel: () => rows.write(values, present, 0, out, 0),
    twin: () => {
      let text = '';
      for (let k = 0; k < STEPS; k++) {
        text += `${k > 0 ? ',' : ''}${prefix}${sampleText(values[k]!)}"]`;
      }
      return encoder.encodeInto(text, out).written;
    },
  };
}

/** Pairs of what a query does, on memories of their own. */
export function queryPairs(): Pair[] {
  const pairs = loops.map(([name, make]): Pair => {
    const memory = new QueryMemory(createMemory(4 << 20), 1 << 20, 2 << 20);
    return {
      name: `${name}, a step`,
      items: STEPS,
      kernel: make(new Row(memory), memory),
      twin: make(new Row(undefined), undefined),
    };
  });
  return [...pairs, floatTextPair()];
}
