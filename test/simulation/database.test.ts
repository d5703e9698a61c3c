// SPDX-License-Identifier: Apache-2.0
// A hundred seeds of the simulated database; SIMULATION_SEEDS asks for more, SIMULATION_FIRST for others.
import { expect, test } from 'vitest';
import { createMemory } from '../../src/kernels/index.ts';
import type { SimulationCounts } from './database-run.ts';
import { newCounts, simulateDatabase } from './database-run.ts';

const seeds = Number(process.env.SIMULATION_SEEDS ?? 100);
const first = Number(process.env.SIMULATION_FIRST ?? 1);

test(
  `the database survives ${seeds} simulated runs of crashes and failing disks`,
  async () => {
    const shared = createMemory(64 << 20);
    const sum = newCounts();
    const failures: string[] = [];
    for (let seed = first; seed < first + seeds; seed++) {
      try {
        const counts = await simulateDatabase(seed, shared);
        for (const key of Object.keys(sum) as (keyof SimulationCounts)[]) sum[key] += counts[key];
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
        if (failures.length === 10) break;
      }
    }
    expect(failures).toEqual([]);
    // The runs do what they are for.
    if (seeds >= 100) {
      for (const key of ['kills', 'cuts', 'compactions', 'writeFaults', 'deletions'] as const) {
        expect({ key, sum: sum[key] > seeds / 2 }).toEqual({ key, sum: true });
      }
      for (const key of ['appended', 'histograms', 'late', 'exemplars', 'checks'] as const) {
        expect({ key, sum: sum[key] > 10 * seeds }).toEqual({ key, sum: true });
      }
      expect(sum.readFaults).toBeGreaterThan(seeds / 2);
    }
    if (process.env.SIMULATION_SEEDS !== undefined) console.log(JSON.stringify(sum));
  },
  Math.max(120_000, seeds * 1000),
);
