// SPDX-License-Identifier: Apache-2.0
// The head's directory, both ways with the real server: what we write it opens, with the same answers after
// its own checkpoint and chunk files; what it writes, killed in the middle, we open.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskOpener } from './open-on-disk.ts';
import { newDirectory } from '../new-directory.ts';
import { labelsFrom } from '../../src/model/index.ts';
import type { Database } from '../../src/tsdb/index.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';

const prometheus = peerPath('prometheus');
const { warnings, open } = diskOpener(128 << 20);

/** Samples of the series with a metric name, by the label `i`. */
function samplesOf(db: Database, name: string): Map<string, [number, number][]> {
  const reader = db.newReader(0, 16 << 20);
  const querier = reader.querier();
  const set = querier.select([{ name: '__name__', type: '=', value: name }], 0, 1e15);
  const key = set.symbols.id('i');
  const found = new Map<string, [number, number][]>();
  for (let row = 0; row < set.count; row++) {
    const n = set.read(row, 0, 1e15);
    const { times, values } = set.columns;
    const id = set.labelValueId(row, key);
    found.set(
      id === 0 ? '' : set.symbols.text(id),
      Array.from({ length: n }, (_, i) => [times[i]!, values[i]!]),
    );
  }
  querier.close();
  reader.close();
  return found;
}

interface Matrix {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

async function query(url: string, expression: string, seconds: number): Promise<Matrix> {
  const response = await fetch(
    `${url}/api/v1/query?query=${encodeURIComponent(expression)}&time=${seconds}`,
  );
  return (await response.json()) as Matrix;
}

async function withPrometheus<T>(
  directory: string,
  config: string,
  use: (url: string, log: () => string) => Promise<T>,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<T> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(newDirectory(), 'prometheus.yml');
  writeFileSync(file, config.replaceAll('PORT', String(port)));
  const peer = startPeer(prometheus!, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--storage.tsdb.retention.time=10y',
    '--enable-feature=exemplar-storage,native-histograms',
    '--log.level=debug',
  ]);
  try {
    await waitForUrl(`${url}/-/ready`, peer);
    return await use(url, peer.log);
  } finally {
    await peer.stop(signal);
  }
}

const SERIES = 30;

function fill(db: Database, start: number, first: number, count: number): void {
  const refs = Array.from({ length: SERIES }, (_, i) =>
    db.head.seriesRef(labelsFrom({ __name__: 'm', i: String(i), odd: 'ä"\n' })),
  );
  const batch = db.head.newBatch(SERIES);
  for (let k = first; k < first + count; k++) {
    refs.forEach((ref, i) => {
      batch.refs[i] = ref;
      batch.times[i] = start + 1000 * k;
      batch.values[i] = k === 77 ? Number.NaN : Math.sqrt(k) * (i + 1);
    });
    batch.count = SERIES;
    db.appender.append(batch);
  }
  db.head.releaseBatch(batch);
}

test.runIf(prometheus !== undefined).each(['snappy', 'none'] as const)(
  'the real server opens our log, checkpoint and chunk files (compression: %s)',
  async (walCompression) => {
    const directory = newDirectory();
    const start = Math.floor(Date.now() / 1000) * 1000 - 3_000_000;
    const options = { walSegmentBytes: 131072, chunkRangeMs: 7_200_000, walCompression };
    const db = await open(directory, options);
    fill(db, start, 0, 1000);
    await db.truncateHead(start + 300_000);
    fill(db, start, 1000, 1000);
    await db.truncateHead(start + 600_000);
    fill(db, start, 2000, 500);
    expect(readdirSync(join(directory, 'wal')).some((name) => name.startsWith('check'))).toBe(true);
    const ours = samplesOf(db, 'm');
    // Killed: neither closed nor unlocked. The lock file is ours, not the real server's.
    rmSync(join(directory, 'lock'));
    await withPrometheus(directory, 'global: {}\n', async (url, log) => {
      expect(log()).not.toMatch(/corrupt|repair|unknown series ref|level=error/i);
      const { data } = await query(url, 'm[2h]', (start + 2_600_000) / 1000);
      expect(data.result.length).toBe(SERIES);
      for (const { metric, values } of data.result) {
        expect(metric.odd).toBe('ä"\n');
        // What truncation left of whole chunks is there, too; it's older than what readers may see.
        const theirs = values
          .map(([time, value]) => [Math.round(time * 1000), Number(value)])
          .filter(([time]) => time! >= start + 600_000);
        expect(theirs).toEqual(ours.get(metric.i!));
        expect(theirs.length).toBe(1900);
      }
    });
    // It has written on: its own log goes behind ours.
    const again = await open(directory, {
      ...options,
      floorTime: () => Promise.resolve(start + 600_000),
    });
    expect(warnings.filter((line) => !line.includes('chunks of series'))).toEqual([]);
    expect(samplesOf(again, 'm')).toEqual(ours);
    again.close();
  },
  60_000,
);

const selfScrape = `
global: { scrape_interval: 50ms, scrape_timeout: 50ms }
scrape_configs:
  - job_name: prometheus
    static_configs: [{ targets: ['127.0.0.1:PORT'] }]
    metric_relabel_configs:
      - { source_labels: [__name__], regex: 'prometheus_tsdb_.*|go_.*', action: keep }
`;

test.runIf(prometheus !== undefined)(
  'we open what the real server wrote and was killed over',
  async () => {
    const directory = newDirectory();
    const theirs = await withPrometheus(
      directory,
      selfScrape,
      async (url) => {
        // Until chunks have been closed and written.
        const written = (): boolean =>
          readdirSync(join(directory, 'chunks_head')).some((name) => /^[0-9]+$/.test(name));
        for (let i = 0; i < 300 && !written(); i++) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        const now = Date.now() / 1000;
        return query(url, '{__name__=~"go_goroutines|prometheus_tsdb_head_.*total"}[5m]', now);
      },
      'SIGKILL',
    );
    expect(readdirSync(join(directory, 'chunks_head')).length).toBeGreaterThan(0);
    rmSync(join(directory, 'lock'), { force: true });
    const db = await open(directory);
    expect(warnings).toEqual([]);
    expect(theirs.data.result.length).toBeGreaterThan(3);
    let compared = 0;
    for (const { metric, values } of theirs.data.result) {
      if (metric.type !== undefined) continue;
      const all = samplesOf(db, metric.__name__!);
      if (all.size !== 1) continue;
      // The API leaves staleness markers out: a scrape of a loaded machine may miss its 50 ms.
      const ours = [...all.values()][0]!
        .filter(([, value]) => !Number.isNaN(value))
        .slice(0, values.length);
      expect(ours).toEqual(values.map(([time, value]) => [Math.round(time * 1000), Number(value)]));
      compared += values.length;
    }
    expect(compared).toBeGreaterThan(300);
    db.close();
  },
  60_000,
);
