// SPDX-License-Identifier: Apache-2.0
// The targets in a process of their own, so that serving them does not disturb the measuring.

import { fork } from 'node:child_process';
import type { ScraperStats, TargetServerOptions } from './target-server.ts';
import { startTargetServer } from './target-server.ts';

type Question = 'stats' | 'reset';

export interface RemoteTargets {
  readonly ports: readonly number[];
  stats(): Promise<Readonly<Record<string, ScraperStats>>>;
  resetDelays(): Promise<void>;
  close(): Promise<void>;
}

/** The child's side: `main.ts serve-targets` with its options as JSON. */
export async function serveTargets(options: TargetServerOptions): Promise<void> {
  const server = await startTargetServer(options);
  process.on('message', (question: Question) => {
    if (question === 'reset') server.resetDelays();
    process.send?.(server.stats());
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(server.ports);
}

/** Forks the running program as a target server. */
export async function forkTargets(options: TargetServerOptions): Promise<RemoteTargets> {
  const child = fork(process.argv[1] ?? '', ['serve-targets', JSON.stringify(options)]);
  const next = <Message>(): Promise<Message> =>
    new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the target server ended'));
      child.once('exit', ended);
      child.once('message', (message) => {
        child.off('exit', ended);
        resolve(message as Message);
      });
    });
  const ask = <Message>(question: Question): Promise<Message> => {
    const answer = next<Message>();
    child.send(question);
    return answer;
  };
  const ports = await next<number[]>();
  return {
    ports,
    stats: () => ask('stats'),
    resetDelays: async () => {
      await ask('reset');
    },
    close: async () => {
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.disconnect();
      await exited;
    },
  };
}

/** The same in this process, for the smoke test. */
export async function localTargets(options: TargetServerOptions): Promise<RemoteTargets> {
  const server = await startTargetServer(options);
  return {
    ports: server.ports,
    stats: () => Promise.resolve(server.stats()),
    resetDelays: () => Promise.resolve(server.resetDelays()),
    close: () => server.close(),
  };
}
