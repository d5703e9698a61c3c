// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { prefixOf, readServerSettings } from './settings.ts';

test('the prefix of a path', () => {
  expect(prefixOf('/query')).toBe('');
  expect(prefixOf('/')).toBe('');
  expect(prefixOf('/prom/targets')).toBe('/prom');
  expect(prefixOf('/a/b/tsdb-status')).toBe('/a/b');
  expect(prefixOf('/prom/')).toBe('/prom');
  expect(prefixOf('/prom')).toBe('/prom');
});

test('settings of the server, or none', () => {
  expect(readServerSettings('{"title":"T","version":"1"}')).toMatchObject({
    title: 'T',
    version: '1',
    lookbackDelta: '5m',
  });
  expect(readServerSettings('__HEARTH_SETTINGS__').version).toBe('development');
});
