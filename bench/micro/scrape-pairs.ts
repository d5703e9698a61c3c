// SPDX-License-Identifier: Apache-2.0
// Scrapes: a body of 10,000 lines of some 130 bytes whose series are all known and come in the expected
// order, the hash of one line's series, a page deflated.

import zlib from 'node:zlib';
import { seededPrng } from '../../src/base/index.ts';
import { createMemory, HeapInflater, SharedHeap } from '../../src/kernels/index.ts';
import { inflateTwin } from '../../src/kernels/inflate.ts';
import { scanTwin } from '../../src/kernels/scan.ts';
import { scanKernel } from '../../src/kernels/scan-kernel.ts';
import {
  NO_ENTRY,
  SCAN_ENTRY_BYTES,
  SCAN_PADDING_BYTES,
  SCAN_STATE_BYTES,
  ScanFlag,
  type ScanKernel,
  ScanState,
  SLOW_RECORD_BYTES,
} from '../../src/kernels/scan-layout.ts';
import type { Pair } from './pair.ts';

const LINES = 10_000;
const HASHES = 1000;
const SERIES =
  'http_request_duration_seconds_bucket{handler="/api/v1/query_range",method="GET",code="200",le="0.25"}';

type Values = 'integers' | 'seventeen digits';

function bodyText(values: Values): string {
  const prng = seededPrng(1);
  let text = '';
  for (let i = 0; i < LINES; i++) {
    const value = values === 'integers' ? String(prng.below(1e9)) : String(prng.next() * 100);
    const code = 200 + (i % 7);
    text +=
      `http_request_duration_seconds_bucket{handler="/api/v1/query_range/${i}",method="GET",` +
      `code="${code}",instance="web-17.example",le="0.25"} ${value}\n`;
  }
  return text;
}

/** A function that scans the body once more, all series known; the lines it saw. */
function warmScan(make: (heap: SharedHeap) => ScanKernel, values: Values): () => number {
  const heap = new SharedHeap(createMemory(64 << 20));
  const { u8, u32 } = heap.shared;
  const text = new TextEncoder().encode(bodyText(values));
  const body = heap.allocate(text.length + SCAN_PADDING_BYTES);
  u8.set(text, body);
  const state = heap.allocateZeroed(SCAN_STATE_BYTES);
  const s = state >>> 2;
  const entries = heap.allocateZeroed(LINES * SCAN_ENTRY_BYTES);
  const slots = heap.allocateZeroed(4 * 32_768);
  u32[s + ScanState.flags] = ScanFlag.honorTimestamps;
  u32[s + ScanState.end] = body + text.length;
  u32[s + ScanState.sliceEnd] = body + text.length;
  u32[s + ScanState.entries] = entries;
  u32[s + ScanState.slots] = slots;
  u32[s + ScanState.slotMask] = 32_767;
  u32[s + ScanState.refs] = heap.allocate(LINES * 4);
  u32[s + ScanState.times] = heap.allocate(LINES * 8);
  u32[s + ScanState.values] = heap.allocate(LINES * 8);
  u32[s + ScanState.capacity] = LINES;
  const slow = heap.allocate(LINES * SLOW_RECORD_BYTES);
  u32[s + ScanState.slow] = slow;
  u32[s + ScanState.slowCapacity] = LINES;
  const kernel = make(heap);
  const run = (): void => {
    u32[s + ScanState.position] = body;
    u32[s + ScanState.previous] = NO_ENTRY;
    u32[s + ScanState.count] = 0;
    u32[s + ScanState.slowCount] = 0;
    u32[s + ScanState.scraped] = 0;
    u32[s + ScanState.generation] = u32[s + ScanState.generation]! + 1;
    kernel.scan(state);
  };
  run();
  for (let i = 0; i < u32[s + ScanState.slowCount]!; i++) {
    const record = (slow + i * SLOW_RECORD_BYTES) >>> 2;
    const entry = (entries + i * SCAN_ENTRY_BYTES) >>> 2;
    u32.copyWithin(entry, record + 6, record + 10);
    u32.set([i + 1, 0, i + 1, u32[record + 4]!], entry + 4);
    let slot = u32[entry]! & 32_767;
    while (u32[(slots >>> 2) + slot] !== 0) slot = (slot + 1) & 32_767;
    u32[(slots >>> 2) + slot] = i + 1;
  }
  u32[s + ScanState.entryCount] = LINES;
  return () => {
    run();
    if (u32[s + ScanState.slowCount] !== 0) throw new Error('not all lines were known');
    return u32[s + ScanState.scraped]!;
  };
}

/** The series of a line, hashed a thousand times; a word of the last hash. */
function hashes(make: (heap: SharedHeap) => ScanKernel): () => number {
  const heap = new SharedHeap(createMemory(8 << 20));
  const { u8, u32 } = heap.shared;
  const text = new TextEncoder().encode(SERIES);
  const state = heap.allocateZeroed(SCAN_STATE_BYTES);
  u32.set([0x1234567, 0x89abcdef, 0x55aa55aa, 0xdeadbeef], (state >>> 2) + ScanState.key);
  const at = heap.allocateZeroed(text.length + SCAN_PADDING_BYTES);
  u8.set(text, at);
  const kernel = make(heap);
  return () => {
    for (let i = 0; i < HASHES; i++) kernel.hash(state, at, text.length);
    return u32[(state >>> 2) + ScanState.hash]!;
  };
}

function inflatePairs(): Pair[] {
  const lines = Array.from({ length: 1000 }, (_, i) => {
    const labels = `service="checkout",handler="/api/v1/${i % 9}",code="${200 + (i % 7)}",n="${i}"`;
    return `http_requests_total{${labels}} ${(i * 7919) % 1_000_003}\n`;
  });
  const page = Buffer.from(lines.join(''));
  const stream = zlib.deflateRawSync(page);
  const body = new HeapInflater(new SharedHeap(createMemory(64 << 20))).hold();
  body.append(stream);
  const kernel = (): number => body.inflate(0, page.length)?.output.length ?? 0;
  const options = { chunkSize: page.length + 64 };
  return [
    {
      name: 'inflate, a byte',
      items: page.length,
      kernel,
      twin: () => inflateTwin(stream, 0, page.length)?.output.length ?? 0,
    },
    {
      name: 'inflate, a byte',
      beside: 'zlib',
      items: page.length,
      kernel,
      twin: () => zlib.inflateRawSync(stream, options).length,
    },
  ];
}

const kernelOf = (heap: SharedHeap): ScanKernel => scanKernel(heap.shared);
const twinOf = (heap: SharedHeap): ScanKernel => scanTwin(heap.shared);

/** Pairs of what a scrape does, on memories of their own. */
export function scrapePairs(): Pair[] {
  const scans = (['integers', 'seventeen digits'] as const).map((values) => ({
    name: `scan, a line (${values})`,
    items: LINES,
    kernel: warmScan(kernelOf, values),
    twin: warmScan(twinOf, values),
  }));
  const hash = {
    name: `hash, a series of ${SERIES.length} bytes`,
    items: HASHES,
    kernel: hashes(kernelOf),
    twin: hashes(twinOf),
  };
  return [...scans, hash, ...inflatePairs()];
}
