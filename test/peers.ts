// SPDX-License-Identifier: Apache-2.0
// The real programs, where they are installed, as child processes on free ports.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export type Peer =
  | 'prometheus'
  | 'promtool'
  | 'prometheus-alertmanager'
  | 'amtool'
  | 'prometheus-node-exporter'
  | 'prometheus-pushgateway'
  | 'victoria-metrics'
  | 'chromium';

/** Path of a peer; undefined where it is not installed, which only CI refuses. */
export function peerPath(name: Peer): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(':').concat('/usr/bin')) {
    const path = join(folder, name);
    if (folder !== '' && existsSync(path)) return path;
  }
  if (process.env.CI === 'true') throw new Error(`${name} is not installed: see .ci/run`);
  return undefined;
}

/** A TCP port of 127.0.0.1 that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}

export interface RunningPeer {
  readonly process: ChildProcess;
  /** Standard error so far. */
  log(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a program; its output is kept for messages. Stop it in a `finally`. */
export function startPeer(path: string, args: readonly string[], cwd?: string): RunningPeer {
  const child = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let text = '';
  const keep = (chunk: Buffer): void => {
    text = (text + chunk.toString('utf8')).slice(-100_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    process: child,
    log: () => text,
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
  };
}

/** Waits until `url` answers 200. @throws after `timeoutMs`, with the peer's log */
export async function waitForUrl(
  url: string,
  peer: RunningPeer,
  timeoutMs = 20_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answered = await fetch(url).then(
      (response) => response.arrayBuffer().then(() => response.status === 200),
      () => false,
    );
    if (answered) return;
    const gone = peer.process.exitCode !== null || peer.process.signalCode !== null;
    if (gone || Date.now() > end) throw new Error(`${url} does not answer:\n${peer.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
