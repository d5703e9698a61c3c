// SPDX-License-Identifier: Apache-2.0
// The example of docs/user/tsdb-library.md does what the page says, and the library keeps its word.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from '../../src/promql/index.ts';
import * as library from '../../src/targets/tsdb-library.ts';
import { openTsdb } from '../../src/targets/tsdb-library.ts';
import { repositoryRoot } from '../../tools/tidy.ts';

const page = readFileSync(join(repositoryRoot, 'docs/user/tsdb-library.md'), 'utf8');
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-library-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('the example prints what the page says', async () => {
  const code = /```ts\n([\s\S]*?)```/.exec(page)![1]!;
  const printed = /prints\n\n```\n([\s\S]*?)```/.exec(page)![1]!;
  const body = code
    .replace("import { openTsdb } from 'hearth/tsdb';", '')
    .replace("openTsdb('data'", `openTsdb(${JSON.stringify(directory)}`);
  const lines: string[] = [];
  const run = new Function('openTsdb', 'console', `return (async () => {${body}})();`) as (
    open: typeof openTsdb,
    console: { log(text: string): void },
  ) => Promise<void>;
  await run(openTsdb, { log: (text) => void lines.push(text) });
  expect(`${lines.join('\n')}\n`).toBe(printed);
});

const START = 1_700_006_400_000;

test('what was appended is there after closing, compacting and opening again', async () => {
  const db = await openTsdb(directory, { memoryBytes: 128 << 20 });
  for (let i = 0; i < 600; i++) {
    const sample = { labels: { __name__: 'a', i: String(i % 3) }, timeMs: START + i * 60_000 };
    expect(db.append([{ ...sample, value: i }])).toBe(1);
  }
  expect(db.append([{ labels: { __name__: 'a', i: '2' }, timeMs: START, value: 0 }])).toBe(0);
  const before = db.select('a', 0, 1e15);
  await db.compact();
  expect(db.blocks.length).toBeGreaterThan(1);
  expect(db.select('a', 0, 1e15).map(({ values }) => values)).toEqual(
    before.map(({ values }) => values),
  );
  await db.close();

  const again = await openTsdb(directory, { memoryBytes: 128 << 20, autoCompact: true });
  expect(again.select('a{i="1"}', START, START + 600_000).map(({ values }) => [...values])).toEqual(
    [[1, 4, 7, 10]],
  );
  const engine = new Engine({ lookbackDeltaMs: 300_000, maxSamples: 1e6, defaultStepMs: 60_000 });
  const query = 'sum(count_over_time(a[20h]))';
  const timeMs = START + 700 * 60_000;
  const result = engine.instant(again, { query, timeMs }, { checkpoint: () => undefined });
  expect(result.type === 'vector' && result.series.points(0).values[0]).toBe(600);
  const copy = join(directory, 'copy');
  await again.snapshot(copy);
  await again.close();
  const other = await openTsdb(copy, { memoryBytes: 128 << 20 });
  expect(other.select('a', 0, 1e15).reduce((sum, { times }) => sum + times.length, 0)).toBe(600);
  await other.close();
});

test('a directory in use, or no directory, is an error that says so', async () => {
  await expect(openTsdb('/proc/no/such', { memoryBytes: 128 << 20 })).rejects.toThrow(
    library.TsdbError,
  );
});
