// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { LogFormat, LogLevel } from './logger.ts';
import { createLogger } from './logger.ts';

function logged(format: LogFormat, level: LogLevel = 'info') {
  const lines: string[] = [];
  const logger = createLogger({
    format,
    level,
    write: (line) => lines.push(line),
    now: () => 1e12,
  });
  return { lines, logger };
}

test('writes logfmt as slog does', () => {
  const { lines, logger } = logged('logfmt');
  const child = logger.child({ component: 'scrape manager' });
  child.info('Stopping scrapes', { n: 3, ok: true, empty: '', gone: undefined, list: ['a', 'b'] });
  child.error('x', { err: new Error('outer', { cause: new Error('say "no"\n\x1b') }) });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(
    /^time=2001-09-09T01:46:40\.000Z level=INFO source=[\w.-]+:\d+ msg="Stopping scrapes" component="scrape manager" n=3 ok=true empty="" list="\[a b\]"\n$/,
  );
  expect(lines[0]).toContain('source=logger.test.ts:');
  expect(lines[1]).toContain(String.raw`err="outer: say \"no\"\n\x1b"`);
});

test('writes the same keys as JSON', () => {
  const { lines, logger } = logged('json');
  logger.child({ component: 'tsdb' }).warn('Odd', { err: new Error('why') });
  expect(Object.keys(JSON.parse(lines[0] ?? ''))).toEqual([
    'time',
    'level',
    'source',
    'msg',
    'component',
    'err',
  ]);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'WARN', msg: 'Odd', err: 'why' });
});

test('drops what is below the level', () => {
  const { lines, logger } = logged('logfmt', 'warn');
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  expect(lines).toHaveLength(1);
});
