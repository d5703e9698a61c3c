// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Notifications } from './notifications.ts';

test('what holds, since when, the oldest first', () => {
  let now = 1000;
  const notifications = new Notifications({ now: () => now });
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
