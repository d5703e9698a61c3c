// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Prng } from '../../base/index.ts';
import { seededPrng } from '../../base/index.ts';
import { decodeXorChunk, encodeXorChunk } from '../../chunks/index.ts';
import { createMemory, SharedHeap } from '../../kernels/index.ts';
import type { Matcher } from '../../model/index.ts';
import { isStale, labelsFrom, labelsKey, newSampleColumns, setStale } from '../../model/index.ts';
import { AppendStatus } from '../../storage/index.ts';
import type { HeadOptions } from './head.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head } from './head.ts';
import { headKernel } from './kernel.ts';
import { CHUNK_HEADER_BYTES, Series } from './layout.ts';
import { HeadReader } from './reader.ts';
import { directoryGet } from './tables.ts';

const MEMORY = 256 << 20;

function newHead(options: Partial<HeadOptions> = {}): { head: Head; reader: HeadReader } {
  const heap = new SharedHeap(createMemory(MEMORY));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined, ...options });
  head.reserveScratch(0, 16 << 20);
  return { head, reader: new HeadReader(heap.shared, 0) };
}

/** Appends rows of (ref, time, value) as one batch; returns the statuses. */
function append(
  head: Head,
  rows: readonly (readonly [ref: number, time: number, value: number])[],
): number[] {
  const batch = head.newBatch(Math.max(1, rows.length));
  rows.forEach(([ref, time, value], i) => {
    batch.refs[i] = ref;
    batch.times[i] = time;
    batch.values[i] = value;
  });
  batch.count = rows.length;
  head.append(batch);
  const statuses = [...batch.status.subarray(0, rows.length)];
  head.releaseBatch(batch);
  return statuses;
}

const equal = (name: string, value: string): Matcher => ({ name, type: '=', value });

function readAll(
  reader: HeadReader,
  matchers: readonly Matcher[],
  min = -1e15,
  max = 1e15,
): Map<string, [number, number][]> {
  const querier = reader.querier();
  try {
    const set = querier.select(matchers, min, max);
    const found = new Map<string, [number, number][]>();
    const pairs = new Uint32Array(2 * set.maxLabelCount);
    for (let row = 0; row < set.count; row++) {
      const labels: [string, string][] = [];
      const count = set.labelIds(row, pairs);
      for (let i = 0; i < count; i++)
        labels.push([set.symbols.text(pairs[2 * i]!), set.symbols.text(pairs[2 * i + 1]!)]);
      const n = set.read(row, min, max);
      const samples: [number, number][] = [];
      for (let i = 0; i < n; i++) samples.push([set.columns.times[i]!, set.columns.values[i]!]);
      found.set(labelsKey(labelsFrom(labels)), samples);
    }
    return found;
  } finally {
    querier.close();
  }
}

test('what was appended is read back, labels and bits', () => {
  const { head, reader } = newHead();
  const labels = labelsFrom({ __name__: 'up', job: 'node', instance: 'ä"\\\n' });
  const ref = head.seriesRef(labels);
  expect(head.seriesRef(labels)).toBe(ref);
  expect(head.seriesLabels(ref)).toEqual(labels);
  const values = [1, -0, 1e300, 5e-324, Number.POSITIVE_INFINITY, Number.NaN, 0.1, 1, 1];
  append(
    head,
    values.map((value, i) => [ref, 1000 + 7 * i * i, value] as const),
  );
  const read = readAll(reader, [equal('job', 'node')]).get(labelsKey(labels));
  expect(read).toEqual(values.map((value, i) => [1000 + 7 * i * i, value]));
  expect(Object.is(read![1]![1], -0)).toBe(true);
});

test('a staleness marker keeps its bits', () => {
  const { head, reader } = newHead();
  const ref = head.seriesRef(labelsFrom({ __name__: 'a' }));
  const batch = head.newBatch(1);
  batch.refs[0] = ref;
  batch.times[0] = 5;
  setStale(batch.valueBits, 0);
  batch.count = 1;
  expect(head.append(batch)).toBe(1);
  const querier = reader.querier();
  const set = querier.select([equal('__name__', 'a')], 0, 10);
  expect(set.read(0, 0, 10)).toBe(1);
  expect(isStale(set.columns.valueBits, 0)).toBe(true);
  querier.close();
});

test('statuses: order, duplicates, repeats, bounds, unknown and skipped refs', () => {
  const { head, reader } = newHead();
  const ref = head.seriesRef(labelsFrom({ __name__: 'a' }));
  expect(append(head, [[ref, 10_000_000, 1]])).toEqual([AppendStatus.accepted]);
  expect(append(head, [[ref, 9_999_999, 1]])).toEqual([AppendStatus.outOfOrder]);
  expect(append(head, [[ref, 10_000_000, 2]])).toEqual([AppendStatus.duplicate]);
  expect(append(head, [[ref, 10_000_000, 1]])).toEqual([AppendStatus.repeated]);
  expect(append(head, [[ref, 10_000_000 - 3_600_001, 1]])).toEqual([AppendStatus.outOfBounds]);
  expect(
    append(head, [
      [99, 10_000_001, 1],
      [0, 10_000_001, 1],
    ]),
  ).toEqual([AppendStatus.unknownSeries, AppendStatus.repeated]);
  expect(
    append(head, [
      [ref, 10_000_005, 1],
      [ref, 10_000_004, 1],
    ]),
  ).toEqual([AppendStatus.accepted, AppendStatus.outOfOrder]);
  expect([...readAll(reader, []).values()][0]).toEqual([
    [10_000_000, 1],
    [10_000_005, 1],
  ]);
  expect(head.counters).toMatchObject({
    samplesAppended: 2,
    outOfOrder: 2,
    outOfBounds: 1,
    duplicate: 1,
  });
});

/** A value of a kind that the encoding treats in its own way. */
function oddValue(prng: Prng, last: number): number {
  const kind = prng.below(8);
  if (kind === 0) return last;
  if (kind === 1) return last + prng.below(10);
  if (kind === 2) return prng.next();
  if (kind === 3) return Number.NaN;
  if (kind === 4) return prng.next() < 0.5 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (kind === 5) return (prng.next() - 0.5) * 10 ** prng.below(300);
  return Math.floor(last) + 1;
}

function oddDelta(prng: Prng): number {
  const kind = prng.below(12);
  if (kind < 6) return 15_000;
  if (kind < 8) return 14_990 + prng.below(20);
  if (kind === 8) return 1 + prng.below(20_000);
  if (kind === 9) return 1 + prng.below(140_000);
  if (kind === 10) return 1 + prng.below(1_200_000);
  return 1 + prng.below(1_000_000_000);
}

const randomSeries = (name: string, chunkRangeMs: number, delta: (prng: Prng) => number): void =>
  test(`random series with ${name} are read back whole and in windows`, () => {
    const prng = seededPrng(7);
    const { head, reader } = newHead({ chunkRangeMs });
    const model = new Map<number, [number, number][]>();
    const refs = Array.from({ length: 50 }, (_, i) =>
      head.seriesRef(labelsFrom({ __name__: 'm', i: String(i) })),
    );
    const last = refs.map(() => ({ time: -5_000_000, value: 0 }));
    for (let round = 0; round < 400; round++) {
      const rows: [number, number, number][] = [];
      refs.forEach((ref, i) => {
        if (prng.next() < 0.1) return;
        const state = last[i]!;
        state.time += delta(prng);
        state.value = oddValue(prng, Number.isFinite(state.value) ? state.value : 0);
        rows.push([ref, state.time, state.value]);
      });
      const statuses = append(head, rows);
      rows.forEach(([ref, time, value], k) => {
        if (statuses[k] !== AppendStatus.accepted) return;
        model.set(ref, [...(model.get(ref) ?? []), [time, value]]);
      });
    }
    const whole = readAll(reader, [equal('__name__', 'm')]);
    expect([...model.values()].reduce((sum, samples) => sum + samples.length, 0)).toBeGreaterThan(
      15_000,
    );
    for (const [ref, samples] of model)
      expect(whole.get(labelsKey(head.seriesLabels(ref)!))).toEqual(samples);
    for (let i = 0; i < 100; i++) {
      const row = prng.below(refs.length);
      const samples = model.get(refs[row]!)!;
      const [a, b] = [0, 1]
        .map(() => samples[prng.below(samples.length)]![0] + prng.below(3) - 1)
        .sort((x, y) => x - y);
      const window = readAll(reader, [equal('i', String(row))], a, b);
      expect([...window.values()][0]).toEqual(samples.filter(([time]) => time >= a! && time <= b!));
    }
  });
randomSeries('regular times', DEFAULT_CHUNK_RANGE_MS, (prng) => 14_990 + prng.below(20));
randomSeries('small and large gaps', 1e15, oddDelta);

test("the kernel's stream is the twin's, bit for bit", () => {
  const prng = seededPrng(11);
  for (let round = 0; round < 60; round++) {
    const { head } = newHead({ chunkRangeMs: 1e15 });
    const ref = head.seriesRef(labelsFrom({ __name__: 'a' }));
    const columns = newSampleColumns(29);
    let time = prng.below(2) === 0 ? -5e13 - prng.below(1e9) : 1.7e12;
    let value = 1;
    const rows: [number, number, number][] = [];
    for (let i = 0; i < 29; i++) {
      time += oddDelta(prng);
      value = oddValue(prng, Number.isFinite(value) ? value : 3);
      rows.push([ref, time, value]);
      columns.times[i] = time;
      columns.values[i] = value;
    }
    append(head, rows);
    const expected = encodeXorChunk(columns, 29);
    const { u8, u32 } = head.heap.shared;
    const record = directoryGet(head.heap.shared, u32[(0x4000 >>> 2) + 2]!, ref) >>> 2;
    const stream = u32[record + Series.openChunk]! + CHUNK_HEADER_BYTES;
    const bits = u32[record + Series.bitPosition]!;
    expect((bits + 7) >>> 3).toBe(expected.length);
    const got = u8.slice(stream, stream + expected.length);
    got[0] = expected[0]!;
    got[1] = expected[1]!;
    // Bits after the end are scratch in the memory and zero in the twin.
    if (bits % 8 !== 0) got[got.length - 1]! &= 0xff << (8 - (bits % 8));
    expect([...got]).toEqual([...expected]);
    const decoded = newSampleColumns(29);
    expect(decodeXorChunk(expected, decoded)).toBe(29);
    expect([...decoded.times]).toEqual([...columns.times]);
    expect([...decoded.valueBits]).toEqual([...columns.valueBits]);
  }
});

test('a chunk that is cut short anywhere is refused by the twin, never misread past its end', () => {
  const columns = newSampleColumns(10);
  for (let i = 0; i < 10; i++) {
    columns.times[i] = 1000 * i * i;
    columns.values[i] = Math.sqrt(i);
  }
  const chunk = encodeXorChunk(columns, 10);
  for (let length = 0; length < chunk.length; length++) {
    expect(() => decodeXorChunk(chunk.subarray(0, length), newSampleColumns(10))).toThrow(
      RangeError,
    );
  }
});

test('golden bytes', () => {
  const columns = newSampleColumns(4);
  columns.times.set([1_600_000_000_000, 1_600_000_015_000, 1_600_000_030_000, 1_600_000_045_001]);
  columns.values.set([12, 12, 24, 15.5]);
  // By hand from the format notes: count, varint time, 12.0, uvarint 15000, '0'; '0' and a value; '10', 1.
  expect(Buffer.from(encodeXorChunk(columns, 4)).toString('hex')).toBe(
    '00048080f4f6905d4028000000000000987535838001d62dc0',
  );
});

test('matchers select as the field defines them', () => {
  const { head, reader } = newHead();
  const rows: [number, number, number][] = [];
  for (const labels of [
    { __name__: 'a', env: 'prod', n: '1' },
    { __name__: 'a', env: 'dev', n: '2' },
    { __name__: 'a', n: '3' },
    { __name__: 'b', env: 'prod-eu', n: '4' },
  ])
    rows.push([head.seriesRef(labelsFrom(labels)), 1000, 1]);
  append(head, rows);
  const names = (...matchers: Matcher[]): string =>
    [...readAll(reader, matchers).keys()]
      .map((key) => /n\xff(\d)/.exec(key)![1])
      .sort()
      .join('');
  const m = (name: string, type: Matcher['type'], value: string): Matcher => ({
    name,
    type,
    value,
  });
  expect(names(m('__name__', '=', 'a'))).toBe('123');
  expect(names(m('env', '=', ''))).toBe('3');
  expect(names(m('env', '!=', ''))).toBe('124');
  expect(names(m('env', '!=', 'prod'))).toBe('234');
  expect(names(m('env', '=~', 'prod|dev'))).toBe('12');
  expect(names(m('env', '=~', 'prod.*'))).toBe('14');
  expect(names(m('env', '=~', 'prod|'))).toBe('13');
  expect(names(m('env', '!~', 'prod.*'))).toBe('23');
  expect(names(m('env', '!~', 'prod|'))).toBe('24');
  expect(names(m('env', '=~', '.+'))).toBe('124');
  expect(names(m('env', '=~', '.*'))).toBe('1234');
  expect(names(m('env', '!~', '.*'))).toBe('');
  expect(names(m('none', '=~', '.+'))).toBe('');
  expect(names(m('none', '!~', '.+'), m('__name__', '=', 'b'))).toBe('4');
  expect(names(m('env', '=', 'prod'), m('__name__', '=', 'b'))).toBe('');
  expect(() => names(m('env', '=~', '('))).toThrow(/error parsing regexp/);
  const querier = reader.querier();
  expect(querier.labelNames([], 0, 2000)).toEqual(['__name__', 'env', 'n']);
  expect(querier.labelNames([m('n', '=', '3')], 0, 2000)).toEqual(['__name__', 'n']);
  expect(querier.labelValues('env', [], 0, 2000)).toEqual(['dev', 'prod', 'prod-eu']);
  expect(querier.labelValues('env', [m('__name__', '=', 'a')], 0, 2000)).toEqual(['dev', 'prod']);
  expect(querier.labelValues('env', [], 5000, 6000)).toEqual([]);
  querier.close();
});

test('a query sees all of a batch or none of it, also of the batch before', () => {
  const { head, reader } = newHead();
  const refs = [1, 2, 3].map((i) => head.seriesRef(labelsFrom({ __name__: 'm', i: String(i) })));
  append(
    head,
    refs.map((ref) => [ref, 1000, 1]),
  );
  const querier = reader.querier();
  append(
    head,
    refs.map((ref) => [ref, 2000, 2]),
  );
  append(
    head,
    refs.slice(0, 1).map((ref) => [ref, 3000, 3]),
  );
  const set = querier.select([equal('__name__', 'm')], 0, 1e15);
  expect([0, 1, 2].map((row) => set.read(row, 0, 1e15))).toEqual([1, 1, 1]);
  querier.close();
  expect(
    [...readAll(reader, [equal('__name__', 'm')]).values()].map((samples) => samples.length),
  ).toEqual([3, 2, 2]);
});

test('what readers may hold is not freed before they are done', () => {
  const { head, reader } = newHead();
  const ref = head.seriesRef(labelsFrom({ __name__: 'm' }));
  for (let i = 0; i < 100; i++) append(head, [[ref, 1000 + i, Math.sqrt(i)]]);
  const querier = reader.querier();
  const set = querier.select([equal('__name__', 'm')], 0, 1e15);
  for (let i = 100; i < 5000; i++) append(head, [[ref, 1000 + i, Math.sqrt(i)]]);
  expect(set.read(0, 0, 1e15)).toBe(100);
  for (let i = 0; i < 100; i++) expect(set.columns.values[i]).toBe(Math.sqrt(i));
  querier.close();
});

test('a full memory refuses new series and samples with a status, and goes on', () => {
  const heap = new SharedHeap(createMemory(24 << 20));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  const refs: number[] = [];
  for (let i = 0; i < 200_000; i++) {
    const ref = head.seriesRef(labelsFrom({ __name__: 'm', i: `${i} ${'x'.repeat(100)}` }));
    if (ref === 0) break;
    refs.push(ref);
  }
  expect(refs.length).toBeGreaterThan(1000);
  expect(head.counters.seriesRefused).toBe(1);
  let full = 0;
  for (let k = 0; k < 4000 && full === 0; k++) {
    const statuses = append(
      head,
      refs.slice(0, 2000).map((ref, i) => [ref, 1000 + k, Math.sin(i * k)]),
    );
    full = statuses.filter((status) => status === AppendStatus.full).length;
  }
  expect(full).toBeGreaterThan(0);
});

test('decode skips what is out of range', () => {
  const { head } = newHead();
  expect(headKernel(head.heap.shared).decode(0x10000, 0, 0, 1, 0, 0)).toBe(0);
});

test('statistics name the largest metrics, labels and pairs', () => {
  const { head, reader } = newHead();
  for (let i = 0; i < 3; i++) head.seriesRef(labelsFrom({ __name__: 'a', job: 'x', i: `${i}` }));
  append(head, [[head.seriesRef(labelsFrom({ __name__: 'bb', job: 'x' })), 1000, 1]]);
  const { headStats, ...lists } = reader.stats(2);
  expect(headStats).toMatchObject({ numSeries: 4, numLabelPairs: 6, minTime: 1000, maxTime: 1000 });
  expect(lists).toEqual({
    seriesCountByMetricName: [
      { name: 'a', value: 3 },
      { name: 'bb', value: 1 },
    ],
    labelValueCountByLabelName: [
      { name: 'i', value: 3 },
      { name: '__name__', value: 2 },
    ],
    memoryInBytesByLabelName: [
      { name: '__name__', value: 5 },
      { name: 'job', value: 4 },
    ],
    seriesCountByLabelValuePair: [
      { name: 'job=x', value: 4 },
      { name: '__name__=a', value: 3 },
    ],
  });
});
