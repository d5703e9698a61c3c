// SPDX-License-Identifier: Apache-2.0
// Brings the data set into each system: blocks by the real promtool, a WAL for ours, the import API of
// VictoriaMetrics.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Labels } from '../../src/model/index.ts';
import { createLogger, createNodeFileSystem } from '../../src/platform/index.ts';
import { encodeSamplesRecord, encodeSeriesRecord, WalWriter } from '../../src/tsdb/index.ts';
import { installed } from '../harness/systems.ts';
import type { FleetOptions, FleetSeries } from './fleet.ts';

const SAMPLES_PER_RECORD = 5000;

const quoted = (text: string): string =>
  `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;

/** `name{label="value"}`, as both text formats write a series. */
function seriesText(name: string, labels: Labels): string {
  const pairs = labels
    .filter((label) => label.name !== '__name__')
    .map((label) => `${label.name}=${quoted(label.value)}`);
  return `${name}{${pairs.join(',')}}`;
}

/** Calls `write` with pieces of text, one line for each sample, family by family. */
function writeText(
  fleet: readonly FleetSeries[],
  format: 'openmetrics' | 'text',
  write: (text: string) => void,
): void {
  const families = new Map<string, FleetSeries[]>();
  for (const series of fleet) {
    const list = families.get(series.family);
    if (list === undefined) families.set(series.family, [series]);
    else list.push(series);
  }
  for (const [family, members] of families) {
    // Buckets one by one are no histogram to the parser: counters of any name are what is meant here.
    if (format === 'openmetrics') write(`# TYPE ${family} unknown\n`);
    for (const { name, labels, times, values } of members) {
      const head = seriesText(name, labels);
      const lines: string[] = [];
      for (let i = 0; i < times.length; i++) {
        const time = times[i] ?? 0;
        lines.push(`${head} ${values[i]} ${format === 'openmetrics' ? time / 1000 : time}\n`);
      }
      write(lines.join(''));
    }
  }
  if (format === 'openmetrics') write('# EOF\n');
}

/**
 * Blocks of the data set in `directory`, by the real promtool; made once.
 * @returns false where promtool is not installed
 */
export function createBlocks(fleet: readonly FleetSeries[], directory: string): boolean {
  if (existsSync(directory)) return true;
  const promtool = installed('promtool');
  if (promtool === undefined) return false;
  const making = `${directory}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const text = join(making, 'samples.om');
  const file = openSync(text, 'w');
  // Families come whole: a name is not allowed to come back later.
  writeText(fleet, 'openmetrics', (lines) => writeSync(file, lines));
  closeSync(file);
  const args = ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, making];
  const made = spawnSync(promtool, args, { encoding: 'utf8' });
  rmSync(text);
  if (made.status !== 0) throw new Error(`promtool could not make blocks: ${made.stderr}`);
  renameSync(making, directory);
  return true;
}

/** Writes the data set as a WAL that a server replays into its head, time by time as scrapes would. */
export function createWal(
  fleet: readonly FleetSeries[],
  { startMs, hours, stepMs }: FleetOptions,
  directory: string,
): void {
  mkdirSync(join(directory, 'wal'), { recursive: true });
  const writer = new WalWriter(
    {
      files: createNodeFileSystem(),
      logger: createLogger({ level: 'error', format: 'logfmt' }),
      directory: join(directory, 'wal'),
      compression: undefined,
    },
    0,
  );
  const refs = fleet.map((_, i) => i + 1);
  writer.log([
    encodeSeriesRecord(
      fleet.map(({ labels }, i) => ({ refLow: refs[i] ?? 0, refHigh: 0, labels })),
    ),
  ]);
  const columns = {
    refs: new Float64Array(SAMPLES_PER_RECORD),
    times: new Float64Array(SAMPLES_PER_RECORD),
    valueBits: new Uint32Array(2 * SAMPLES_PER_RECORD),
    startTimes: new Float64Array(SAMPLES_PER_RECORD),
  };
  const values = new Float64Array(columns.valueBits.buffer);
  const next = new Uint32Array(fleet.length);
  let count = 0;
  const flush = (): void => {
    if (count > 0) writer.log([encodeSamplesRecord(columns, count)]);
    count = 0;
  };
  for (let end = startMs + stepMs; end <= startMs + hours * 3_600_000; end += stepMs) {
    for (const [i, series] of fleet.entries()) {
      const at = next[i] ?? 0;
      if (at >= series.times.length || (series.times[at] ?? 0) >= end) continue;
      next[i] = at + 1;
      columns.refs[count] = refs[i] ?? 0;
      columns.times[count] = series.times[at] ?? 0;
      values[count] = series.values[at] ?? 0;
      if (++count === SAMPLES_PER_RECORD) flush();
    }
  }
  flush();
  writer.close();
}

/** Sends the data set to VictoriaMetrics. */
export async function importText(fleet: readonly FleetSeries[], url: string): Promise<void> {
  const send = async (text: string): Promise<void> => {
    const response = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: text });
    if (!response.ok) throw new Error(`import failed: ${response.status} ${await response.text()}`);
  };
  let pending: string[] = [];
  let size = 0;
  const pieces: string[] = [];
  writeText(fleet, 'text', (text) => {
    pending.push(text);
    size += text.length;
    if (size < 4 << 20) return;
    pieces.push(pending.join(''));
    pending = [];
    size = 0;
  });
  pieces.push(pending.join(''));
  for (const piece of pieces) await send(piece);
  await (await fetch(`${url}/internal/force_flush`)).arrayBuffer();
}
