// SPDX-License-Identifier: Apache-2.0
// The numbers of big answers are written by a kernel or, where there is none, in TypeScript: the same bytes.

import { expect, test } from 'vitest';
import { seededPrng } from '../../base/index.ts';
import { FloatRows } from '../../kernels/index.ts';
import { labelsFrom } from '../../model/index.ts';
import { MemoryStorage } from '../../storage/index.ts';
import { Engine } from '../engine/engine.ts';
import { encodeResponse } from './encode.ts';

const STEP = 15_000;

function storageOf(seed: number): MemoryStorage {
  const prng = seededPrng(seed);
  const storage = new MemoryStorage();
  const special = [0, -0, 1, -1, 1e21, 1e-7, 5e-324, Number.NaN, 1 / 0, -1 / 0, 0.1, 123456.789];
  for (let series = 0; series < 20; series++) {
    const labels = labelsFrom({ __name__: 'm', series: `${series}`, text: 'a "quoted"\n\u00e9' });
    for (let i = 0; i < 60; i++) {
      if (prng.below(5) === 0) {
        storage.addStale(labels, i * STEP);
        continue;
      }
      const kind = prng.below(4);
      const random =
        kind === 0 ? prng.next() : kind === 1 ? prng.below(1e9) : prng.below(9e5) / 100;
      storage.add(labels, i * STEP, kind === 3 ? special[prng.below(12)]! : random);
    }
  }
  return storage;
}

test('the kernel’s bytes are those of the plain way', () => {
  const rows = new FloatRows();
  const clock = { monotonicMs: () => 0 };
  const options = { lookbackDeltaMs: 300_000, maxSamples: 1e6, defaultStepMs: 60_000, clock };
  const engine = new Engine(options);
  const control = { checkpoint: () => undefined };
  for (let seed = 1; seed <= 5; seed++) {
    const storage = storageOf(seed);
    for (const stepMs of [STEP, 7_001]) {
      const request = { query: 'm', startMs: -20_000, endMs: 60 * STEP, stepMs };
      const result = engine.range(storage, request, control);
      const plain = encodeResponse(result, { stats: false });
      const fast = encodeResponse(result, { stats: false, floatRows: () => rows });
      expect(new TextDecoder().decode(fast)).toBe(new TextDecoder().decode(plain));
      expect(plain.length).toBeGreaterThan(10_000);
    }
  }
});
