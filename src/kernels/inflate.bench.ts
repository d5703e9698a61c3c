// SPDX-License-Identifier: Apache-2.0
// A page of 1000 series, deflated: the kernel, its twin, and zlib.

import zlib from 'node:zlib';
import { bench, describe } from 'vitest';
import { SharedHeap } from './heap.ts';
import { inflateTwin } from './inflate.ts';
import { HeapInflater } from './inflater.ts';
import { createMemory } from './memory.ts';

const lines = Array.from({ length: 1000 }, (_, i) => {
  const labels = `service="checkout",handler="/api/v1/${i % 9}",code="${200 + (i % 7)}",n="${i}"`;
  return `http_requests_total{${labels}} ${(i * 7919) % 1_000_003}\n`;
});
const page = Buffer.from(lines.join(''));
const stream = zlib.deflateRawSync(page);
const body = new HeapInflater(new SharedHeap(createMemory(64 << 20))).hold();
body.append(stream);

describe('inflate a page of 1000 series', () => {
  bench('kernel', () => void body.inflate(0, page.length));
  bench('zlib', () => void zlib.inflateRawSync(stream, { chunkSize: page.length + 64 }));
  bench('twin', () => void inflateTwin(stream, 0, page.length));
});
