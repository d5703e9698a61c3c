// SPDX-License-Identifier: Apache-2.0
// A snapshot of the memory, both ways with the real server: it answers from ours, and we from its.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/index.ts';
import { createMemory, SharedHeap } from '../../src/kernels/index.ts';
import { Histogram, labelsFrom } from '../../src/model/index.ts';
import { createNodeClock, createNodeFileSystem, createZstd } from '../../src/platform/index.ts';
import type { Database } from '../../src/tsdb/index.ts';
import { openDatabase } from '../../src/tsdb/index.ts';
import { newDirectory } from '../new-directory.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';

const prometheus = peerPath('prometheus');
const lines: string[] = [];
const note = (message: string): void => void lines.push(message);
const logger = { ...silentLogger, info: note, warn: note, error: note, child: () => logger };

function open(directory: string): Promise<Database> {
  lines.length = 0;
  return openDatabase({
    directory,
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger,
    heap: new SharedHeap(createMemory(128 << 20)),
    zstd: createZstd(),
    processId: process.pid,
    memorySnapshot: true,
    exemplarsMax: 1000,
    outOfOrderWindowMs: 3_600_000,
  });
}

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values?: readonly (readonly [number, string])[];
      readonly histograms?: readonly (readonly [number, { readonly count: string }])[];
    }[];
  };
}

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

async function withPrometheus<T>(
  directory: string,
  config: string,
  use: (url: string, log: () => string) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(newDirectory(), 'prometheus.yml');
  writeFileSync(file, config.replaceAll('PORT', String(port)));
  const features = 'memory-snapshot-on-shutdown,exemplar-storage';
  const peer = startPeer(prometheus!, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--storage.tsdb.retention.time=10y',
    '--web.enable-admin-api',
    `--enable-feature=${features}`,
    '--log.level=debug',
  ]);
  try {
    await waitForUrl(`${url}/-/ready`, peer);
    return await use(url, peer.log);
  } finally {
    // It writes its snapshot then.
    await peer.stop('SIGTERM');
  }
}

const SNAPSHOT = /^chunk_snapshot\.[0-9]{6}\.[0-9]{10}$/;
const snapshots = (directory: string): string[] =>
  readdirSync(directory).filter((name) => SNAPSHOT.test(name));

/** Makes the log up to the snapshot unreadable: whoever answers has the snapshot. */
function ruinLog(directory: string): void {
  const [, segment = '', offset = ''] = snapshots(directory)[0]!.split('.');
  for (const file of readdirSync(join(directory, 'wal'))) {
    const path = join(directory, 'wal', file);
    if (!statSync(path).isFile()) continue;
    const bytes = readFileSync(path);
    if (Number(file) < Number(segment)) writeFileSync(path, new Uint8Array(bytes.length).fill(7));
    else if (Number(file) === Number(segment)) {
      writeFileSync(path, bytes.fill(7, 0, Math.min(bytes.length, Number(offset))));
    }
  }
}

const SERIES = 20;
const SAMPLES = 250;

const histogram = (k: number): Histogram =>
  new Histogram({
    schema: 3,
    zeroThreshold: 2 ** -128,
    count: 10 + 2 * k,
    sum: k * 1.25,
    positiveSpans: Int32Array.of(0, 2),
    positiveBuckets: Float64Array.of(5 + k, 5 + k),
    isFloat: false,
  });

function fill(db: Database, start: number): void {
  const refs = Array.from({ length: SERIES }, (_, i) =>
    db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i), odd: 'ä"\n' })),
  );
  refs.push(db.head.seriesRef(labelsFrom({ __name__: 'h' })));
  const batch = db.head.newBatch(refs.length);
  batch.histograms = new Array<Histogram | undefined>(refs.length).fill(undefined);
  for (let k = 0; k < SAMPLES; k++) {
    refs.forEach((ref, i) => {
      batch.refs[i] = ref;
      // Every second start: the times of a histogram chunk are signed from the first delta on.
      batch.times[i] = start + 3000 * k;
      batch.values[i] = Math.sqrt(k) * (i + 1);
    });
    batch.histograms[SERIES] = histogram(k);
    batch.values[SERIES] = k * 1.25;
    batch.count = refs.length;
    expect(db.appender.append(batch)).toBe(refs.length);
  }
  db.head.releaseBatch(batch);
  const labels = labelsFrom({ trace: 'x' });
  db.head.appendExemplars([{ ref: refs[3]!, labels, time: start + 5000, value: 3 }]);
  const matchers = [{ name: 'i', type: '=', value: '7' }] as const;
  expect(db.head.deleteSeries([matchers], start, start + 299_999)).toBe(1);
}

test.runIf(prometheus !== undefined)(
  'the real server answers from our snapshot, goes on, and we answer from its',
  async () => {
    const directory = newDirectory();
    const start = Math.floor(Date.now() / 1000) * 1000 - 3_000 * SAMPLES - 60_000;
    const end = (start + 3_000 * SAMPLES) / 1000;
    let db = await open(directory);
    fill(db, start);
    db.close();
    expect(snapshots(directory).length).toBe(1);
    rmSync(join(directory, 'lock'), { force: true });
    ruinLog(directory);
    const check = async (url: string): Promise<void> => {
      const { data } = await get<Answer>(`${url}/api/v1/query?query=m[1h]&time=${end}`);
      expect(data.result.length).toBe(SERIES);
      for (const { metric, values = [] } of data.result) {
        const i = Number(metric.i);
        const first = i === 7 ? 100 : 0;
        expect(metric.odd).toBe('ä"\n');
        expect(values.map(([time, value]) => [Math.round(time * 1000), Number(value)])).toEqual(
          Array.from({ length: SAMPLES - first }, (_, n) => [
            start + 3000 * (first + n),
            Math.sqrt(first + n) * (i + 1),
          ]),
        );
      }
      const native = await get<Answer>(`${url}/api/v1/query?query=h[1h]&time=${end}`);
      const found = native.data.result[0]?.histograms ?? [];
      expect(found.map(([time, { count }]) => [Math.round(time * 1000), Number(count)])).toEqual(
        Array.from({ length: SAMPLES }, (_, k) => [start + 3000 * k, 10 + 2 * k]),
      );
      const range = `start=${start / 1000}&end=${end}`;
      const exemplars = await get<{ data: readonly { exemplars: readonly unknown[] }[] }>(
        `${url}/api/v1/query_exemplars?query=m&${range}`,
      );
      expect(exemplars.data.map((one) => one.exemplars.length)).toEqual([1]);
    };
    await withPrometheus(directory, 'global: {}\n', async (url, log) => {
      expect(log()).toMatch(/chunk snapshot loaded|Chunk snapshot loading time/i);
      expect(log()).not.toMatch(/corrupt|repair|unknown series ref|level=error/i);
      await check(url);
    });
    // Its own snapshot now.
    expect(snapshots(directory).length).toBe(1);
    ruinLog(directory);
    rmSync(join(directory, 'lock'), { force: true });
    db = await open(directory);
    expect(lines).toContain('chunk snapshot loaded');
    expect(lines.filter((line) => /damage|repair|Unknown|Cannot/.test(line))).toEqual([]);
    const reader = db.newReader(0, 16 << 20);
    const querier = reader.querier();
    const set = querier.select([{ name: '__name__', type: '=', value: 'm' }], 0, 1e15);
    expect(set.count).toBe(SERIES);
    const key = set.symbols.id('i');
    for (let row = 0; row < SERIES; row++) {
      const i = Number(set.symbols.text(set.labelValueId(row, key)));
      const first = i === 7 ? 100 : 0;
      expect(set.read(row, 0, 1e15)).toBe(SAMPLES - first);
      expect([...set.columns.values.subarray(0, SAMPLES - first)]).toEqual(
        Array.from({ length: SAMPLES - first }, (_, n) => Math.sqrt(first + n) * (i + 1)),
      );
    }
    const native = querier.select([{ name: '__name__', type: '=', value: 'h' }], 0, 1e15);
    expect(native.read(0, 0, 1e15)).toBe(SAMPLES);
    for (let k = 0; k < SAMPLES; k++) {
      expect(native.columns.times[k]).toBe(start + 3000 * k);
      expect(native.histograms![k]!.withHint(0).fields()).toEqual(histogram(k).fields());
    }
    querier.close();
    reader.close();
    expect(db.head.exemplars.count).toBe(1);
    db.close();
    // And back once more.
    rmSync(join(directory, 'lock'), { force: true });
    ruinLog(directory);
    await withPrometheus(directory, 'global: {}\n', (url) => check(url));
  },
  90_000,
);

const selfScrape = `
global: { scrape_interval: 50ms, scrape_timeout: 50ms }
scrape_configs:
  - job_name: prometheus
    static_configs: [{ targets: ['127.0.0.1:PORT'] }]
`;

test.runIf(prometheus !== undefined)(
  'we open the snapshot of a real server that scraped itself',
  async () => {
    const directory = newDirectory();
    const query = 'prometheus_tsdb_head_samples_appended_total[5m]';
    const theirs = await withPrometheus(directory, selfScrape, async (url) => {
      await new Promise((resolve) => setTimeout(resolve, 9000));
      const now = Date.now() / 1000;
      return get<Answer>(`${url}/api/v1/query?query=${query}&time=${now}`);
    });
    const values = theirs.data.result.flatMap((one) => one.values ?? []);
    expect(values.length).toBeGreaterThan(60);
    expect(snapshots(directory).length).toBe(1);
    ruinLog(directory);
    rmSync(join(directory, 'lock'), { force: true });
    const db = await open(directory);
    expect(lines).toContain('chunk snapshot loaded');
    const reader = db.newReader(0, 16 << 20);
    const querier = reader.querier();
    const name = query.replace('[5m]', '');
    const set = querier.select([{ name: '__name__', type: '=', value: name }], 0, 1e15);
    const ours: number[][] = [];
    for (let row = 0; row < set.count; row++) {
      const n = set.read(row, 0, 1e15);
      for (let i = 0; i < n; i++) ours.push([set.columns.times[i]!, set.columns.values[i]!]);
    }
    querier.close();
    reader.close();
    const expected = values.map(([time, value]) => [Math.round(time * 1000), Number(value)]);
    // It scraped on until it was told to stop.
    const until = Math.max(...expected.map(([time]) => time!));
    const kept = ours.filter(([time, value]) => time! <= until && !Number.isNaN(value));
    const order = (a: number[], b: number[]): number => a[0]! - b[0]! || a[1]! - b[1]!;
    expect(kept.sort(order)).toEqual(expected.sort(order));
    db.close();
  },
  60_000,
);
