// SPDX-License-Identifier: Apache-2.0
// The real promtool reads what simulated runs leave on their disks.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createMemory } from '../../src/kernels/index.ts';
import { newDirectory } from '../new-directory.ts';
import { peerPath } from '../peers.ts';
import { simulateDatabase } from './database-run.ts';
import { Fate, type Model } from './model.ts';
import type { SimFileSystem } from './sim-file-system.ts';

const promtool = peerPath('promtool');

/** Floats without start times: what this version of promtool prints. */
const isPlain = (series: number): boolean => series % 8 < 3;

/** Writes the simulated disk to a real one; returns the end of the newest block. */
function copyOut(disk: SimFileSystem, target: string): number {
  let blockEnd = Number.NEGATIVE_INFINITY;
  for (const [path, bytes] of disk.contents()) {
    const place = join(target, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes);
    if (!path.endsWith('meta.json')) continue;
    const meta = JSON.parse(new TextDecoder().decode(bytes)) as { maxTime: number };
    blockEnd = Math.max(blockEnd, meta.maxTime);
  }
  return blockEnd;
}

/** Lines of a dump by series and time. */
function readDump(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, series = '', value = '', time = ''] of text.matchAll(/i="(\d+)"} (\S+) (\d+)$/gm)) {
    found.set(`${series} ${time}`, Number(value));
  }
  return found;
}

function compare(model: Model, found: Map<string, number>, blockEnd: number): number {
  let blockSamples = 0;
  for (let i = 0; i < model.count; i++) {
    if (!isPlain(i)) continue;
    for (const [time, { value, fate }] of model.series(i).samples) {
      const key = `${i} ${time}`;
      const seen = found.get(key);
      found.delete(key);
      if (seen !== undefined && typeof value === 'number')
        expect([key, seen]).toEqual([key, value]);
      // Of deletions that the WAL holds promptool knows nothing; blocks are whole.
      if (fate !== Fate.safe || time >= blockEnd) continue;
      expect({ key, isThere: seen !== undefined }).toEqual({ key, isThere: true });
      blockSamples++;
    }
  }
  expect([...found.keys()]).toEqual([]);
  return blockSamples;
}

test.runIf(promtool !== undefined).each([3, 14, 15, 92])(
  'promtool reads the directory of seed %i',
  async (seed) => {
    const shared = createMemory(64 << 20);
    const target = newDirectory();
    let blockEnd = 0;
    let last: Model | undefined;
    await simulateDatabase(seed, shared, {
      withCustom: false,
      atEnd: (disk, model) => {
        blockEnd = copyOut(disk, target);
        last = model;
      },
    });
    const directory = join(target, 'data');
    const list = spawnSync(promtool!, ['tsdb', 'list', directory], { encoding: 'utf8' });
    expect([list.status, list.stderr]).toEqual([0, '']);
    const names = Array.from({ length: last!.count }, (_, i) => i).filter(isPlain);
    const match = `--match={i=~"${names.join('|')}"}`;
    const dump = spawnSync(promtool!, ['tsdb', 'dump', match, directory], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect([dump.status, dump.stderr]).toEqual([0, '']);
    const found = readDump(dump.stdout);
    expect(found.size).toBeGreaterThan(500);
    expect(compare(last!, found, blockEnd)).toBeGreaterThan(200);
  },
  120_000,
);
