// SPDX-License-Identifier: Apache-2.0
// `promtool tsdb create-blocks-from openmetrics`: samples of a file as blocks.
//
// The file is parsed once. Its samples stand in columns (series, time, value), 20 bytes each, and are then
// taken apart by block and by series, so that each block is written in one pass.

import type { FileSystem } from '../../base/index.ts';
import { encodeChunks, newChunkSamples } from '../../chunks/index.ts';
import { ExpositionError, ExpositionParser } from '../../exposition/index.ts';
import type { Label, Labels } from '../../model/index.ts';
import { compareLabels, compareText, labelsFrom, labelsKey } from '../../model/index.ts';
import type { BlockMeta } from '../../tsdb/index.ts';
import { BlockWriter, blockRanges, DEFAULT_CHUNK_RANGE_MS, newUlid } from '../../tsdb/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { blockTable, DEFAULT_PATH } from './list.ts';

/** Samples on their way into blocks. */
export class Samples {
  readonly series: Labels[] = [];
  count = 0;
  refs = new Uint32Array(1 << 16);
  times = new Float64Array(1 << 16);
  values = new Float64Array(1 << 16);
  minTime = Number.POSITIVE_INFINITY;
  maxTime = Number.NEGATIVE_INFINITY;
  private readonly ids = new Map<string, number>();

  /** The number of a series. */
  id(labels: Labels): number {
    const key = labelsKey(labels);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.series.length;
      this.series.push(labels);
      this.ids.set(key, id);
    }
    return id;
  }

  add(id: number, time: number, value: number): void {
    if (this.count === this.refs.length) this.grow();
    this.refs[this.count] = id;
    this.times[this.count] = time;
    this.values[this.count++] = value;
    this.minTime = Math.min(this.minTime, time);
    this.maxTime = Math.max(this.maxTime, time);
  }

  private grow(): void {
    const refs = new Uint32Array(2 * this.count);
    refs.set(this.refs);
    this.refs = refs;
    const times = new Float64Array(2 * this.count);
    times.set(this.times);
    this.times = times;
    const values = new Float64Array(2 * this.count);
    values.set(this.values);
    this.values = values;
  }
}

/** @throws CommandError in upstream's words */
function parseSamples(bytes: Uint8Array, extra: readonly Label[]): Samples {
  const parser = new ExpositionParser('openmetrics');
  parser.reset(bytes);
  const samples = new Samples();
  // Lines of one series come together mostly: the same bytes are the same series.
  const bySeriesText = new Map<string, number>();
  const latin = (from: number, to: number): string => {
    let text = '';
    for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  };
  try {
    for (let entry = parser.next(); entry !== 'end'; entry = parser.next()) {
      if (entry !== 'sample') continue;
      if (parser.timeMs === undefined) {
        const what = 'getting min and max timestamp: expected timestamp for series got none';
        throw new CommandError(what);
      }
      const text = latin(parser.seriesStart, parser.seriesEnd);
      let id = bySeriesText.get(text);
      if (id === undefined) {
        const labels = [...parser.labels(), ...extra];
        id = samples.id(labelsFrom(labels.map(({ name, value }) => [name, value] as const)));
        bySeriesText.set(text, id);
      }
      samples.add(id, parser.timeMs, parser.value);
    }
  } catch (error) {
    if (!(error instanceof ExpositionError)) throw error;
    throw new CommandError(`getting min and max timestamp: next: ${error.message}`);
  }
  return samples;
}

/** Indexes of the samples by block, then series in the order of labels, then time. */
function order(samples: Samples, blockMs: number): Uint32Array {
  const { refs, times, count } = samples;
  const ranked = Array.from(samples.series, (_, id) => id).sort((a, b) =>
    compareLabels(samples.series[a]!, samples.series[b]!),
  );
  const ranks = new Uint32Array(ranked.length);
  ranked.forEach((id, rank) => {
    ranks[id] = rank;
  });
  const indexes = new Uint32Array(count);
  for (let i = 0; i < count; i++) indexes[i] = i;
  const blockOf = (i: number): number => Math.floor(times[i]! / blockMs);
  return indexes.sort(
    (a, b) =>
      blockOf(a) - blockOf(b) ||
      ranks[refs[a]!]! - ranks[refs[b]!]! ||
      times[a]! - times[b]! ||
      a - b,
  );
}

/** Symbols of the series that `indexes[from, to)` name, ascending, and their numbers. */
function symbolsOf(
  samples: Samples,
  indexes: Uint32Array,
  from: number,
  to: number,
): { texts: string[]; numbers: Map<string, number> } {
  // As upstream: the empty text, the name of "all series", is a symbol.
  const texts = new Set<string>(['']);
  for (let i = from; i < to; i++) {
    const id = samples.refs[indexes[i]!]!;
    if (i > from && id === samples.refs[indexes[i - 1]!]!) continue;
    for (const { name, value } of samples.series[id]!) texts.add(name).add(value);
  }
  const sorted = [...texts].sort(compareText);
  return { texts: sorted, numbers: new Map(sorted.map((text, i) => [text, i])) };
}

/** One block of the samples indexes[from, to). @throws CommandError */
function writeBlock(
  host: CommandHost,
  directory: string,
  samples: Samples,
  indexes: Uint32Array,
  from: number,
  to: number,
): BlockMeta | undefined {
  const ulid = newUlid(host.clock.now(), host.prng);
  const writer = new BlockWriter({ files: host.files, directory, ulid });
  try {
    const { texts, numbers } = symbolsOf(samples, indexes, from, to);
    for (const text of texts) writer.addSymbol(text);
    const range = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
    const buffer = newChunkSamples(1024);
    for (let start = from; start < to; ) {
      const id = samples.refs[indexes[start]!]!;
      let end = start;
      while (end < to && samples.refs[indexes[end]!] === id) end++;
      buffer.reserve(end - start, 0);
      let n = 0;
      for (let i = start; i < end; i++) {
        const at = indexes[i]!;
        if (n > 0 && samples.times[at] === buffer.times[n - 1]) {
          if (Object.is(samples.values[at], buffer.values[n - 1])) continue;
          throw new CommandError('add sample: duplicate sample for timestamp');
        }
        buffer.times[n] = samples.times[at]!;
        buffer.values[n++] = samples.values[at]!;
      }
      range.min = Math.min(range.min, buffer.times[0]!);
      range.max = Math.max(range.max, buffer.times[n - 1]!);
      encodeChunks(buffer, n, (encoding, bytes, first, last) => {
        const max = buffer.times[last - 1]!;
        writer.addChunk(encoding, bytes, 0, bytes.length, buffer.times[first]!, max, last - first);
      });
      const labels = samples.series[id]!;
      const pairs = new Uint32Array(2 * labels.length);
      labels.forEach(({ name, value }, i) => {
        pairs[2 * i] = numbers.get(name)!;
        pairs[2 * i + 1] = numbers.get(value)!;
      });
      writer.endSeries(pairs, labels.length);
      start = end;
    }
    return writer.finish({
      minTime: range.min,
      maxTime: range.max + 1,
      compaction: {
        level: 1,
        sources: [ulid],
        parents: [],
        deletable: false,
        failed: false,
        hints: [],
      },
    });
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

/** `name=value` pairs of --label. @throws CommandError */
function extraLabels(texts: readonly string[]): Label[] {
  return texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new CommandError(`expected KEY=VALUE got '${text}'`);
    return { name: text.slice(0, equals), value: text.slice(equals + 1) };
  });
}

/** Bytes below a directory. */
function treeBytes(files: FileSystem, path: string): number {
  const stat = files.statSync(path);
  if (!stat.isDirectory) return stat.sizeBytes;
  return files.listSync(path).reduce((sum, name) => {
    return sum + treeBytes(files, `${path}/${name}`);
  }, 0);
}

/** Writes the samples as blocks, none longer than `blockMs`, one at a time. @throws CommandError */
export function* writeBlocks(
  host: CommandHost,
  directory: string,
  samples: Samples,
  blockMs: number,
): IterableIterator<{ meta: BlockMeta | undefined; written: number }> {
  const indexes = order(samples, blockMs);
  for (let from = 0; from < samples.count; ) {
    const block = Math.floor(samples.times[indexes[from]!]! / blockMs);
    let to = from;
    while (to < samples.count && Math.floor(samples.times[indexes[to]!]! / blockMs) === block) to++;
    yield { meta: writeBlock(host, directory, samples, indexes, from, to), written: to };
    from = to;
  }
}

async function backfill(values: CommandValues, host: CommandHost): Promise<number> {
  const directory = values.text('output directory').replace(/(.)\/+$/, '$1');
  const samples = parseSamples(
    host.files.readFileSync(values.text('input file')),
    extraLabels(values.list('label')),
  );
  if (samples.count === 0) return 0;
  host.files.makeDirectorySync(directory);
  // The largest of the usual ranges that the flag allows.
  const blockMs = blockRanges(DEFAULT_CHUNK_RANGE_MS, durationOf(values)).at(-1)!;
  let withHeader = true;
  for (const { meta, written } of writeBlocks(host, directory, samples, blockMs)) {
    if (meta !== undefined && !values.flag('quiet')) {
      const sizeBytes = treeBytes(host.files, `${directory}/${meta.ulid}`);
      host.out(blockTable([{ meta, sizeBytes }], values.flag('human-readable'), withHeader));
      withHeader = false;
    }
    if (host.isTerminal && !values.flag('quiet')) {
      host.err(`\r${Math.floor((100 * written) / samples.count)}% of the samples written\x1b[K`);
      if (written === samples.count) host.err('\r\x1b[K');
    }
  }
  return 0;
}

const durationOf = (values: CommandValues): number => {
  const hours = /^(\d+)h$/.exec(values.text('max-block-duration'));
  if (hours === null) throw new CommandError('--max-block-duration is a number of hours, as in 2h');
  return Number(hours[1]) * 3_600_000;
};

export const backfillCommand: Command = {
  words: ['tsdb', 'create-blocks-from', 'openmetrics'],
  help: 'Import samples from OpenMetrics input and produce TSDB blocks. Please refer to the storage docs for more details.',
  flags: [
    {
      name: 'label',
      kind: 'list',
      help: 'Label to attach to metrics. Can be specified multiple times. Example --label=label_name=label_value',
    },
    { name: 'human-readable', short: 'r', kind: 'switch', help: 'Print human readable values.' },
    { name: 'quiet', short: 'q', kind: 'switch', help: 'Do not print created blocks.' },
    {
      name: 'max-block-duration',
      kind: 'text',
      byDefault: '2h',
      hidden: true,
      help: 'Maximum duration created blocks may span. Anything less than 2h is ignored.',
    },
  ],
  args: [
    { name: 'input file', help: 'OpenMetrics file to read samples from.', required: true },
    {
      name: 'output directory',
      help: 'Output directory for generated blocks.',
      byDefault: DEFAULT_PATH,
    },
  ],
  run: backfill,
};
