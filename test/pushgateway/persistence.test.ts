// SPDX-License-Identifier: Apache-2.0
// What was answered is there again, however the gateway ended and whatever became of its files.

import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ForeignFileError } from '../../src/pushgateway/index.ts';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';
import { ask } from './gateway-under-test.ts';
import { ManualClock } from '../manual-clock.ts';
import { inDirectory, Rig } from './rig.ts';

const pushed = async (rig: Rig): Promise<string> =>
  (await rig.page())
    .split('\n')
    .filter((line) => !/^(# (HELP|TYPE) )?(hearth_|pushgateway_|promhttp_)/.test(line))
    .join('\n');

async function fill(rig: Rig): Promise<void> {
  await rig.push('PUT', '/metrics/job/a', '# HELP m Help.\n# TYPE m counter\nm{x="1"} 5\nm 6\n');
  await rig.push('PUT', '/metrics/job/a/instance/i', 'n 1\n');
  await rig.push(
    'POST',
    '/metrics/job/a',
    '# TYPE h histogram\nh_bucket{le="1"} 2\nh_count 2\nh_sum 1\n',
  );
  await rig.push('PUT', '/metrics/job/gone', 'n 1\n');
  await rig.push('DELETE', '/metrics/job/gone', '');
  await rig.push('PUT', '/metrics/job/b', 'bad 1\nbad 1\n');
  await rig.push('POST', '/metrics/job/b?ttl=1h', 'z 9\n');
}

test('a gateway that was killed has all that it answered', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const first = new Rig({ persistenceFile });
    await fill(first);
    const second = new Rig({ persistenceFile });
    expect(await pushed(second)).toBe(await pushed(first));
    expect([...second.gateway.store.groups.values()].map(({ expiresMs }) => expiresMs)).toEqual(
      [...first.gateway.store.groups.values()].map(({ expiresMs }) => expiresMs),
    );
  }));

test('the file is written after the interval and at the end, and the logs go', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const clock = new ManualClock();
    const first = new Rig({ persistenceFile, clock });
    await fill(first);
    expect(readdirSync(directory)).toEqual(['metrics.wal.00000001']);
    await clock.advance(60_000);
    await first.persistence?.persist();
    expect(readdirSync(directory)).toEqual(['metrics']);
    await first.push('PUT', '/metrics/job/c', 'later 1\n');
    expect(readdirSync(directory)).toEqual(['metrics', 'metrics.wal.00000002']);
    const killed = new Rig({ persistenceFile });
    expect(await pushed(killed)).toBe(await pushed(first));
    await first.persistence?.close();
    expect(readdirSync(directory)).toEqual(['metrics']);
    expect(await pushed(new Rig({ persistenceFile }))).toBe(await pushed(first));
    expect(clock.pending).toBe(1);
  }));

test('a log cut at any byte gives the state after one of the pushes', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const states = new Set<string>();
    const first = new Rig({ persistenceFile });
    states.add(await pushed(first));
    for (let i = 0; i < 4; i++) {
      await first.push('PUT', `/metrics/job/j${i % 2}`, `m${i} ${i}\n`);
      states.add(await pushed(first));
    }
    const log = `${persistenceFile}.wal.00000001`;
    const whole = readFileSync(log);
    for (let length = whole.length; length >= 0; length -= 3) {
      writeFileSync(log, whole.subarray(0, length));
      const again = new Rig({ persistenceFile });
      expect(states).toContain(await pushed(again));
    }
  }));

test('a persistence file cut in half gives what is whole in it, and stays under another name', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const first = new Rig({ persistenceFile });
    for (let i = 0; i < 10; i++) await first.push('PUT', `/metrics/job/j${i}`, `m ${i}\n`);
    await first.persistence?.close();
    const whole = readFileSync(persistenceFile);
    truncateSync(persistenceFile, whole.length >> 1);
    const again = new Rig({ persistenceFile });
    const lines = await again.samples('m{');
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.length).toBeLessThan(8);
    expect(again.logged.join('\n')).toMatch(
      /could not load all persisted metrics .*the file ends inside of a record; what comes before was loaded/,
    );
    const kept = readdirSync(directory).find((name) => name.includes('.damaged.'));
    expect(readFileSync(join(directory, kept ?? ''))).toEqual(whole.subarray(0, whole.length >> 1));
    // A push works as ever.
    expect(await again.push('PUT', '/metrics/job/new', 'm 1\n')).toBe('200');
  }));

test('a flipped bit is found by its checksum', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const first = new Rig({ persistenceFile });
    for (let i = 0; i < 4; i++) await first.push('PUT', `/metrics/job/j${i}`, `m ${i}\n`);
    await first.persistence?.close();
    const bytes = readFileSync(persistenceFile);
    bytes[bytes.length - 10]! ^= 4;
    writeFileSync(persistenceFile, bytes);
    const again = new Rig({ persistenceFile });
    expect((await again.samples('m{')).length).toBe(3);
    expect(again.logged.join('\n')).toContain('the checksum of a record is wrong');
  }));

test('a file that is nobody’s is refused and left alone; one that is empty is not', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const foreign = Buffer.from('0dff810401024d47', 'hex');
    writeFileSync(persistenceFile, foreign);
    expect(() => new Rig({ persistenceFile })).toThrow(ForeignFileError);
    expect(() => new Rig({ persistenceFile })).toThrow(/move it away or give another/);
    expect(readFileSync(persistenceFile)).toEqual(foreign);
    writeFileSync(persistenceFile, '');
    expect((await new Rig({ persistenceFile }).samples('push_time')).length).toBe(0);
  }));

const real = peerPath('prometheus-pushgateway');

test.skipIf(real === undefined)('a file of the Go Pushgateway is taken over, and kept', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const peer = startPeer(real!, [
      `--web.listen-address=127.0.0.1:${port}`,
      `--persistence.file=${persistenceFile}`,
    ]);
    let page = '';
    try {
      await waitForUrl(`${url}/-/ready`, peer);
      const bodies = {
        '/metrics/job/a': '# HELP m Help.\n# TYPE m counter\nm{x="2"} 5\nm{x="1"} 6\n',
        '/metrics/job/a/instance/%C3%BC':
          '# TYPE h histogram\nh_bucket{le="1"} 2\nh_count 3\nh_sum 1.5\n# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 3\nu -1e300\n',
        '/metrics/job/b': 'bad 1\nbad 1\n',
        '/metrics/job/empty': '',
      };
      for (const [path, body] of Object.entries(bodies))
        await ask(url, { method: 'PUT', path, body });
      page = (await ask(url, { path: '/metrics' })).text;
    } finally {
      await peer.stop();
    }
    const gob = readFileSync(persistenceFile);
    const ours = new Rig({ persistenceFile });
    expect(exactPage(await ours.page())).toBe(exactPage(page));
    expect([...ours.gateway.store.groups.keys()].length).toBe(4);
    expect(readFileSync(`${persistenceFile}.gob`)).toEqual(gob);
    await ours.push('PUT', '/metrics/job/new', 'n 1\n');
    const killed = new Rig({ persistenceFile });
    expect(await killed.samples('n{')).toEqual(['n{instance="",job="new"} 1']);
    expect((await killed.samples('m{')).length).toBe(2);
    await killed.persistence?.persist();
    expect((await new Rig({ persistenceFile }).samples('m{')).length).toBe(2);
    // Cut anywhere it is refused whole.
    for (let length = 1; length < gob.length; length += 7) {
      writeFileSync(persistenceFile, gob.subarray(0, length));
      expect(() => new Rig({ persistenceFile }), String(length)).toThrow(ForeignFileError);
    }
  }),
);

/** Without the gateway's own metrics, times as they are. */
const exactPage = (page: string): string =>
  page
    .split('\n')
    .filter((line) => !/^(# (HELP|TYPE) )?(go_|process_|promhttp_|pushgateway_|hearth_)/.test(line))
    .join('\n');

test('a push that cannot be written is refused and changes nothing', () =>
  inDirectory(async (directory) => {
    const rig = new Rig({ persistenceFile: join(directory, 'missing', 'metrics') });
    expect(await rig.push('PUT', '/metrics/job/a', 'm 1\n')).toMatch(
      /^500 the change could not be persisted/,
    );
    expect(await rig.samples('m')).toEqual([]);
    expect(await rig.push('DELETE', '/metrics/job/a', '')).toBe('202');
  }));

test('merged groups go on after a restart as if nothing had been', () =>
  inDirectory(async (directory) => {
    const persistenceFile = join(directory, 'metrics');
    const body = (value: number): string => `# TYPE c counter\nc ${value}\n`;
    const first = new Rig({ persistenceFile });
    await first.push('POST', '/metrics/job/m?merge=sum&pusher=a', body(10));
    await first.push('POST', '/metrics/job/m?merge=sum&pusher=b', body(5));
    const killed = new Rig({ persistenceFile });
    await killed.push('POST', '/metrics/job/m?merge=sum&pusher=a', body(12));
    expect(await killed.samples('c{')).toEqual(['c{instance="",job="m"} 17']);
    await killed.persistence?.close();
    const third = new Rig({ persistenceFile });
    await third.push('POST', '/metrics/job/m?merge=sum&pusher=b', body(1));
    expect(await third.samples('c{')).toEqual(['c{instance="",job="m"} 18']);
  }));
