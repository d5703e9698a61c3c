// SPDX-License-Identifier: Apache-2.0
// The workloads run small and silent, so that they cannot rot. No number is looked at for its size.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { repositoryRoot } from '../tools/tidy.ts';
import { alertsReport, runAlerts } from './alerts/alerts.ts';
import { exporterReport, runExporters } from './exporter/exporter.ts';
import { allSystems, installed, isInstalled } from './harness/systems.ts';
import { ingestReport, runIngest } from './ingest/ingest.ts';
import { localTargets } from './ingest/target-process.ts';
import { loadReport, runLoad } from './load/load.ts';
import { difference } from './query/answers.ts';
import { fullFleet, generateFleet } from './query/fleet.ts';
import { pushgatewayReport, runPushgateway } from './pushgateway/pushgateway.ts';
import { queryReport, runQueries } from './query/query.ts';

const cacheDirectory = mkdtempSync(join(tmpdir(), 'hearth-smoke-'));
afterAll(() => rmSync(cacheDirectory, { recursive: true, force: true }));

const systems = allSystems.filter(isInstalled);

test('ingest', async () => {
  const results = await runIngest(
    repositoryRoot,
    {
      targets: 3,
      seriesPerTarget: 50,
      intervalSeconds: 1,
      warmUpSeconds: 0.1,
      rounds: 1,
      roundSeconds: 2,
      gzip: true,
      systems,
      nodeArguments: [],
    },
    localTargets,
  );
  expect(results.map(({ name }) => name)).toEqual(systems);
  for (const { samples, cpuMicrosPerSample, residentBytesPerSeries } of results) {
    expect(samples).toBeGreaterThan(0);
    expect(samples % 50).toBe(0);
    expect(cpuMicrosPerSample).toHaveLength(1);
    expect(residentBytesPerSeries).toBeGreaterThan(0);
  }
  expect(ingestReport(results)).toContain('CPU µs/sample');
});

test('query', async () => {
  const run = await runQueries(repositoryRoot, {
    fleet: { ...fullFleet, instances: 1, hours: 2 },
    rounds: 1,
    warmUpRounds: 1,
    systems: systems.filter((name) => name !== 'prometheus' || installed('promtool') !== undefined),
    filter: 'sum by',
    cacheDirectory,
    nodeArguments: [],
    flags: [],
  });
  expect(run.results).toHaveLength(1);
  expect(run.results[0]?.difference).toBe(undefined);
  expect(run.results[0]?.answered).toBe(true);
  expect(queryReport(run)).toContain('geometric mean');
});

test('load', async () => {
  const result = await runLoad(
    repositoryRoot,
    {
      fleet: { ...fullFleet, instances: 1, hours: 2 },
      targets: 2,
      seriesPerTarget: 50,
      intervalSeconds: 1,
      settleSeconds: 2,
      seconds: 2,
      clients: 2,
      cacheDirectory,
      nodeArguments: [],
    },
    localTargets,
  );
  expect(result.idle.scrapes).toBeGreaterThan(0);
  expect(result.idle.answers).toBe(0);
  expect(result.busy.answers).toBeGreaterThan(0);
  expect(result.busy.delaysMs.length).toBeGreaterThan(0);
  expect(loadReport(result)).toContain('event loop delay');
});

test('the data set is the same every time and off every edge', () => {
  const options = { ...fullFleet, instances: 2, hours: 1 };
  const fleet = generateFleet(options);
  expect(generateFleet(options)).toEqual(fleet);
  expect(new Set(fleet.map(({ labels }) => JSON.stringify(labels))).size).toBe(fleet.length);
  for (const { times } of fleet) for (const time of times) expect(time % 1000).not.toBe(0);
  const full = generateFleet({ ...fullFleet, hours: 0.01 });
  expect(full.length).toBeGreaterThan(3800);
  expect(full.length).toBeLessThan(4200);
});

test('answers that differ are told apart', () => {
  const answer = (value: string) => ({
    status: 'success',
    data: { resultType: 'matrix', result: [{ metric: { a: 'b' }, values: [[1, value]] as const }] },
  });
  expect(difference(answer('1'), answer('1'))).toBe(undefined);
  expect(difference(answer('1'), answer('1.0000000001'))).toBe(undefined);
  expect(difference(answer('1'), answer('1.00001'))).toContain('theirs 1.00001');
  expect(difference(answer('NaN'), answer('1'))).toContain('theirs 1');
  expect(difference({ status: 'error', error: 'no' }, answer('1'))).toContain('ours: error no');
});

test('pushgateway', async () => {
  const results = await runPushgateway(repositoryRoot, {
    connections: 2,
    groups: 2,
    rounds: 1,
    roundSeconds: 0.3,
    series: 2000,
    scrapes: 1,
    persist: true,
    nodeArguments: [],
  });
  expect(results[0]?.name).toBe('hearth');
  for (const { pushesPerSecond, pageBytes } of results) {
    expect(pushesPerSecond).toBeGreaterThan(0);
    // Both say the same, but for their own metrics.
    expect(Math.abs(pageBytes / results[0]!.pageBytes - 1)).toBeLessThan(0.1);
  }
  expect(pushgatewayReport(results)).toContain('pushes/s');
});

test('exporter', async () => {
  const results = await runExporters(repositoryRoot, {
    warmUp: 1,
    rounds: 1,
    scrapes: 2,
    flags: [],
    nodeArguments: [],
  });
  expect(results[0]?.name).toBe('hearth');
  for (const { series, residentBytes } of results) {
    expect(series).toBeGreaterThan(100);
    expect(residentBytes).toBeGreaterThan(0);
  }
  expect(exporterReport(results)).toContain('CPU ms/scrape');
});

test('alerts', async () => {
  const result = await runAlerts(repositoryRoot, {
    alerts: 200,
    batch: 64,
    connections: 2,
    rounds: 1,
    roundSeconds: 0.2,
    reads: 1,
    groups: 3,
    rulesPerGroup: 2,
    intervalSeconds: 1,
    watchSeconds: 2,
    clients: 1,
    systems,
    nodeArguments: [],
  });
  for (const { alertsPerSecond, listBytes, groupsBytes } of result.managers) {
    expect(groupsBytes).toBeGreaterThan(listBytes / 2);
    expect(alertsPerSecond).toBeGreaterThan(0);
    expect(listBytes).toBeGreaterThan(200 * 100);
  }
  for (const { idleDelaysMs, busyDelaysMs } of result.schedules) {
    expect(idleDelaysMs.length).toBeGreaterThan(0);
    expect(busyDelaysMs.length).toBeGreaterThan(0);
  }
  expect(alertsReport(result)).toContain('one inhibition check');
});
