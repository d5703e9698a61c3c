// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { type Prng, seededPrng } from '../base/index.ts';
import { SharedHeap } from './heap.ts';
import { createMemory } from './memory.ts';
import { scanTwin } from './scan.ts';
import { scanKernel } from './scan-kernel.ts';
import {
  DOUBTFUL,
  DROPPED_REF,
  NO_ENTRY,
  SCAN_ENTRY_BYTES,
  SCAN_PADDING_BYTES,
  SCAN_STATE_BYTES,
  ScanFlag,
  type ScanKernel,
  ScanState,
  ScanStop,
  SLOW_RECORD_BYTES,
} from './scan-layout.ts';

const ENTRIES_MAX = 512;
const SLOTS = 1024;
const CAPACITY = 700;

/** A cache, a batch and a body in a memory of its own, driven by one kernel. */
class Bench {
  readonly heap = new SharedHeap(createMemory(8 << 20));
  readonly kernel: ScanKernel;
  readonly state = this.heap.allocateZeroed(SCAN_STATE_BYTES);
  readonly entries = this.heap.allocateZeroed(ENTRIES_MAX * SCAN_ENTRY_BYTES);
  readonly slots = this.heap.allocateZeroed(SLOTS * 4);
  readonly refs = this.heap.allocateZeroed(CAPACITY * 4);
  readonly times = this.heap.allocateZeroed(CAPACITY * 8);
  readonly values = this.heap.allocateZeroed(CAPACITY * 8);
  readonly slow = this.heap.allocateZeroed(CAPACITY * SLOW_RECORD_BYTES);
  readonly body = this.heap.allocateZeroed(1 << 20);
  entryCount = 0;

  constructor(make: (heap: SharedHeap) => ScanKernel) {
    this.kernel = make(this.heap);
    const { u32 } = this.heap.shared;
    const s = this.state >>> 2;
    u32.set([0x1234567, 0x89abcdef, 0x55aa55aa, 0xdeadbeef], s + ScanState.key);
    u32[s + ScanState.entries] = this.entries;
    u32[s + ScanState.slots] = this.slots;
    u32[s + ScanState.slotMask] = SLOTS - 1;
    u32[s + ScanState.refs] = this.refs;
    u32[s + ScanState.times] = this.times;
    u32[s + ScanState.values] = this.values;
    u32[s + ScanState.slow] = this.slow;
    this.heap.shared.f64[(s + ScanState.defaultTime) >>> 1] = 1000;
    this.heap.shared.f64[(s + ScanState.maxTime) >>> 1] = 1e9;
  }

  /** Scans `text`; all that the kernel wrote, as text. */
  run(text: Uint8Array, flags: number, generation: number, slowCapacity = CAPACITY): string[] {
    const { u8, u32, f64 } = this.heap.shared;
    const s = this.state >>> 2;
    u8.fill(0xee, this.body, this.body + text.length + SCAN_PADDING_BYTES);
    u8.set(text, this.body);
    u8[this.body + text.length] = 10;
    u32[s + ScanState.flags] = flags;
    u32[s + ScanState.position] = this.body;
    u32[s + ScanState.end] = this.body + text.length + 1;
    u32[s + ScanState.sliceEnd] = this.body + text.length + 1;
    u32[s + ScanState.entryCount] = this.entryCount;
    u32[s + ScanState.generation] = generation;
    u32[s + ScanState.previous] = NO_ENTRY;
    u32[s + ScanState.typeLine] = 0;
    for (let i = 0; i < 4; i++) u32[s + ScanState.commentHash + i] = 0;
    for (let i = ScanState.scraped; i <= ScanState.outOfBounds; i++) u32[s + i] = 0;
    u32[s + ScanState.count] = 0;
    u32[s + ScanState.capacity] = CAPACITY;
    u32[s + ScanState.slowCapacity] = slowCapacity;
    const out: string[] = [];
    for (;;) {
      u32[s + ScanState.slowCount] = 0;
      const reason = this.kernel.scan(this.state);
      const count = u32[s + ScanState.slowCount]!;
      const at = (this.slow >>> 2) + (count * SLOW_RECORD_BYTES) / 4;
      out.push(`stop ${reason} at ${u32[s + ScanState.position]! - this.body}`);
      for (let r = this.slow >>> 2; r < at; r += SLOW_RECORD_BYTES / 4) out.push(this.record(r));
      if (reason === ScanStop.done || reason === ScanStop.ended) break;
      if (reason === ScanStop.batchFull) break;
    }
    const words = (from: number, n: number): string =>
      Array.from(u32.subarray(from, from + n), (w) => w.toString(16)).join(' ');
    out.push(`counts ${words(s + ScanState.typeLine, 9)}`);
    for (let i = 0; i < u32[s + ScanState.count]!; i++) {
      const ref = u32[(this.refs >>> 2) + i]!;
      const value = words((this.values >>> 2) + 2 * i, 2);
      out.push(ref === 0 ? 'kept' : `${ref} ${f64[(this.times >>> 3) + i]} ${value}`);
    }
    for (let i = 0; i < this.entryCount; i++) out.push(words((this.entries >>> 2) + 8 * i, 8));
    return out;
  }

  private record(word: number): string {
    const { u32 } = this.heap.shared;
    const [start, end, entry, type, length, again, a, b, c, d] = u32.subarray(word, word + 10);
    if (entry === NO_ENTRY) this.insert(word, length!, [a!, b!, c!, d!]);
    const hash = entry === DOUBTFUL ? '' : [a, b, c, d].join(' ');
    const place = u32[word + 10];
    return `slow ${start! - this.body} ${end! - this.body} ${entry} ${type} ${length} ${again} ${hash} ${place}`;
  }

  private insert(_record: number, length: number, hash: number[]): void {
    if (this.entryCount >= ENTRIES_MAX) return;
    const { u32 } = this.heap.shared;
    const index = this.entryCount++;
    const entry = (this.entries >>> 2) + index * 8;
    const ref = index % 11 === 7 ? DROPPED_REF : index % 13 === 5 ? 0 : index + 1;
    u32.set([...hash, ref, 0, index + 1, length], entry);
    let slot = hash[0]! & (SLOTS - 1);
    while (u32[(this.slots >>> 2) + slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    u32[(this.slots >>> 2) + slot] = index + 1;
  }
}

const kernelBench = (): Bench => new Bench((heap) => scanKernel(heap.shared));
const twinBench = (): Bench => new Bench((heap) => scanTwin(heap.shared));

const numbers = [
  '0',
  '-0',
  '1',
  '+1',
  '1.',
  '.5',
  '.',
  '-',
  '+',
  '1e5',
  '1E+5',
  '1e-5',
  '1e',
  '1e+',
  '1e400',
  '1e-400',
  '0e99999',
  '0e5000',
  'NaN',
  '-NaN',
  '+Inf',
  '-Inf',
  'Inf',
  'inf',
  '.Inf',
  '+.Inf',
  'Infinity',
  'NaNx',
  '0x10',
  '1_0',
  '9007199254740993',
  '9007199254740992',
  '18446744073709551615',
  '9999999999999999999',
  '99999999999999999999',
  '7.424100000000001e-05',
  '-0.0007899999999999999',
  '1.7268398130168471e+09',
  '0.1',
  '123456789012345678e9',
  '1234567890123456789e27',
  '1234567890123456789e-27',
  '17976931348623157e27',
  '1e22',
  '1e23',
  '1e-23',
  '1e27',
  '1e28',
];

function randomNumber(prng: Prng): string {
  if (prng.next() < 0.5) return numbers[prng.below(numbers.length)]!;
  let digits = '';
  for (let i = 1 + prng.below(20); i > 0; i--) digits += prng.below(10);
  const point = prng.below(digits.length + 3);
  const text = point < digits.length ? `${digits.slice(0, point)}.${digits.slice(point)}` : digits;
  return prng.next() < 0.3 ? `${text}e${prng.below(60) - 30}` : text;
}

const pick = <T>(prng: Prng, choices: readonly T[]): T => choices[prng.below(choices.length)]!;

function randomLine(prng: Prng): string {
  const kind = prng.next();
  if (kind < 0.08)
    return pick(prng, [
      '# TYPE a counter',
      '#  TYPE b gauge',
      '# HELP x some text',
      '#',
      '# EOF x',
      '',
    ]);
  const name = pick(prng, [
    'up',
    'http_requests_total',
    'a',
    'a:b',
    ' lead',
    '{"quoted.name"}',
    '',
  ]);
  const values = [
    'x',
    'longer value with spaces',
    'esc\\"aped',
    'back\\\\',
    'brace}',
    'new\nline',
    'é',
    '',
  ];
  const pairs = prng.below(4);
  let labels = '';
  for (let i = 0; i < pairs; i++)
    labels += `${i > 0 ? ',' : ''}l${prng.below(3)}="${pick(prng, values)}"`;
  const series = pairs > 0 ? `${name}${prng.next() < 0.05 ? ' ' : ''}{${labels}}` : name;
  const blank = pick(prng, [' ', ' ', ' ', ' ', ' ', '\t', '  ', '']);
  const end = pick(prng, [
    '',
    '',
    '',
    '',
    '',
    ' ',
    ' 123',
    ' 5000000000000',
    ' 1.5',
    ' -3',
    ' # {a="b"} 1',
    ' x',
    '\r',
    ' 1 2',
    '\0',
  ]);
  return `${series}${blank}${randomNumber(prng)}${end}`;
}

test('kernel and twin do the same on random bodies, with and without a warm cache', () => {
  const prng = seededPrng(7);
  const encoder = new TextEncoder();
  for (let round = 0; round < 150; round++) {
    const a = kernelBench();
    const b = twinBench();
    let lines: string[] = [];
    for (let generation = 1; generation <= 4; generation++) {
      const fresh = 1 + prng.below(60);
      for (let i = 0; i < fresh; i++)
        lines.splice(prng.below(lines.length + 1), 0, randomLine(prng));
      lines = lines.filter(() => prng.next() < 0.95);
      const tail = pick(prng, ['', '\n', '\n# EOF\n', '\n# EOF', '\n\0more\n']);
      const body = encoder.encode(lines.join('\n') + tail);
      const flags = prng.below(64);
      const slowCapacity = prng.next() < 0.5 ? CAPACITY : 5;
      expect(a.run(body, flags, generation, slowCapacity)).toEqual(
        b.run(body, flags, generation, slowCapacity),
      );
    }
  }
});

test('every number that is taken is the one that Number() reads', () => {
  const prng = seededPrng(3);
  const encoder = new TextEncoder();
  const bench = kernelBench();
  const { u32, f64 } = bench.heap.shared;
  bench.run(encoder.encode('m 1'), ScanFlag.honorTimestamps, 1);
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = randomNumber(prng);
    bench.run(encoder.encode(`m ${text}`), ScanFlag.honorTimestamps, i + 2);
    const s = bench.state >>> 2;
    if (u32[s + ScanState.scraped] !== 1 || text === '') continue;
    taken++;
    const value = f64[bench.values >>> 3]!;
    const expected = Number(text.replace(/Inf$/, 'Infinity'));
    expect(Object.is(value, expected), `${text}: ${value}`).toBe(true);
  }
  expect(taken).toBeGreaterThan(12_000);
});

test('a known series is not mistaken for one whose name it begins, nor for one with labels after a blank', () => {
  const encoder = new TextEncoder();
  const bench = kernelBench();
  bench.run(encoder.encode('foo 1\n'), 0, 1);
  const out = bench.run(encoder.encode('foobar 1\nfoo {a="b"} 2\nfoo 3\n'), 0, 2);
  expect(out.filter((line) => line.startsWith('slow'))).toEqual([
    expect.stringMatching(/^slow 0 9 4294967295 /),
    expect.stringMatching(/^slow 9 23 4294967294 /),
  ]);
  expect(out).toContain('1 1000 0 40080000');
});

test('lines come back in the order of prediction after a change of order', () => {
  const encoder = new TextEncoder();
  const bench = kernelBench();
  const first = 'a 1\nb 2\nc 3\nd 4\n';
  const second = 'c 3\na 1\nd 4\nb 2\n';
  bench.run(encoder.encode(first), 0, 1);
  for (let generation = 2; generation < 5; generation++) {
    bench.run(encoder.encode(second), 0, generation);
    const s = bench.state >>> 2;
    expect(bench.heap.shared.u32[s + ScanState.scraped]).toBe(4);
  }
  const { u32 } = bench.heap.shared;
  const next = [0, 1, 2, 3].map((i) => u32[(bench.entries >>> 2) + i * 8 + 6]);
  expect(u32[(bench.state >>> 2) + ScanState.first]).toBe(2);
  expect([next[2], next[0], next[3]]).toEqual([0, 3, 1]);
});
