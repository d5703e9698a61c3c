// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { parseFlags } from './flags.ts';
import { serverFlags } from './server-flags.ts';
import { externalUrl, routePrefix, SettingsError, serverSettings } from './server-settings.ts';

const settings = (...args: string[]) => {
  const parsed = parseFlags(serverFlags, args);
  if (parsed.kind !== 'values') throw new Error(parsed.kind);
  return serverSettings(parsed.values);
};

const external = (flag: string, listen: string, url: string, prefix: string) =>
  test(`external URL ${flag || '(none)'} on ${listen}`, () => {
    expect(externalUrl(flag, listen)).toBe(url);
    expect(routePrefix('', url)).toBe(prefix);
  });
external('', '0.0.0.0:9090', `http://${hostname()}:9090`, '');
external('https://mon.example.com/', ':9090', 'https://mon.example.com', '');
external('https://mon.example.com/prom/', ':9090', 'https://mon.example.com/prom', '/prom');
external('http://mon.example.com:80/a/b', ':1', 'http://mon.example.com/a/b', '/a/b');

test('a route prefix of its own wins', () => {
  expect(routePrefix('x/', 'https://mon.example.com/prom')).toBe('/x');
  expect(routePrefix('/', 'https://mon.example.com/prom')).toBe('');
});

test('refuses external URLs that are quoted or no URLs', () => {
  expect(() => externalUrl('"http://a"', ':1')).toThrow('must not begin or end with quotes');
  expect(() => externalUrl('nonsense', ':1')).toThrow(SettingsError);
});

test('flags become numbers', () => {
  expect(settings()).toMatchObject({
    lookbackDeltaMs: 300_000,
    queryTimeoutMs: 120_000,
    querySamplesMax: 50_000_000,
    queryConcurrencyMax: 20,
    readTimeoutMs: 300_000,
    connectionsMax: 512,
    autoReloadMs: undefined,
    timestampToleranceMs: 2,
    walCompression: 'snappy',
    useLockfile: true,
    dataPath: 'data/',
  });
  expect(
    settings(
      '--config.auto-reload',
      '--config.auto-reload-interval=10ms',
      '--no-scrape.adjust-timestamps',
    ),
  ).toMatchObject({ autoReloadMs: 1000, timestampToleranceMs: 0 });
});

test('origins: all, some, a pattern that is none', () => {
  expect(settings().allowedOrigin('http://x')).toBe('*');
  const some = settings('--web.cors.origin=https?://(a|b)\\.com').allowedOrigin;
  expect(some('https://a.com')).toBe('https://a.com');
  expect(some('https://a.com.evil')).toBe(undefined);
  expect(() => settings('--web.cors.origin=(')).toThrow('could not compile CORS regex string');
});

test('limits on queries: 2 GiB of results, and what they may read only where it is said', () => {
  expect(settings()).toMatchObject({
    queryBytesMax: 2 ** 31,
    queryEstimatedSamplesMax: 0,
    queryTotalEstimatedSamplesMax: 0,
  });
  const flags = [
    '--query.max-bytes=512MB',
    '--query.max-estimated-samples=7',
    '--query.max-total-estimated-samples=9',
  ];
  expect(settings(...flags)).toMatchObject({
    queryBytesMax: 2 ** 29,
    queryEstimatedSamplesMax: 7,
    queryTotalEstimatedSamplesMax: 9,
  });
});
