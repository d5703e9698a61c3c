// SPDX-License-Identifier: Apache-2.0
// On a disk that loses what was not synced: what was answered is there after a power cut.

import { expect, test } from 'vitest';
import { FileError, seededPrng } from '../../src/base/index.ts';
import { CrashError, SimFileSystem } from '../simulation/sim-file-system.ts';
import { Rig } from './rig.ts';

const FILE = '/data/metrics';

function newDisk(seed: number): SimFileSystem {
  const disk = new SimFileSystem(seededPrng(seed));
  disk.makeDirectorySync('/data');
  disk.syncDirectorySync('');
  return disk;
}

const diesQuietly = (error: unknown): undefined => {
  if (!(error instanceof CrashError)) throw error;
  return undefined;
};

/** What a group must have: the last value answered, or one that was pushed after it. */
class Expectation {
  private readonly values = new Map<string, number[]>();
  private readonly answered = new Map<string, number>();

  pushed(group: string, value: number): void {
    this.values.set(group, [...(this.values.get(group) ?? []), value]);
  }

  wasAnswered(group: string, value: number): void {
    this.answered.set(group, Math.max(value, this.answered.get(group) ?? 0));
  }

  check(found: ReadonlyMap<string, number>): void {
    for (const [group, values] of this.values) {
      const answered = this.answered.get(group) ?? 0;
      const allowed = [...values.filter((value) => value >= answered), answered].map(String);
      expect(allowed).toContain(String(found.get(group) ?? 0));
    }
  }

  get answers(): number {
    return this.answered.size;
  }
}

/** Pushes in waves of several at a time, with snapshots in between, until the machine dies. */
async function pushUntilDeath(rig: Rig, disk: SimFileSystem, expected: Expectation): Promise<void> {
  let value = 0;
  for (let wave = 0; wave < 12 && !disk.crashed; wave++) {
    const pushes = Array.from({ length: 1 + (wave % 4) }, async (_, i) => {
      const group = `g${(wave + i) % 3}`;
      const mine = ++value;
      expected.pushed(group, mine);
      const answer = await rig.push('PUT', `/metrics/job/${group}`, `m ${mine}\n`);
      // The dead disk syncs nothing and says nothing.
      if (answer === '200' && !disk.crashed) expected.wasAnswered(group, mine);
    });
    if (wave % 5 === 4) pushes.push(rig.persistence!.persist());
    await Promise.all(pushes.map((push) => push.catch(diesQuietly)));
  }
}

async function valuesOf(rig: Rig): Promise<Map<string, number>> {
  const lines = await rig.samples('m{');
  return new Map(
    lines.map((line) => [/job="(\w+)"/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]),
  );
}

test('an answered push survives a power cut at any operation', async () => {
  let answers = 0;
  let deaths = 0;
  for (let crashAt = 4; crashAt < 90; crashAt++) {
    const disk = newDisk(crashAt);
    const rig = new Rig({ persistenceFile: FILE, files: disk });
    const expected = new Expectation();
    disk.crashAt = crashAt;
    await pushUntilDeath(rig, disk, expected);
    if (disk.crashed) deaths++;
    answers += expected.answers;
    const after = new Rig({ persistenceFile: FILE, files: disk.afterCrash(true) });
    expected.check(await valuesOf(after));
  }
  expect(deaths).toBeGreaterThan(50);
  expect(answers).toBeGreaterThan(100);
});

test('pushes that come together share their syncs', async () => {
  const disk = newDisk(1);
  let syncs = 0;
  const syncing = disk.syncing.bind(disk);
  disk.syncing = (path, file) => {
    syncs++;
    syncing(path, file);
  };
  const rig = new Rig({ persistenceFile: FILE, files: disk });
  const pushes = Array.from({ length: 50 }, (_, i) =>
    rig.push('PUT', `/metrics/job/g${i}`, 'm 1\n'),
  );
  expect(new Set(await Promise.all(pushes))).toEqual(new Set(['200']));
  expect(syncs).toBeGreaterThan(0);
  expect(syncs).toBeLessThan(5);
  syncs = 0;
  expect(await rig.push('DELETE', '/metrics/job/g1', '')).toBe('202');
  expect(syncs).toBe(1);
});

test('a disk that does not sync is told to the pusher, and a snapshot makes up for it', async () => {
  const disk = newDisk(1);
  const rig = new Rig({ persistenceFile: FILE, files: disk });
  const syncing = disk.syncing.bind(disk);
  let failures = 1;
  disk.syncing = (path, file) => {
    if (failures-- > 0) throw new FileError('EIO', path, `cannot sync ${path}: i/o error`);
    syncing(path, file);
  };
  expect(await rig.push('PUT', '/metrics/job/a', 'm 1\n')).toMatch(
    /^500 the change was made, but may not survive: cannot sync .*i\/o error$/,
  );
  await rig.persistence!.persist();
  expect(await rig.push('PUT', '/metrics/job/b', 'm 2\n')).toBe('200');
  const after = new Rig({ persistenceFile: FILE, files: disk.afterCrash(true) });
  expect(await valuesOf(after)).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
});
