// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogFields } from '../base/index.ts';
import { silentLogger } from '../base/index.ts';
import { createNodeClock, createNodeFileSystem } from '../platform/index.ts';
import { ActiveQueries } from './active-queries.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-active-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(told: LogFields[] = []): ActiveQueries {
  const logger = {
    ...silentLogger,
    info: (_: string, fields: LogFields = {}) => void told.push(fields),
  };
  const clock = { ...createNodeClock(), now: () => 12_345 };
  return new ActiveQueries({ files: createNodeFileSystem(), clock, logger, directory, slots: 2 });
}

test('keeps what has begun and not ended, in entries of upstream’s size', () => {
  const active = open();
  const [one, two, three] = [{}, {}, {}];
  active.begin(0, one, 'up');
  active.begin(1, two, `{a="${'é'.repeat(2000)}"}`);
  active.begin(0, three, 'sum("x")');
  // Late: the slot is another query's by now.
  active.end(0, one);
  const bytes = readFileSync(join(directory, 'queries.active'));
  expect(bytes.length).toBe(2001);
  active.close();
  const told: LogFields[] = [];
  open(told).close();
  const [first, second] = JSON.parse(String(told[0]?.queries));
  expect(first).toEqual({ query: 'sum("x")', timestamp_sec: 12 });
  expect(second.query).toMatch(/^\{a="é+$/);
  open(told).close();
  expect(told).toHaveLength(1);
});

test('says nothing after all have ended', () => {
  const active = open();
  const owner = {};
  active.begin(1, owner, 'up');
  active.end(1, owner);
  active.close();
  const told: LogFields[] = [];
  open(told).close();
  expect(told).toEqual([]);
});
