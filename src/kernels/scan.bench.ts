// SPDX-License-Identifier: Apache-2.0
// Nanoseconds a sample of the scan kernel and of its twin, over 10,000 lines of some 130 bytes whose
// series are all known and come in the expected order.

import { bench, describe } from 'vitest';
import { seededPrng } from '../base/index.ts';
import { SharedHeap } from './heap.ts';
import { createMemory } from './memory.ts';
import { scanTwin } from './scan.ts';
import { scanKernel } from './scan-kernel.ts';
import {
  NO_ENTRY,
  SCAN_ENTRY_BYTES,
  SCAN_PADDING_BYTES,
  SCAN_STATE_BYTES,
  ScanFlag,
  type ScanKernel,
  ScanState,
  SLOW_RECORD_BYTES,
} from './scan-layout.ts';

const LINES = 10_000;

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

/** A function that scans the body once more, all series known. */
function warmScan(make: (heap: SharedHeap) => ScanKernel, values: Values): () => void {
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
    if (u32[s + ScanState.scraped] !== LINES) throw new Error('not all lines were known');
  };
}

describe(`scan of ${LINES} known lines`, () => {
  for (const values of ['integers', 'seventeen digits'] as const) {
    bench(
      `kernel, ${values}`,
      warmScan((heap) => scanKernel(heap.shared), values),
    );
    bench(
      `twin, ${values}`,
      warmScan((heap) => scanTwin(heap.shared), values),
    );
  }
});
