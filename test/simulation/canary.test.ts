// SPDX-License-Identifier: Apache-2.0
// Canaries: databases that are broken on purpose. A checker that lets one of them pass proves nothing.
import { expect, test } from 'vitest';
import type { Prng } from '../../src/base/index.ts';
import { createMemory } from '../../src/kernels/index.ts';
import { SimulationError, simulateDatabase } from './database-run.ts';
import type { Life } from './life.ts';
import type { SimFileSystem } from './sim-file-system.ts';

const SEEDS_MAX = 60;
const MINUTE = 60_000;

type Sabotage = (life: Life, disk: SimFileSystem, prng: Prng) => void;

/** Replaces a method of an object by one that is given the old one. */
function replaced(
  owner: object,
  name: string,
  by: (old: (...args: unknown[]) => unknown, args: unknown[]) => unknown,
): void {
  const old = Reflect.get(owner, name) as (...args: unknown[]) => unknown;
  Reflect.set(owner, name, (...args: unknown[]) => by((...rest) => old.apply(owner, rest), args));
}

const canaries: Record<string, { readonly sabotage: Sabotage; readonly noticed: RegExp }> = {
  'an acknowledged record of the WAL is not written': {
    sabotage: (_, disk, prng) => {
      disk.faults.dropsWrite = (path) => /\/wal\/\d+$/.test(path) && prng.below(30) === 0;
    },
    noticed: /lost a sample/,
  },
  'late samples are not logged': {
    sabotage: (_, disk) => {
      disk.faults.dropsWrite = (path) => path.includes('/wbl/');
    },
    noticed: /lost a sample/,
  },
  'a checkpoint leaves out what is not in a block yet': {
    sabotage: ({ db }) => {
      replaced(Reflect.get(db, 'truncator') as object, 'truncate', (old, [range, ...rest]) =>
        old({ ...(range as object), minTime: db.head.maxTime }, ...rest),
      );
    },
    noticed: /lost a(n exemplar| sample)/,
  },
  'the head forgets more than its block holds': {
    sabotage: ({ db }) => {
      replaced(db, 'truncateHead', (old, [minTime, ...rest]) =>
        old((minTime as number) + 30 * MINUTE, ...rest),
      );
    },
    noticed: /lost a sample/,
  },
  'late samples are forgotten that came while their block was written': {
    sabotage: ({ db }) => {
      replaced(db, 'truncateHead', (old, [minTime, how]) =>
        old(minTime, { ...(how as object), seenBatch: undefined }),
      );
    },
    noticed: /lost a sample/,
  },
  'sources are removed before the new block is synced': {
    sabotage: (_, disk) => {
      disk.faults.ignoresSync = (path) => path.includes('.tmp-for-creation');
    },
    noticed: /lost a sample|BlockError|cannot read/,
  },
  'a deletion is not logged': {
    sabotage: ({ db }) => {
      replaced(db.head, 'deleteSeries', (old, args) => {
        const { log } = db.walQueue;
        db.walQueue.log = () => undefined;
        try {
          return old(...args);
        } finally {
          db.walQueue.log = log;
        }
      });
    },
    noticed: /a deleted sample is back/,
  },
};

test.each(Object.entries(canaries))(
  'is noticed: %s',
  async (_, { sabotage, noticed }) => {
    const shared = createMemory(64 << 20);
    let found: unknown;
    for (let seed = 1; seed <= SEEDS_MAX && found === undefined; seed++) {
      await simulateDatabase(seed, shared, { sabotage }).catch((error: unknown) => {
        found = error;
      });
    }
    expect(found).toBeInstanceOf(SimulationError);
    expect((found as SimulationError).message).toMatch(noticed);
  },
  180_000,
);
