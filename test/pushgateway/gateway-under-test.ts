// SPDX-License-Identifier: Apache-2.0
// Our gateway on a free port, in this process, and plain HTTP to it or to the real one.

import { request } from 'node:http';
import { silentLogger } from '../../src/base/index.ts';
import {
  createNodeClock,
  createNodeFileSystem,
  startHttpServer,
} from '../../src/platform/index.ts';
import type { Gateway } from '../../src/pushgateway/index.ts';
import { parseFlags } from '../../src/targets/flags.ts';
import { createPushgateway, pushgatewayServerOptions } from '../../src/targets/pushgateway.ts';
import { pushgatewayFlags } from '../../src/targets/pushgateway-flags.ts';

export interface GatewayUnderTest {
  readonly url: string;
  readonly gateway: Gateway;
  close(): Promise<void>;
}

export async function startGateway(args: readonly string[] = []): Promise<GatewayUnderTest> {
  const parsed = parseFlags(pushgatewayFlags, args);
  if (parsed.kind !== 'values') throw new Error('no flags');
  const parts = {
    clock: createNodeClock(),
    files: createNodeFileSystem(),
    logger: silentLogger,
  };
  const running = createPushgateway(parsed.values, parts);
  const server = await startHttpServer(
    pushgatewayServerOptions(['127.0.0.1:0'], silentLogger, running.gateway),
  );
  return {
    url: `http://${server.addresses[0]}`,
    gateway: running.gateway,
    close: async () => {
      await server.close(0);
      await running.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  /** Sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export function ask(
  url: string,
  { method = 'GET', path, headers = {}, body }: Ask,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const call = request({ hostname, port, method, path, headers, timeout: 20_000 }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: reply.statusCode ?? 0,
          headers: reply.headers,
          body: whole,
          text: whole.toString('utf8'),
        });
      });
      reply.on('error', reject);
    });
    call.on('error', reject);
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer in time`)));
    call.end(body);
  });
}

const ownNames =
  /^(go_|process_|promhttp_|pushgateway_|hearth_)|^# (HELP|TYPE) (go_|process_|promhttp_|pushgateway_|hearth_)/;

/** The page without the gateway's own metrics, with push times as T. */
export function pushedPage(page: string): string {
  return page
    .split('\n')
    .filter((line) => !ownNames.test(line))
    .map((line) => line.replace(/^(push_(?:failure_)?time_seconds\{.*\}) [0-9.e+]{4,}$/, '$1 T'))
    .join('\n');
}

export async function scrape(url: string): Promise<string> {
  return pushedPage((await ask(url, { path: '/metrics' })).text);
}
