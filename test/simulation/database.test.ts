// SPDX-License-Identifier: Apache-2.0
// A hundred seeds of the simulated database; SIMULATION_SEEDS asks for more, SIMULATION_FIRST for others.
import { expect, test } from 'vitest';
import { createMemory } from '../../src/kernels/index.ts';
import { simulateDatabase } from './database-run.ts';

const seeds = Number(process.env.SIMULATION_SEEDS ?? 100);
const first = Number(process.env.SIMULATION_FIRST ?? 1);

test(
  `the database survives ${seeds} simulated runs of crashes and full disks`,
  async () => {
    const shared = createMemory(64 << 20);
    const sum = { appended: 0, kills: 0, cuts: 0, compactions: 0, faults: 0 };
    const failures: string[] = [];
    for (let seed = first; seed < first + seeds; seed++) {
      try {
        const counts = await simulateDatabase(seed, shared);
        for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key];
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
        if (failures.length === 10) break;
      }
    }
    expect(failures).toEqual([]);
    // The runs do what they are for.
    if (seeds >= 100) {
      expect(sum.kills).toBeGreaterThan(seeds / 2);
      expect(sum.cuts).toBeGreaterThan(seeds / 2);
      expect(sum.compactions).toBeGreaterThan(seeds);
      expect(sum.faults).toBeGreaterThan(seeds / 4);
    }
  },
  Math.max(120_000, seeds * 1000),
);
