// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Registry, writeText } from '../metrics/index.ts';
import { Notifications } from './notifications.ts';

test('what holds, since when, the oldest first', () => {
  let now = 1000;
  const clock = {
    now: () => now,
    monotonicMs: () => 0,
    setTimer: () => ({ cancel: () => undefined }),
  };
  const notifications = new Notifications(clock, new Registry({ clock }), 2);
  expect(notifications.list()).toEqual([]);
  notifications.set('reloadFailed', true);
  now = 2000;
  notifications.set('stopping', true);
  notifications.set('reloadFailed', true);
  expect(notifications.list()).toEqual([
    { text: 'Configuration reload has failed.', date: '1970-01-01T00:00:01.000Z', active: true },
    {
      text: 'Prometheus is shutting down and gracefully stopping all operations.',
      date: '1970-01-01T00:00:02.000Z',
      active: true,
    },
  ]);
  notifications.set('reloadFailed', false);
  expect(notifications.list()).toHaveLength(1);
});

test('subscribers hear what holds, and every change', () => {
  const clock = {
    now: () => 1000,
    monotonicMs: () => 0,
    setTimer: () => ({ cancel: () => undefined }),
  };
  const registry = new Registry({ clock });
  const notifications = new Notifications(clock, registry, 2);
  notifications.set('starting', true);
  const heard: unknown[] = [];
  const end = notifications.subscribe(
    ({ text, active }) => heard.push([text.slice(0, 24), active]) > 0,
  );
  notifications.set('starting', true);
  notifications.set('reloadFailed', false);
  notifications.set('starting', false);
  expect(heard).toEqual([
    ['Prometheus is starting a', true],
    ['Prometheus is starting a', false],
  ]);
  expect(notifications.subscribe(() => false)).toBeDefined();
  expect(notifications.subscribe(() => true)).toBeUndefined();
  end?.();
  notifications.set('reloadFailed', true);
  expect(heard).toHaveLength(2);
  const page = writeText(registry.gather());
  const text = typeof page === 'string' ? page : new TextDecoder().decode(page);
  expect(text).toContain('prometheus_api_notification_active_subscribers 1');
  expect(text).toContain('prometheus_api_notification_updates_sent_total 2');
  expect(text).toContain('prometheus_api_notification_updates_dropped_total 1');
});
