// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { idleAlertmanagerFeatures } from './alertmanager-features.ts';

test('names are checked as upstream does, idle ones are told', () => {
  expect(idleAlertmanagerFeatures([])).toEqual([]);
  expect(idleAlertmanagerFeatures(['auto-gomemlimit,event-recorder'])).toEqual(['event-recorder']);
  expect(() => idleAlertmanagerFeatures(['auto-gomaxprocs'])).toThrow(
    "unknown option 'auto-gomaxprocs' for --enable-feature",
  );
  expect(() => idleAlertmanagerFeatures(['classic-mode', 'utf8-strict-mode'])).toThrow(
    'cannot have both classic and UTF-8 modes enabled',
  );
});
