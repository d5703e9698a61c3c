// SPDX-License-Identifier: Apache-2.0
// Scraping into the real head: what a query sees of it, staleness markers included.

import { expect, test } from 'vitest';
import { seededPrng, silentLogger } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { Registry } from '../../src/metrics/index.ts';
import { isStale, type Matcher } from '../../src/model/index.ts';
import { ScrapeManager } from '../../src/scrape/index.ts';
import { DEFAULT_CHUNK_RANGE_MS, Head, HeadReader } from '../../src/tsdb/index.ts';
import { ManualClock } from '../manual-clock.ts';
import { group, jobOptions, ScriptedClient } from './rig.ts';

const INTERVAL = 15_000;

function rig(memoryBytes = 256 << 20) {
  const heap = new SharedHeap(createMemory(memoryBytes));
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  head.reserveScratch(0, 4 << 20);
  const clock = new ManualClock(1_700_000_000_000);
  const client = new ScriptedClient();
  const manager = new ScrapeManager({
    appender: head,
    heap,
    clock,
    logger: silentLogger,
    registry: new Registry({ clock }),
    prng: seededPrng(1),
    createHttpClient: () => client,
    userAgent: 'test',
  });
  manager.applyConfig([jobOptions()], { identity: 'test' });
  return { heap, head, clock, client, manager, reader: new HeadReader(heap.shared, 0) };
}

/** Values of the one series that `matchers` select; `stale` for markers. */
function values(reader: HeadReader, matchers: readonly Matcher[]): (number | 'stale')[][] {
  const querier = reader.querier();
  try {
    const set = querier.select(matchers, -1e15, 1e15);
    return Array.from({ length: set.count }, (_, row) => {
      const count = set.read(row, -1e15, 1e15);
      const { columns } = set;
      return Array.from({ length: count }, (_, i) =>
        isStale(columns.valueBits, i) ? 'stale' : columns.values[i]!,
      );
    });
  } finally {
    querier.close();
  }
}

const named = (name: string): Matcher[] => [{ name: '__name__', type: '=', value: name }];

test('what is scraped is what is read, markers included', async () => {
  const { clock, client, manager, reader, head } = rig();
  const bodies = [
    'a{x="1"} 1\nb 0.1\n',
    'a{x="1"} 2\n',
    'a{x="1"} 3\nb -Inf\n',
    'broken{',
    'a{x="1"} 5\n',
  ];
  let next = 0;
  client.answer = () => ({ body: bodies[next++] ?? '' });
  manager.updateTargets('job', [group('h:1')]);
  await clock.advance(INTERVAL * 5);
  expect(values(reader, named('a'))).toEqual([[1, 2, 3, 'stale', 5]]);
  expect(values(reader, named('b'))).toEqual([[0.1, 'stale', -Infinity, 'stale']]);
  expect(values(reader, named('up'))).toEqual([[1, 1, 1, 0, 1]]);
  expect(head.seriesCount).toBe(7);
  await manager.stop();
});

test('many targets with many series over many scrapes lose nothing', async () => {
  const { clock, client, manager, reader, head } = rig();
  let scrape = 0;
  client.answer = ({ url }) => {
    let body = '';
    for (let i = 0; i < 300; i++) body += `m{i="${i}"} ${i + Math.floor(scrape / 5)}\n`;
    scrape++;
    return { body: `# ${url}\n${body}` };
  };
  manager.updateTargets('job', [group('h:1', 'h:2', 'h:3', 'h:4', 'h:5')]);
  await clock.advance(INTERVAL * 40);
  expect(head.counters.samplesAppended).toBe(5 * 40 * 305);
  const all = values(reader, named('m'));
  expect(all).toHaveLength(1500);
  expect(all.every((series) => series.length === 40)).toBe(true);
  await manager.stop();
});

test('a head without memory fails the scrape, and keeps what it has', async () => {
  const { clock, client, manager, reader } = rig(40 << 20);
  let next = 0;
  client.answer = () => {
    if (next++ === 0) return { body: 'a 1\n' };
    let body = 'a 2\n';
    for (let i = 0; i < 120_000; i++) body += `m{i="${i}"} 1\n`;
    return { body };
  };
  manager.updateTargets('job', [group('h:1')]);
  await clock.advance(INTERVAL);
  for (let i = 0; i < 40; i++) await clock.advance(INTERVAL / 40);
  const target = manager.activeTargets().get('job')?.[0];
  expect(target?.lastError).toMatch(/out of memory|memory is full/);
  expect(values(reader, named('a'))).toEqual([[1, 'stale']]);
  expect(values(reader, named('up'))).toEqual([[1, 0]]);
  await manager.stop();
});
