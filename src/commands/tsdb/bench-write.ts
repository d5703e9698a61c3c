// SPDX-License-Identifier: Apache-2.0
// `promtool tsdb bench write`: how fast a new database takes simulated scrapes of the series in a file.
//
// As upstream: a scrape every 30 simulated seconds, batches of a thousand series, whole hundreds of scrapes,
// in each of which every series counts up by 1000 from 123456789. The database stays for a look at it.

import { FileError } from '../../base/index.ts';
import {
  compareText,
  formatFloatG,
  type Labels,
  labelsFrom,
  labelsKey,
} from '../../model/index.ts';
import type { SampleBatch } from '../../storage/index.ts';
import { StorageError } from '../../storage/index.ts';
import { type Database, openDatabase } from '../../tsdb/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { goDuration } from '../go-text.ts';

const SCRAPE_INTERVAL_MS = 30_000;
const SERIES_PER_BATCH = 1000;
const SCRAPES_PER_ROUND = 100;
const FIRST_VALUE = 123_456_789;
const VALUE_STEP = 1000;
const BAR_WIDTH = 40;
const PROGRESS_EVERY_MS = 100;

/**
 * The first `seriesMax` different series of a file with one a line, `{"__name__":"up","job":"node"}`. The
 * lines are read as upstream reads them, which is not JSON: quotes and braces are left out wherever they
 * are, a comma ends a label, and of a value with colons the part before the first is taken.
 *
 * @throws CommandError for a part of a line that is not a name and a value
 */
export function readSeries(text: string, seriesMax: number, path: string): Labels[] {
  const series = new Map<string, Labels>();
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const [i, line] of lines.entries()) {
    if (series.size >= seriesMax) break;
    const pairs = line
      .replace(/["{}\r]/g, '')
      .split(',')
      .map((part): readonly [string, string] => {
        const [name = '', value] = part.split(':');
        if (value !== undefined && name !== '') return [name, value];
        throw new CommandError(
          `${path}:${i + 1}: expected labels as in {"__name__":"up","job":"node"}, ` +
            `found ${JSON.stringify(part)}`,
        );
      });
    const labels = labelsFrom(pairs);
    series.set(labelsKey(labels), labels);
  }
  return [...series.values()];
}

/** What the output directory of an earlier run has in it: ours and upstream's. */
const isOutput = (name: string): boolean => name === 'storage' || name.endsWith('.prof');

/** Empties the output directory, unless it holds something else. @throws CommandError */
function prepareOutput({ files }: CommandHost, path: string): void {
  if (files.existsSync(path)) {
    const other = files
      .listSync(path)
      .sort(compareText)
      .find((name) => !isOutput(name));
    if (other !== undefined) {
      throw new CommandError(
        `${path} holds ${other}, which is no output of this benchmark: ` +
          'it would be removed; name another directory with --out',
      );
    }
    files.removeTreeSync(path);
  }
  files.makeDirectorySync(path);
}

/** Runs a stage with upstream's lines around it. @returns its result and how long it took, ms */
async function stage<T>(
  host: CommandHost,
  name: string,
  work: () => T | Promise<T>,
): Promise<{ result: T; tookMs: number }> {
  host.out(`>> start stage=${name}\n`);
  const start = host.clock.monotonicMs();
  const result = await work();
  const tookMs = host.clock.monotonicMs() - start;
  host.out(`>> completed stage=${name} duration=${goDuration(tookMs)}\n`);
  return { result, tookMs };
}

/** A bar on the terminal, drawn anew ten times a second. */
class ProgressBar {
  private readonly host: CommandHost;
  private readonly start: number;
  private drawnMs: number;

  constructor(host: CommandHost) {
    this.host = host;
    this.start = host.clock.monotonicMs();
    this.drawnMs = Number.NEGATIVE_INFINITY;
  }

  show(samples: number, samplesTotal: number): void {
    const { host, start } = this;
    if (!host.isTerminal) return;
    const now = host.clock.monotonicMs();
    if (now - this.drawnMs < PROGRESS_EVERY_MS) return;
    this.drawnMs = now;
    const share = samples / samplesTotal;
    const bar = '='.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH);
    const perSecond = Math.round((1000 * samples) / Math.max(now - start, 1));
    host.err(`\r[${bar}] ${Math.floor(100 * share)}%  ${perSecond} samples/s\x1b[K`);
  }

  clear(): void {
    if (this.host.isTerminal) this.host.err('\r\x1b[K');
  }
}

/** Batches with the refs of all series in them. @throws StorageError */
function newBatches({ appender }: Database, series: readonly Labels[]): SampleBatch[] {
  const batches: SampleBatch[] = [];
  for (let from = 0; from < series.length; from += SERIES_PER_BATCH) {
    const part = series.slice(from, from + SERIES_PER_BATCH);
    const batch = appender.newBatch(part.length);
    part.forEach((labels, i) => {
      const ref = appender.seriesRef(labels);
      if (ref === 0) throw new StorageError('full', 'cannot add a series: the head is full');
      batch.refs[i] = ref;
    });
    batch.count = part.length;
    batches.push(batch);
  }
  return batches;
}

/** @returns samples stored, all of them. @throws CommandError */
function ingest(
  host: CommandHost,
  database: Database,
  series: readonly Labels[],
  scrapes: number,
): number {
  const rounded = Math.ceil(scrapes / SCRAPES_PER_ROUND) * SCRAPES_PER_ROUND;
  const bar = new ProgressBar(host);
  let total = 0;
  try {
    const batches = newBatches(database, series);
    for (let i = 0; i < rounded; i++) {
      const time = (i + 1) * SCRAPE_INTERVAL_MS;
      const value = FIRST_VALUE + VALUE_STEP * ((i % SCRAPES_PER_ROUND) + 1);
      for (const batch of batches) {
        batch.times.fill(time, 0, batch.count);
        batch.values.fill(value, 0, batch.count);
        const accepted = database.appender.append(batch);
        if (accepted !== batch.count) {
          throw new CommandError(
            `${batch.count - accepted} of ${batch.count} samples were refused at scrape ${i + 1}`,
          );
        }
        total += accepted;
      }
      bar.show(total, rounded * series.length);
    }
    for (const batch of batches) database.appender.releaseBatch(batch);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new CommandError(`after ${total} samples: ${error.message}`, { cause: error });
  } finally {
    bar.clear();
  }
  host.out('ingestion completed\n');
  return total;
}

/** A number of a flag. @throws CommandError unless it is whole and not negative */
function countOf(values: CommandValues, name: string): number {
  const count = values.number(name);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new CommandError(`--${name} is a number of them, not ${values.text(name)}`);
}

async function benchWrite(values: CommandValues, host: CommandHost): Promise<number> {
  const { files, clock, logger, processId, zstd } = host;
  const seriesMax = countOf(values, 'metrics');
  const scrapes = countOf(values, 'scrapes');
  const path = values.text('file');
  const output = values.text('out').replace(/(.)\/+$/, '$1');
  if (output === '') throw new CommandError('--out is empty: name the directory to write to');
  // Before anything of an earlier run is removed.
  const { result: series } = await stage(host, 'readData', () => {
    try {
      return readSeries(files.readTextSync(path), seriesMax, path);
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== 'ENOENT') throw error;
      throw new CommandError(`open ${path}: no such file or directory`, { cause: error });
    }
  });
  prepareOutput(host, output);
  const database = await openDatabase({
    directory: `${output}/storage`,
    files,
    clock,
    logger,
    heap: host.newHeap(),
    ...(zstd === undefined ? {} : { zstd }),
    processId,
    // As upstream's benchmark, which leaves this at its default.
    walCompression: 'none',
  });
  let closed = false;
  try {
    const { result: total, tookMs } = await stage(host, 'ingestScrapes', () =>
      ingest(host, database, series, scrapes),
    );
    const perSecond = formatFloatG(total / (tookMs / 1000));
    host.out(` > total samples: ${total}\n > samples/sec: ${perSecond}\n`);
    closed = true;
    await stage(host, 'stopStorage', () => database.close());
  } finally {
    if (!closed) database.close();
  }
  return 0;
}

export const benchWriteCommand: Command = {
  words: ['tsdb', 'bench', 'write'],
  help: 'Run a write performance benchmark.',
  flags: [
    { name: 'out', kind: 'text', byDefault: 'benchout', help: 'Set the output path.' },
    {
      name: 'metrics',
      kind: 'number',
      byDefault: '10000',
      help: 'Number of metrics to read.',
    },
    {
      name: 'scrapes',
      kind: 'number',
      byDefault: '3000',
      help: 'Number of scrapes to simulate.',
    },
  ],
  args: [
    {
      name: 'file',
      help: 'Input file with samples data, default is (../../tsdb/testdata/20kseries.json).',
      byDefault: '../../tsdb/testdata/20kseries.json',
    },
  ],
  run: benchWrite,
};
