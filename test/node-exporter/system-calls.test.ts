// SPDX-License-Identifier: Apache-2.0
// What netclass reads over netlink, on this machine; what btrfs asks the kernel, of a pretended one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { SystemCalls } from '../../src/base/index.ts';
import { SystemCallError } from '../../src/base/index.ts';
import { createOperatingSystem } from '../../src/platform/index.ts';
import { newDirectory } from '../new-directory.ts';
import { newExporter, scrape } from './exporter-under-test.ts';

const machine = createOperatingSystem();

/** Sample lines of a page, by series. */
const samplesOf = (page: string): Map<string, string> =>
  new Map(
    page
      .split('\n')
      .filter((line) => line.startsWith('node_network') || line.startsWith('node_btrfs'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  );

async function netclassPage(netlink: boolean, withStats = false): Promise<string> {
  const exporter = newExporter({
    only: ['netclass'],
    parts: { system: machine },
    options: (defaults) => ({
      ...defaults,
      netclass: { ...defaults.netclass, netlink, withStats },
    }),
  });
  return (await scrape(exporter)).page;
}

test.skipIf(machine.calls === undefined)(
  'netclass says the same over netlink as sysfs',
  async () => {
    const overNetlink = await netclassPage(true);
    expect(overNetlink).toContain('node_scrape_collector_success{collector="netclass"} 1\n');
    const netlink = samplesOf(overNetlink);
    const sysfs = samplesOf(await netclassPage(false));
    // Netlink's flags have what changes with the link; its info has upstream's other labels.
    const differs = /^node_network_(?:flags|info|speed_bytes)\{/;
    const missing = [...sysfs].filter(([series]) => !differs.test(series) && !netlink.has(series));
    expect(missing).toEqual([]);
    for (const [series, value] of sysfs)
      if (!differs.test(series)) expect([series, netlink.get(series)]).toEqual([series, value]);
    const up = [...netlink.keys()].filter((series) => series.startsWith('node_network_flags{'));
    expect(up.length).toBeGreaterThan(0);
    const IFF_LOOPBACK = 8;
    expect(Number(netlink.get('node_network_flags{device="lo"}')) & IFF_LOOPBACK).toBe(
      IFF_LOOPBACK,
    );
    expect([...netlink.keys()].join('\n')).toMatch(
      /node_network_info\{address="00:00:00:00:00:00",broadcast="00:00:00:00:00:00",device="lo",duplex="",/,
    );
    expect(overNetlink).not.toContain('node_network_receive_bytes_total');
    expect(await netclassPage(true, true)).toMatch(
      /# TYPE node_network_receive_bytes_total gauge\nnode_network_receive_bytes_total\{device="\w+"\} \d/,
    );
  },
);

/** A kernel whose file system has devices 1 and 3; with `refuses`, one that does not tell. */
function btrfsCalls(refuses: boolean): SystemCalls {
  const refuse = (): never => {
    throw new SystemCallError('test', 1);
  };
  const uuid = (bytes: Uint8Array, at: number, first: number): void => {
    for (let i = 0; i < 16; i++) bytes[at + i] = first + i;
  };
  return {
    adjustTime: refuse,
    netlink: refuse,
    interfaceIoctl: refuse,
    perfOpen: refuse,
    read: refuse,
    directoryIoctl: (path, request, bytes) => {
      if (refuses) throw new SystemCallError('ioctl', 1);
      expect(path).toBe('/mnt/data');
      const view = new DataView(bytes.buffer);
      const id = view.getUint32(0, true);
      if (request === 0x8400941f) {
        expect(bytes.length).toBe(1024);
        view.setUint32(0, 3, true);
        view.setUint32(8, 2, true);
        uuid(bytes, 16, 0x10);
        return;
      }
      if (id !== 1 && id !== 3) throw new SystemCallError('ioctl', 19);
      if (request === 0xd000941e) {
        expect(bytes.length).toBe(4096);
        uuid(bytes, 8, id * 16);
        view.setUint32(24, 1000 * id, true);
        view.setUint32(36, 1, true);
        bytes.set(new TextEncoder().encode(`/dev/loop${id}`), 3072);
        return;
      }
      expect([request, bytes.length, view.getUint32(8, true)]).toEqual([0xc4089434, 1032, 5]);
      for (let i = 0; i < 5; i++) view.setUint32(24 + 8 * i, 10 * id + i, true);
    },
  };
}

const UUID = '10111213-1415-1617-1819-1a1b1c1d1e1f';

function btrfsRoot(): string {
  const root = newDirectory();
  const files: Record<string, string> = {
    'proc/1/mountinfo':
      '36 35 0:40 / /mnt/data rw,noatime - btrfs /dev/loop1 rw,space_cache\n' +
      '37 35 0:40 /sub /mnt/sub rw,noatime - btrfs /dev/loop1 rw,space_cache\n' +
      '38 35 8:1 / / rw - ext4 /dev/sda1 rw\n',
    [`sys/fs/btrfs/${UUID}/label`]: 'data\n',
    [`sys/fs/btrfs/${UUID}/allocation/global_rsv_size`]: '7\n',
    [`sys/fs/btrfs/${UUID}/devices/loop1/size`]: '80\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

async function btrfsSamples(calls: SystemCalls | undefined): Promise<Map<string, string>> {
  const root = btrfsRoot();
  const exporter = newExporter({
    only: ['btrfs'],
    paths: { procfs: `${root}/proc`, sysfs: `${root}/sys`, rootfs: '/', udevData: root },
    parts: { system: { ...machine, calls } },
  });
  const { page } = await scrape(exporter);
  expect(page).toContain('node_scrape_collector_success{collector="btrfs"} 1\n');
  return samplesOf(page);
}

test('btrfs: the kernel tells of each device what is free and what went wrong', async () => {
  const samples = await btrfsSamples(btrfsCalls(false));
  const labels = (id: number, more = ''): string => {
    const hex = Array.from({ length: 16 }, (_, i) => (id * 16 + i).toString(16)).join('');
    return `{btrfs_dev_uuid="${hex}",device="loop${id}"${more},uuid="${UUID}"}`;
  };
  const number = (series: string): number => Number(samples.get(series));
  for (const id of [1, 3]) {
    expect(number(`node_btrfs_device_size_bytes${labels(id)}`)).toBe(2 ** 32);
    expect(number(`node_btrfs_device_unused_bytes${labels(id)}`)).toBe(2 ** 32 - 1000 * id);
    ['write', 'read', 'flush', 'corruption', 'generation'].forEach((type, i) => {
      const series = `node_btrfs_device_errors_total${labels(id, `,type="${type}"`)}`;
      expect([series, number(series)]).toEqual([series, 10 * id + i]);
    });
  }
  const devices = [...samples.keys()].filter((series) => series.includes('_device_'));
  expect(devices).toHaveLength(14);
});

test.each([
  ['without koffi', undefined],
  ['when the kernel does not tell', btrfsCalls(true)],
])('btrfs: sysfs has to do %s', async (_, calls) => {
  const samples = await btrfsSamples(calls);
  const devices = [...samples.keys()].filter((series) => series.includes('_device_'));
  expect(devices).toEqual([`node_btrfs_device_size_bytes{device="loop1",uuid="${UUID}"}`]);
  expect(samples.get(devices[0] ?? '')).toBe('40960');
});

test.skipIf(machine.calls === undefined)('a directory of another file system is told apart', () => {
  const ask = (path: string) => () =>
    machine.calls?.directoryIoctl(path, 0x8400941f, new Uint8Array(1024));
  expect(ask('/proc')).toThrow(/ioctl failed: errno (25|22)/);
  expect(ask('/nonexistent')).toThrow(/cannot open \/nonexistent/);
});
