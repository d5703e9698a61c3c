// SPDX-License-Identifier: Apache-2.0
// Pushes over kept connections with as little of the client as possible: the requests are bytes already,
// and of an answer only its status and its end are looked at.

import { connect, type Socket } from 'node:net';

export interface PushLoad {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Sent in turn; each must be answered 200 or 202 with no body. */
  readonly requests: readonly Buffer[];
}

/** Pushes done in the time, over all connections. @throws Error for an answer that is no success */
export async function pushFor(load: PushLoad): Promise<{ pushes: number; seconds: number }> {
  const start = performance.now();
  const end = start + load.seconds * 1000;
  let pushes = 0;
  let next = 0;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket: Socket = connect(load.port, load.host);
      socket.setNoDelay(true);
      let answer = '';
      const send = (): void => {
        socket.write(load.requests[next]!);
        next = (next + 1) % load.requests.length;
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        if (!answer.endsWith('\r\n\r\n')) return;
        if (!/^HTTP\/1\.1 20[02] /.test(answer)) {
          socket.destroy();
          reject(new Error(`a push was answered: ${answer}`));
          return;
        }
        answer = '';
        pushes++;
        if (performance.now() < end) send();
        else {
          socket.end();
          resolve();
        }
      });
    });
  await Promise.all(Array.from({ length: load.connections }, one));
  return { pushes, seconds: (performance.now() - start) / 1000 };
}

/** A PUT or POST as bytes. */
export function pushRequest(method: 'PUT' | 'POST', path: string, body: string): Buffer {
  const bytes = Buffer.from(body);
  const head =
    `${method} ${path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: text/plain; version=0.0.4\r\n` +
    `Content-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}
