// SPDX-License-Identifier: Apache-2.0
// The twenty queries of the benchmark against the real Prometheus, on the same data: equal answers.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage } from '../../bench/harness/processes.ts';
import type { RunningSystem } from '../../bench/harness/systems.ts';
import type { QueryAnswer } from '../../bench/query/answers.ts';
import { difference, sampleCount } from '../../bench/query/answers.ts';
import { fullFleet, generateFleet } from '../../bench/query/fleet.ts';
import { benchQueries } from '../../bench/query/queries.ts';
import { rangePath, startWithFleet } from '../../bench/query/query.ts';
import { repositoryRoot } from '../../tools/tidy.ts';
import { peerPath } from '../peers.ts';

const hasPeers = peerPath('prometheus') !== undefined && peerPath('promtool') !== undefined;

describe.runIf(hasPeers)('the twenty queries', () => {
  const stage = new Stage();
  const fleet = { ...fullFleet, instances: 6, hours: 4 };
  const systems: RunningSystem[] = [];
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'hearth-twenty-'));

  beforeAll(async () => {
    const series = generateFleet(fleet);
    const options = { fleet, cacheDirectory, nodeArguments: [], flags: [] };
    for (const name of ['hearth', 'prometheus'] as const)
      systems.push(await startWithFleet(stage, repositoryRoot, name, series, options));
  }, 60_000);
  afterAll(async () => {
    await stage.close();
    rmSync(cacheDirectory, { recursive: true, force: true });
  });

  for (const query of benchQueries) {
    test(`${query.name}: ${query.text}`, async () => {
      const [ours, theirs] = await Promise.all(
        systems.map(async ({ url }) => {
          const response = await fetch(url + rangePath(query, fleet));
          return (await response.json()) as QueryAnswer;
        }),
      );
      if (ours === undefined || theirs === undefined) throw new Error('a system is missing');
      expect(sampleCount(theirs)).toBeGreaterThan(0);
      expect(difference(ours, theirs)).toBe(undefined);
    });
  }
});
