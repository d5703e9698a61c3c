// SPDX-License-Identifier: Apache-2.0
// A gateway without HTTP, on a clock that only moves when told and on real files of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileSystem, Logger, ServerResponse } from '../../src/base/index.ts';
import { silentLogger } from '../../src/base/index.ts';
import { Registry } from '../../src/metrics/index.ts';
import { createNodeFileSystem, createRequestDecoder } from '../../src/platform/index.ts';
import type { GatewayOptions } from '../../src/pushgateway/index.ts';
import { Gateway, Persistence, preparePush } from '../../src/pushgateway/index.ts';
import { ManualClock } from '../manual-clock.ts';
import type { Ask } from './gateway-under-test.ts';

export interface RigOptions extends Partial<GatewayOptions> {
  readonly persistenceFile?: string;
  readonly clock?: ManualClock;
  readonly bodyLimitBytes?: number;
  /** Large pushes are prepared by a copy of themselves, as through a worker. */
  readonly preparing?: boolean;
  /** Instead of the machine's. */
  readonly files?: FileSystem;
}

const defaults: GatewayOptions = {
  telemetryPath: '/metrics',
  routePrefix: '',
  externalPathPrefix: '',
  enableLifecycle: false,
  enableAdminApi: true,
  checkConsistency: true,
  scheme: 'legacy',
  defaultTtlMs: 0,
  pageDirectory: '/nonexistent',
  flags: { 'web.listen-address': ':9091' },
  buildInformation: { version: 'v' },
  build: { version: 'v', revision: '', branch: '', goVersion: '', architecture: 'amd64' },
};

export const bytesOf = (body: string | Uint8Array): Uint8Array =>
  typeof body === 'string' ? new TextEncoder().encode(body) : body;
export const textOf = (body: string | Uint8Array): string =>
  typeof body === 'string' ? body : new TextDecoder().decode(body);

export class Rig {
  readonly clock: ManualClock;
  readonly gateway: Gateway;
  readonly persistence: Persistence | undefined;
  readonly logged: string[] = [];
  quits = 0;
  prepared = 0;

  constructor(options: RigOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    const log = (message: string, fields: object = {}): void =>
      void this.logged.push(
        `${message} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))}`,
      );
    const logger: Logger = {
      ...silentLogger,
      info: log,
      warn: log,
      error: log,
      child: () => logger,
    };
    const files = options.files ?? createNodeFileSystem();
    const parts = { clock: this.clock, files, logger };
    this.gateway = new Gateway(
      { ...defaults, ...options },
      {
        ...parts,
        registry: new Registry({ clock: this.clock }),
        decode: createRequestDecoder(options.bodyLimitBytes ?? 1_000_000),
        ...(options.preparing === true
          ? {
              prepare: (request) => {
                this.prepared++;
                return Promise.resolve(structuredClone(preparePush(structuredClone(request))));
              },
            }
          : {}),
        quit: () => {
          this.quits++;
        },
      },
    );
    const { persistenceFile } = options;
    if (persistenceFile === undefined) return;
    const { store } = this.gateway;
    this.persistence = new Persistence({ path: persistenceFile, intervalMs: 60_000 }, parts, () =>
      store.snapshot(),
    );
    this.persistence.load((record) => store.replay(record));
    store.persistWith(this.persistence);
  }

  async ask({ method = 'GET', path, headers = {}, body = '' }: Ask): Promise<ServerResponse> {
    const [plain = '', query = ''] = path.split('?');
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    return this.gateway.handle({
      method,
      path: plain,
      params: new URLSearchParams(query),
      headers: lower,
      body: bytesOf(body),
      remoteAddress: '10.0.0.1',
      signal: new AbortController().signal,
    });
  }

  /** Status and text of a push. */
  async push(
    method: string,
    path: string,
    body: string | Uint8Array,
    headers = {},
  ): Promise<string> {
    const response = await this.ask({ method, path, body, headers });
    return `${response.status} ${textOf(response.body)}`.trim();
  }

  async page(accept = ''): Promise<string> {
    const { body } = await this.ask({ path: '/metrics', headers: { accept } });
    return textOf(body);
  }

  /** The sample lines whose name starts with `name`. */
  async samples(name: string): Promise<string[]> {
    return (await this.page()).split('\n').filter((line) => line.startsWith(name));
  }
}

/** A directory that lives as long as `use`. */
export async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-pushgateway-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
