// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FlagValues } from './flags.ts';
import { helpText, parseFlags } from './flags.ts';
import { serverFlags } from './server-flags.ts';

const parsed = (...args: string[]): FlagValues => {
  const result = parseFlags(serverFlags, args);
  if (result.kind !== 'values') throw new Error(`got ${result.kind}`);
  return result.values;
};

test('defaults are upstream’s, and show as it shows them', () => {
  const values = parsed();
  expect(values.all()).toMatchObject({
    'config.file': 'prometheus.yml',
    'web.listen-address': '0.0.0.0:9090',
    'web.enable-lifecycle': 'false',
    'web.external-url': '',
    'query.timeout': '2m',
    'query.max-samples': '50000000',
    'storage.tsdb.retention.time': '',
    'storage.tsdb.wal-compression': 'true',
    'log.format': 'logfmt',
  });
  expect(values.given.size).toBe(0);
});

test('takes both ways of writing a value, switches both ways, and lists', () => {
  const values = parsed(
    '--config.file=a=b.yml',
    '--query.timeout',
    '90s',
    '--web.enable-lifecycle',
    '--no-storage.tsdb.wal-compression',
    '--web.listen-address=127.0.0.1:0',
    '--web.listen-address',
    '[::1]:9090',
  );
  expect(values.text('config.file')).toBe('a=b.yml');
  expect(values.text('query.timeout')).toBe('1m30s');
  expect(values.flag('web.enable-lifecycle')).toBe(true);
  expect(values.flag('storage.tsdb.wal-compression')).toBe(false);
  expect(values.list('web.listen-address')).toEqual(['127.0.0.1:0', '[::1]:9090']);
});

test('a flag whose own name starts with no- is not a negation', () => {
  expect(parsed('--storage.tsdb.no-lockfile').flag('storage.tsdb.no-lockfile')).toBe(true);
});

test('reads more arguments from @file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-flags-'));
  try {
    writeFileSync(join(directory, 'args'), '--log.level=debug\n--web.enable-lifecycle\n');
    const values = parsed(`@${join(directory, 'args')}`);
    expect(values.text('log.level')).toBe('debug');
    expect(values.flag('web.enable-lifecycle')).toBe(true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const bad = (args: string[], message: string) =>
  test(`refuses ${args.join(' ')}`, () => {
    expect(() => parseFlags(serverFlags, args)).toThrow(message);
  });
bad(['--foo'], "unknown long flag '--foo'");
bad(['-x'], "unknown short flag '-x'");
bad(['bar'], 'unexpected bar');
bad(['--config.file'], "expected argument for flag '--config.file'");
bad(['--web.enable-lifecycle=true'], 'unexpected true');
bad(['--no-config.file'], "unknown long flag '--no-config.file'");
bad(['--log.level=x'], "enum value must be one of debug,info,warn,error, got 'x'");
bad(['--query.timeout=x'], 'not a valid duration string: "x"');
bad(['--query.max-samples=1e3'], 'strconv.ParseFloat: parsing "1e3": invalid syntax');
bad(['--log.level=info', '--log.level=warn'], "flag 'log.level' cannot be repeated");
// Removed upstream: a command line that relies on them must not start.
bad(['--alertmanager.timeout=1s'], "unknown long flag '--alertmanager.timeout'");
bad(['--storage.tsdb.retention=1d'], "unknown long flag '--storage.tsdb.retention'");
bad(['--storage.tsdb.allow-overlapping-blocks'], 'unknown long flag');

test('help and version', () => {
  expect(parseFlags(serverFlags, ['-h']).kind).toBe('help');
  expect(parseFlags(serverFlags, ['--help-long']).kind).toBe('help');
  expect(parseFlags(serverFlags, ['--version']).kind).toBe('version');
  const help = helpText('prometheus', 'The Prometheus monitoring server', serverFlags);
  expect(help).toContain('usage: prometheus [<flags>]\n');
  expect(help).toContain(
    '      --config.file="prometheus.yml"  \n' +
      `${' '.repeat(33)}Prometheus configuration file path.\n`,
  );
  expect(help).toContain(
    '      --query.timeout=2m         Maximum time a query may take before being\n',
  );
  expect(help).not.toContain('samples-per-chunk');
});
