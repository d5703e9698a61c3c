// SPDX-License-Identifier: Apache-2.0
// The compaction workload: each server opens the same log of a head that is due and writes its block.

import { cpSync, existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { labelsFrom } from '../../src/model/index.ts';
import { createNodeClock, createNodeFileSystem } from '../../src/platform/index.ts';
import { openDatabase } from '../../src/tsdb/index.ts';
import { loopDelaysOf, metricOf } from '../harness/metrics.ts';
import { short, table } from '../harness/statistics.ts';
import { Stage, sleep, usageOf } from '../harness/processes.ts';
import type { SystemName } from '../harness/systems.ts';
import { startSystem } from '../harness/systems.ts';

export interface CompactionOptions {
  readonly series: number;
  readonly intervalSeconds: number;
  /** Above three hours a head is due. */
  readonly hours: number;
  readonly systems: readonly SystemName[];
  /** How long to wait until a server is ready, and then for the compaction, due once a minute. */
  readonly patienceSeconds: number;
}

export interface CompactionResult {
  readonly name: SystemName;
  readonly seconds: number;
  /** Resident at its most while it compacts, and before. */
  readonly peakBytes: number;
  readonly restingBytes: number;
  readonly blockBytes: number;
  readonly samples: number;
  /** From its start until it was ready: reading the log. */
  readonly startSeconds: number;
  /** Ours: how late the event loop was from ready until the head was cut, by quantile, in seconds. */
  readonly loopDelay: Readonly<Record<string, number>>;
}

const START = 1_700_006_400_000;
const SERIES_PER_BATCH = 10_000;

/** Counters and gauges, ten labels a series. */
async function writeLog(directory: string, options: CompactionOptions): Promise<void> {
  const database = await openDatabase({
    directory,
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger: silentLogger,
    heap: new SharedHeap(createMemory()),
    processId: process.pid,
  });
  const { series, intervalSeconds, hours } = options;
  const refs = new Uint32Array(series);
  for (let i = 0; i < series; i++) {
    const host = i % 1000;
    const labels = labelsFrom({
      __name__: `metric_${Math.floor(i / 1000) % 200}_total`,
      instance: `host-${host}.example.com:9100`,
      job: 'node',
      cluster: `cluster-${host % 5}`,
      zone: `zone-${host % 3}`,
      rack: `rack-${host % 40}`,
      owner: `team-${i % 20}`,
      device: `dev${Math.floor(i / 200_000)}-${i % 7}`,
      mode: ['user', 'system', 'idle'][i % 3]!,
      environment: 'production',
    });
    refs[i] = database.head.seriesRef(labels);
  }
  // As scrapes bring them.
  const batch = database.head.newBatch(SERIES_PER_BATCH);
  const end = START + hours * 3_600_000;
  for (let time = START, k = 0; time < end; time += intervalSeconds * 1000, k++) {
    for (let from = 0; from < series; from += SERIES_PER_BATCH) {
      batch.count = Math.min(SERIES_PER_BATCH, series - from);
      for (let row = 0; row < batch.count; row++) {
        const i = from + row;
        batch.refs[row] = refs[i]!;
        batch.times[row] = time + (i % 1000);
        // A third each: counters of whole numbers, gauges with fractions, values that rest.
        const kind = i % 3;
        batch.values[row] =
          kind === 0 ? k * (1 + (i % 50)) : kind === 1 ? Math.sin(k / 40 + i) * 100 : i;
      }
      database.appender.append(batch);
    }
    // Closed chunks go to their files between batches.
    await sleep(0);
  }
  database.head.releaseBatch(batch);
  database.close();
}

const isBlockName = (name: string): boolean => /^[0-9A-Z]{26}$/.test(name);

/** Bytes of the files of a directory's blocks. */
function blockBytes(directory: string): number {
  const bytes = (path: string): number => {
    const stat = lstatSync(path);
    if (!stat.isDirectory()) return stat.size;
    return readdirSync(path).reduce((sum, name) => sum + bytes(join(path, name)), 0);
  };
  return readdirSync(directory)
    .filter((name) => isBlockName(name) && existsSync(join(directory, name, 'meta.json')))
    .reduce((sum, name) => sum + bytes(join(directory, name)), 0);
}

/** Whether a block is there whole. */
const hasBlock = (directory: string): boolean =>
  readdirSync(directory).some(
    (name) => isBlockName(name) && existsSync(join(directory, name, 'meta.json')),
  );

const readMetrics = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();

async function measure(
  root: string,
  name: SystemName,
  source: string,
  options: CompactionOptions,
): Promise<CompactionResult> {
  const stage = new Stage();
  try {
    const dataDirectory = join(stage.directory, 'compaction');
    cpSync(source, dataDirectory, { recursive: true });
    const patienceMs = options.patienceSeconds * 1000;
    const system = await startSystem(stage, root, name, { dataDirectory, patienceMs });
    const restingBytes = usageOf(system.program.pid).residentBytes;
    let peakBytes = restingBytes;
    // Each reading of the metrics begins the delays anew: none while the block is written.
    await readMetrics(system.url);
    const loopDelay: Record<string, number> = {};
    const until = Date.now() + patienceMs;
    for (let turn = 0; ; turn++) {
      if (Date.now() > until) throw new Error(`${name} wrote no block:\n${system.program.output}`);
      await sleep(50);
      peakBytes = Math.max(peakBytes, usageOf(system.program.pid).residentBytes);
      if (turn % 40 !== 0 || !hasBlock(dataDirectory)) continue;
      const text = await readMetrics(system.url);
      for (const [quantile, seconds] of Object.entries(loopDelaysOf(text)))
        loopDelay[quantile] = Math.max(loopDelay[quantile] ?? 0, seconds);
      if (metricOf(text, 'prometheus_tsdb_head_min_time') <= START + 3_600_000) continue;
      return {
        name,
        seconds: metricOf(text, 'prometheus_tsdb_compaction_duration_seconds_sum'),
        peakBytes,
        restingBytes,
        blockBytes: blockBytes(dataDirectory),
        samples: options.series * Math.ceil(7200 / options.intervalSeconds),
        startSeconds: system.startSeconds,
        loopDelay,
      };
    }
  } finally {
    await stage.close();
  }
}

/** Runs the systems one after the other; VictoriaMetrics has no such thing and is left out. */
export async function runCompaction(
  root: string,
  options: CompactionOptions,
): Promise<CompactionResult[]> {
  const stage = new Stage();
  try {
    const source = join(stage.directory, 'log');
    await writeLog(source, options);
    const results: CompactionResult[] = [];
    for (const name of options.systems.filter((system) => system !== 'victoria')) {
      results.push(await measure(root, name, source, options));
    }
    return results;
  } finally {
    await stage.close();
  }
}

const mebibytes = (bytes: number): string => (bytes / 1048576).toFixed(0);

export function compactionReport(results: readonly CompactionResult[]): string {
  const rows = results.map((one) => [
    one.name,
    short(one.startSeconds),
    short(one.seconds),
    mebibytes(one.restingBytes),
    mebibytes(one.peakBytes),
    mebibytes(one.blockBytes),
    (one.blockBytes / one.samples).toFixed(3),
  ]);
  const header = [
    '',
    's to ready',
    's to block',
    'MiB before',
    'MiB peak',
    'MiB of block',
    'bytes/sample',
  ];
  const ours = results.find(({ name }) => name === 'hearth');
  const theirs = results.find(({ name }) => name === 'prometheus');
  const delays = Object.entries(ours?.loopDelay ?? {})
    .map(([quantile, seconds]) => `${quantile} ${short(1000 * seconds)}`)
    .join(', ');
  const loop = delays === '' ? '' : `\nevent loop delay of ours meanwhile, ms: ${delays}`;
  if (ours === undefined || theirs === undefined) return table([header, ...rows]) + loop;
  const ratio = (of: (one: CompactionResult) => number): string => short(of(ours) / of(theirs));
  const ratios = [
    'ratio',
    ratio((one) => one.startSeconds),
    ratio((one) => one.seconds),
    ratio((one) => one.restingBytes),
    ratio((one) => one.peakBytes),
    ratio((one) => one.blockBytes),
    ratio((one) => one.blockBytes / one.samples),
  ];
  return table([header, ...rows, ratios]) + loop;
}
