// SPDX-License-Identifier: Apache-2.0
// What goes wrong on machines: each fault costs only its own metrics.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Clock, FileSystem, FileSystemUsage, Logger } from '../../src/base/index.ts';
import { FileError, silentLogger } from '../../src/base/index.ts';
import { collectorNames } from '../../src/node-exporter/index.ts';
import {
  createNetwork,
  createNodeClock,
  createNodeFileSystem,
  createOperatingSystem,
} from '../../src/platform/index.ts';
import { conformanceFolder } from '../conformance.ts';
import { newExporter, scrape } from './exporter-under-test.ts';
import { fixtureRoot } from './fixture-root.ts';

const folder = conformanceFolder('node-exporter');
const root = folder === undefined ? '' : fixtureRoot(folder);

/** Collectors with success 1 on a page. */
const successes = (page: string): string[] =>
  [...page.matchAll(/node_scrape_collector_success\{collector="(\w+)"\} 1/g)].map((m) => m[1]!);

function fakeMachine(files?: (plain: FileSystem) => FileSystem) {
  const plain = createNodeFileSystem();
  const withoutSockets = ['ntp', 'supervisord', 'systemd', 'logind', 'perf', 'runit'];
  return newExporter({
    only: collectorNames.map(({ name }) => name).filter((name) => !withoutSockets.includes(name)),
    paths: {
      rootfs: root,
      procfs: `${root}/proc`,
      sysfs: `${root}/sys`,
      udevData: `${root}/udev/data`,
    },
    parts: { files: files?.(plain) ?? plain },
  });
}

test.skipIf(folder === undefined)('files that end in the middle of a line', async () => {
  const whole = successes((await scrape(fakeMachine())).page);
  expect(whole.length).toBeGreaterThan(55);
  for (const fraction of [0, 0.13, 0.37, 0.5, 0.71, 0.99]) {
    const exporter = fakeMachine((plain) => ({
      ...plain,
      readTextSync: (path) => {
        const text = plain.readTextSync(path);
        return text.slice(0, Math.floor(text.length * fraction));
      },
    }));
    const { status, page } = await scrape(exporter);
    expect(status).toBe(200);
    expect(page).toContain('node_scrape_collector_success{collector="meminfo"}');
    // Nothing half-read becomes a number that is none.
    expect(page).not.toMatch(/ (NaN|undefined)$/m);
  }
});

test.skipIf(folder === undefined)('files full of other things', async () => {
  for (const garbage of [
    '\0\0\0\0',
    '\n\n\n',
    '-',
    'a b c d e f g h\n',
    '::::\n: : :\n',
    '1e999',
  ]) {
    const exporter = fakeMachine((plain) => ({ ...plain, readTextSync: () => garbage }));
    const { status, page } = await scrape(exporter);
    expect(status).toBe(200);
    expect(page).toContain('node_scrape_collector_success{collector="time"} 1');
  }
});

test.skipIf(folder === undefined)('one unreadable file costs one collector', async () => {
  const whole = successes((await scrape(fakeMachine())).page);
  const exporter = fakeMachine((plain) => ({
    ...plain,
    readTextSync: (path) => {
      if (path.endsWith('/proc/meminfo')) throw new FileError('EACCES', path, 'not for you');
      return plain.readTextSync(path);
    },
  }));
  const { page } = await scrape(exporter);
  expect(whole.filter((name) => !successes(page).includes(name))).toEqual(['meminfo']);
});

test.skipIf(folder === undefined)('a collector with a bug of ours costs itself', async () => {
  const errors: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields?.name)}`),
    child: () => logger,
  };
  const exporter = newExporter({
    only: ['loadavg', 'uname'],
    parts: {
      logger,
      system: {
        ...createOperatingSystem(),
        systemName: () => {
          throw new TypeError('a bug');
        },
      },
    },
  });
  const { status, page } = await scrape(exporter);
  expect(status).toBe(200);
  expect(successes(page)).toEqual(['loadavg']);
  expect(errors).toEqual(['collector failed "uname"']);
});

const mounts = [
  '21 1 8:1 / / rw - ext4 /dev/sda1 rw',
  '22 1 0:50 / /mnt/nfs\\040share rw - nfs4 server:/export rw',
  '23 1 8:2 / /gone ro - fuse.sshfs /dev/sda2 ro,errors=continue',
].join('\n');
const usage: FileSystemUsage = {
  blockBytes: 4096,
  blocks: 1000,
  blocksFree: 500,
  blocksAvailable: 400,
  files: 100,
  filesFree: 90,
};

test('a hung mount is reported once, not asked again, and comes back', async () => {
  const asked: string[] = [];
  const warned: unknown[] = [];
  let answer: (found: FileSystemUsage) => void = () => undefined;
  const logger: Logger = {
    ...silentLogger,
    warn: (message, fields) => void warned.push([message, fields?.mountpoint]),
    child: () => logger,
  };
  const exporter = newExporter({
    only: ['filesystem', 'loadavg'],
    options: (defaults) => ({
      ...defaults,
      filesystem: { ...defaults.filesystem, mountTimeoutMs: 5 },
    }),
    parts: {
      logger,
      files: {
        ...createNodeFileSystem(),
        readTextSync: (path) => (path.endsWith('/mountinfo') ? mounts : '0.1 0.2 0.3 1/2 3'),
      },
      system: {
        ...createOperatingSystem(),
        localFileSystemUsage: () => usage,
        fileSystemUsage: (path) => {
          asked.push(path);
          if (path === '/gone')
            return Promise.reject(
              new FileError('ENOENT', path, 'cannot ask: no such file or directory'),
            );
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      },
    },
  });
  const share = 'fstype="nfs4",mountpoint="/mnt/nfs share"';
  const stuck = `node_filesystem_device_error{device="server:/export",device_error="mountpoint timeout",${share}} 1`;
  for (let i = 0; i < 3; i++) {
    const { page } = await scrape(exporter);
    expect(page).toContain(stuck);
    expect(page).not.toContain(`node_filesystem_size_bytes{device="server:/export"`);
    expect(page).toContain(
      'node_filesystem_avail_bytes{device="/dev/sda1",device_error="",fstype="ext4",mountpoint="/"} 1.6384e+06',
    );
    expect(page).toContain(
      'node_filesystem_readonly{device="/dev/sda2",device_error="no such file or directory",fstype="fuse.sshfs",mountpoint="/gone"} 1',
    );
    expect(successes(page)).toEqual(['filesystem', 'loadavg']);
  }
  expect(asked.filter((path) => path === '/mnt/nfs share')).toHaveLength(1);
  expect(warned).toHaveLength(1);
  answer(usage);
  await Promise.resolve();
  const recovering = scrape(exporter);
  answer(usage);
  expect((await recovering).page).toContain(
    `node_filesystem_size_bytes{device="server:/export",device_error="",${share}} 4.096e+06`,
  );
});

test('a collector that never ends is given up, and what it says later goes nowhere', async () => {
  const real = createNodeClock();
  // The exporter's own limit of 15 s passes at once.
  const clock: Clock = {
    ...real,
    now: () => real.now(),
    monotonicMs: () => real.monotonicMs(),
    setTimer: (ms, run) => real.setTimer(ms >= 10_000 ? 5 : ms, run),
  };
  const exporter = newExporter({
    only: ['systemd', 'loadavg'],
    parts: {
      clock,
      network: { ...createNetwork(), connectUnix: () => new Promise(() => undefined) },
    },
  });
  const { page } = await scrape(exporter);
  expect(page).toContain('node_scrape_collector_success{collector="systemd"} 0');
  expect(successes(page)).toEqual(['loadavg']);
});

test('duplicates of the textfile collector cost their samples only, and are counted', async () => {
  const exporter = newExporter({
    only: ['textfile', 'loadavg'],
    options: (defaults) => ({ ...defaults, textfileDirectories: ['/text'] }),
    parts: {
      files: {
        ...createNodeFileSystem(),
        listSync: () => ['a.prom'],
        statSync: () => ({
          sizeBytes: 1,
          modifiedMs: 5000,
          isDirectory: false,
          isFile: true,
          isSymbolicLink: false,
        }),
        readFileSync: () =>
          new TextEncoder().encode('# TYPE node_load1 counter\nnode_load1 7\nmine 1\n'),
      },
    },
  });
  const { status, page } = await scrape(exporter);
  expect(status).toBe(200);
  expect(page).toContain('\nmine 1\n');
  expect(page.match(/^node_load1 /gm)).toHaveLength(1);
  const again = (await scrape(exporter)).page;
  expect(again).toMatch(/^promhttp_metric_handler_errors_total\{cause="gathering"\} [1-9]/m);
});

test('mountinfo of this machine is read', () => {
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(' / ');
});

test('without the foreign function interface, collectors that need it have no data', async () => {
  const { calls: _, ...system } = createOperatingSystem();
  const only = ['timex', 'netdev', 'arp', 'qdisc', 'network_route', 'ethtool', 'perf', 'wifi'];
  const exporter = newExporter({ only, parts: { system: { ...system, calls: undefined } } });
  const { page } = await scrape(exporter);
  expect(successes(page)).toEqual(['arp', 'netdev']);
  expect(page).toContain('node_network_receive_bytes_total{device="lo"}');
});
