// SPDX-License-Identifier: Apache-2.0
// `promtool tsdb analyze`: which labels and metrics a block is made of.

import { chunkSampleCount } from '../../chunks/index.ts';
import type { Matcher } from '../../model/index.ts';
import { compareText } from '../../model/index.ts';
import { parseSelector, QueryError } from '../../promql/index.ts';
import type { BlockReader } from '../../tsdb/index.ts';
import { ChunkCursor, newSeriesEntry, PlainChunkMemory, selectRefs } from '../../tsdb/index.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../command.ts';
import { goDuration } from '../go-text.ts';
import { DEFAULT_PATH } from './list.ts';
import { findBlock, openBlocks } from './open-blocks.ts';

interface Counted {
  readonly key: string;
  readonly count: number;
}

/** The largest `limit`; what is equal in the order of its name. */
function largest(entries: Iterable<readonly [string, number]>, limit: number): string {
  const sorted: Counted[] = Array.from(entries, ([key, count]) => ({ key, count }));
  sorted.sort((a, b) => b.count - a.count || compareText(a.key, b.key));
  return sorted
    .slice(0, limit)
    .map(({ key, count }) => `${count} ${key}\n`)
    .join('');
}

/** Sums over the series of a block. */
interface Tally {
  readonly refs: Uint32Array;
  /** Label name -> value -> its series. */
  readonly labels: Map<string, Map<string, { uncovered: number; count: number }>>;
  entries: number;
}

function tally(block: BlockReader, refs: Uint32Array): Tally {
  const { index, meta } = block;
  const result: Tally = { refs, labels: new Map(), entries: 0 };
  const entry = newSeriesEntry();
  const width = meta.maxTime - meta.minTime;
  for (const ref of refs) {
    index.readSeries(ref, entry);
    const last = entry.chunkCount - 1;
    const uncovered = width - (entry.maxTimes[last]! - entry.minTimes[0]!);
    for (let i = 0; i < entry.labelCount; i++) {
      const name = index.symbol(entry.pairs[2 * i]!);
      const value = index.symbol(entry.pairs[2 * i + 1]!);
      let values = result.labels.get(name);
      if (values === undefined) {
        values = new Map();
        result.labels.set(name, values);
      }
      const known = values.get(value);
      if (known === undefined) {
        values.set(value, { uncovered, count: 1 });
      } else {
        known.uncovered += uncovered;
        known.count++;
      }
      result.entries++;
    }
  }
  return result;
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** Name -> what `of` makes of its values. */
function byName(
  all: Tally,
  of: (values: Map<string, { uncovered: number; count: number }>) => number,
): [string, number][] {
  return [...all.labels].map(([name, values]) => [name, of(values)]);
}

/** `name=value` -> what `of` makes of it. */
function byPair(
  all: Tally,
  of: (series: { uncovered: number; count: number }) => number,
): [string, number][] {
  return [...all.labels].flatMap(([name, values]) =>
    [...values].map(([value, series]): [string, number] => [`${name}=${value}`, of(series)]),
  );
}

function report(block: BlockReader, all: Tally, limit: number, isMatched: boolean): string {
  const { meta } = block;
  const width = meta.maxTime - meta.minTime;
  const perWidth = (sum: number): number => Math.trunc(sum / width);
  const pairCount = byName(all, (values) => values.size).reduce((sum, [, n]) => sum + n, 0);
  let text = `Block ID: ${meta.ulid}\nDuration: ${goDuration(width)}\n`;
  text += `Total Series: ${meta.stats.numSeries}\n`;
  if (isMatched) text += `Matched series: ${all.refs.length}\n`;
  text += `Label names: ${all.labels.size}\n`;
  text += `Postings (unique label pairs): ${pairCount}\n`;
  text += `Postings entries (total label pairs): ${all.entries}\n`;
  const section = (title: string, entries: Iterable<readonly [string, number]>): void => {
    text += `\n${title}:\n${largest(entries, limit)}`;
  };
  section(
    'Label pairs most involved in churning',
    byPair(all, ({ uncovered }) => perWidth(uncovered)),
  );
  section(
    'Label names most involved in churning',
    byName(all, (values) => perWidth(sum([...values.values()].map((one) => one.uncovered)))),
  );
  section(
    'Most common label pairs',
    byPair(all, ({ count }) => count),
  );
  section(
    'Label names with highest cumulative label value length',
    byName(all, (values) => sum([...values.keys()].map(byteLength))),
  );
  section(
    'Highest cardinality labels',
    byName(all, (values) => values.size),
  );
  const metrics = all.labels.get('__name__') ?? new Map<string, { count: number }>();
  section(
    'Highest cardinality metric names',
    [...metrics].map(([name, { count }]): [string, number] => [name, count]),
  );
  return text;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** How full the chunks are, in tenths of 120 samples. */
function fullness(block: BlockReader, refs: Uint32Array): string {
  const buckets = new Array<number>(10).fill(0);
  const cursor = new ChunkCursor(block.chunks, new PlainChunkMemory());
  const entry = newSeriesEntry();
  let total = 0;
  for (const ref of refs) {
    block.index.readSeries(ref, entry);
    for (let i = 0; i < entry.chunkCount; i++) {
      cursor.load(entry.chunkRefs[i]!);
      const chunk = cursor.window.bytes.subarray(cursor.at, cursor.at + cursor.length);
      const bucket = Math.floor((chunkSampleCount(cursor.encoding, chunk) / 120) * 10);
      buckets[Math.min(9, bucket)]!++;
      total++;
    }
  }
  let text = '\nCompaction analysis:\n';
  text += 'Fullness: Amount of samples in chunks (100% is 120 samples)\n';
  buckets.forEach((count, i) => {
    const percentage = Math.trunc((100 * count) / Math.max(1, total));
    text += `${String(10 * (i + 1)).padStart(7)}%: ${'#'.repeat(percentage)}\n`;
  });
  return text;
}

/** @throws CommandError with the parser's words */
export function selectorOf(text: string): readonly Matcher[] {
  try {
    return parseSelector(text);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new CommandError(error.message, { cause: error });
  }
}

export const analyzeCommand: Command = {
  words: ['tsdb', 'analyze'],
  help: 'Analyze churn, label pair cardinality and compaction efficiency.',
  flags: [
    {
      name: 'limit',
      kind: 'number',
      byDefault: '20',
      help: 'How many items to show in each list.',
    },
    { name: 'extended', kind: 'switch', help: 'Run extended analysis.' },
    {
      name: 'match',
      kind: 'text',
      help: 'Series selector to analyze. Only 1 set of matchers is supported now.',
    },
  ],
  args: [
    { name: 'db path', help: 'Database path (default is data/).', byDefault: DEFAULT_PATH },
    { name: 'block id', help: 'Block to analyze (default is the last block).' },
  ],
  run: async (values, { files, out }) => {
    const directory = values.text('db path').replace(/(.)\/+$/, '$1');
    const selector = values.text('match');
    const matchers = selector === '' ? [] : selectorOf(selector);
    const blocks = openBlocks(files, directory);
    const block = findBlock(blocks, values.text('block id'));
    const refs = selector === '' ? block.index.allSeries() : selectRefs(block.index, matchers);
    const all = tally(block, refs);
    out(report(block, all, values.number('limit'), selector !== ''));
    if (values.flag('extended')) out(fullness(block, refs));
    for (const open of blocks) open.close();
    return 0;
  },
};
