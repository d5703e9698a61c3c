// SPDX-License-Identifier: Apache-2.0
// --web.systemd-socket: programs serve on sockets that were open before they started.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { built, entry, eventually, Stage } from './program.ts';

const stage = new Stage();
const children: ChildProcess[] = [];
const sockets: Server[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const socket of sockets.splice(0)) socket.close();
  await stage.close();
});

/** A socket that listens, opened by the test as systemd would. */
async function listening(at: string | number): Promise<{ fd: number; port: number }> {
  const server = createServer();
  sockets.push(server);
  await new Promise<void>((resolve) => {
    if (typeof at === 'string') server.listen(at, resolve);
    else server.listen(at, '127.0.0.1', resolve);
  });
  const address = server.address();
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  return { fd, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

/** Starts a target with `fds` from descriptor 3 on. The shell says the process id, as systemd does. */
function activated(
  args: readonly string[],
  fds: readonly number[],
  pid = '$$',
): { log: () => string } {
  const words = [process.execPath, entry, ...args].map((word) => `'${word}'`).join(' ');
  const script = `LISTEN_PID=${pid} LISTEN_FDS=${fds.length}; export LISTEN_PID LISTEN_FDS; exec ${words}`;
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe', ...fds] });
  children.push(child);
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  return { log: () => log };
}

const viaUnixSocket = (socketPath: string, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { host: 'localhost' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });

function alertmanagerFile(): string {
  const file = join(stage.directory(), 'alertmanager.yml');
  writeFileSync(file, 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n');
  return file;
}

describe.runIf(built)('socket activation', () => {
  const targets: readonly [string, () => string[], string][] = [
    ['node-exporter', () => ['--web.listen-address=127.0.0.1:0'], '/metrics?collect[]=loadavg'],
    ['pushgateway', () => [], '/-/ready'],
    [
      'alertmanager',
      () => [`--config.file=${alertmanagerFile()}`, `--storage.path=${stage.directory()}`],
      '/-/ready',
    ],
  ];
  test.each(targets)('%s serves on every socket it is given', async (target, flags, path) => {
    const [first, second] = [await listening(0), await listening(0)];
    const program = activated([target, ...flags(), '--web.systemd-socket'], [first.fd, second.fd]);
    await eventually('it listens', () =>
      program.log().match(/Listening on.*address/g)?.length === 2 ? true : undefined,
    );
    // Both listen: the test's end of the sockets is closed, so that only the program can answer.
    for (const socket of sockets.splice(0)) socket.close();
    for (const { port } of [first, second]) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      expect([port, answer.status]).toEqual([port, 200]);
    }
    expect(program.log()).toContain(`127.0.0.1:${first.port}`);
    expect(program.log()).not.toContain('not supported');
  });

  test('a Unix socket does as well', async () => {
    const path = join(stage.directory(), 'exporter.sock');
    const { fd } = await listening(path);
    const program = activated(['node-exporter', '--web.systemd-socket'], [fd]);
    await eventually('it listens', () =>
      program.log().includes('file descriptor 3') ? true : undefined,
    );
    // The test's end is closed, which would take the path with it.
    const kept = `${path}.kept`;
    renameSync(path, kept);
    for (const socket of sockets.splice(0)) socket.close();
    expect(await viaUnixSocket(kept, '/metrics')).toBe(200);
  });

  test('sockets for another process are not touched, and none is an error', async () => {
    const { fd } = await listening(0);
    const program = activated(['node-exporter', '--web.systemd-socket'], [fd], '1');
    const said = 'no socket activation file descriptors found';
    await eventually('it says so', () => (program.log().includes(said) ? true : undefined));
    const child = children.at(-1)!;
    await eventually('it ends', () => child.exitCode ?? undefined);
    expect(child.exitCode).toBe(1);
  });
});
