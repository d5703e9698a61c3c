// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { hostInfo, onSignals, startLoopDelayMonitor } from './process.ts';

test('sees that the event loop was blocked, once', async () => {
  const monitor = startLoopDelayMonitor();
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await pause(50);
  const end = Date.now() + 200;
  while (Date.now() < end);
  await pause(50);
  expect(monitor.read().max).toBeGreaterThan(0.1);
  monitor.close();
});

test('signals reach their handlers until they are taken out', () => {
  const seen: string[] = [];
  const before = process.listenerCount('SIGHUP');
  const remove = onSignals({
    reload: () => seen.push('reload'),
    stop: (signal) => seen.push(signal),
  });
  process.emit('SIGHUP');
  process.emit('SIGTERM', 'SIGTERM');
  expect(seen).toEqual(['reload', 'SIGTERM']);
  remove();
  expect(process.listenerCount('SIGHUP')).toBe(before);
});

test('knows its host', () => {
  expect(hostInfo().cores).toBeGreaterThan(0);
  expect(hostInfo().workingDirectory).toBe(process.cwd());
});
