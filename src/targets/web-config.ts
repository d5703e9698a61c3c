// SPDX-License-Identifier: Apache-2.0
// `--web.config.file` at work: TLS, basic authentication and security headers. Users and headers are
// taken anew when the file changes, certificates when theirs do.

import { createHmac, randomBytes } from 'node:crypto';
import type { ServerOptions as HttpsOptions } from 'node:https';
import { Worker } from 'node:worker_threads';
import type { Logger, ServerRequest, ServerResponse } from '../base/index.ts';
import type { ClientConnection } from './client-certificates.ts';
import { clientRefusal } from './client-certificates.ts';
import type { WebConfigFile } from './web-config-file.ts';
import { loadWebConfig, modifiedMs, tlsOf, tlsState, WebConfigError } from './web-config-file.ts';

export type Handle = (request: ServerRequest) => Promise<ServerResponse>;

/** Stands for users that don't exist: comparing with it takes as long as with a real hash. */
const NOBODY_HASH = '$2b$10$CwTycUXWue0Thq9StjUM0uJ8ZCL6cTqq4K8mI2GuZbWdE5Tqzk7mK';
/** Comparisons at the same time; each takes a thread for a moment. Beyond them: refused. */
const COMPARISONS_MAX = 8;
/** Outcomes of comparisons remembered. */
const REMEMBERED_MAX = 1000;
/** Certificates are looked at this often. */
const TLS_CHECK_MS = 5000;

function comparePassword(password: string, hash: string): Promise<boolean> {
  return new Promise((resolve) => {
    const script = new URL('./password-worker.js', import.meta.url);
    const worker = new Worker(script, { workerData: { password, hash } });
    worker.on('message', (same: boolean) => resolve(same));
    // A hash that bcrypt can't read: nobody gets in with it.
    worker.on('error', () => resolve(false));
    worker.on('exit', () => resolve(false));
  });
}

const unauthorized: ServerResponse = {
  status: 401,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'www-authenticate': 'Basic' },
  body: 'Unauthorized\n',
};

export class WebConfig {
  private readonly path: string;
  private readonly logger: Logger;
  private file: WebConfigFile;
  private readonly clientAuthType;
  private changedMs: number;
  private comparisons = 0;
  private readonly remembered = new Map<string, boolean>();
  /** Passwords are remembered as keyed digests only. */
  private readonly key = randomBytes(32);

  /** @throws WebConfigError */
  constructor(path: string, logger: Logger) {
    this.path = path;
    this.logger = logger;
    this.changedMs = modifiedMs(path);
    this.file = loadWebConfig(path);
    this.clientAuthType = this.file.tls_server_config?.client_auth_type ?? '';
  }

  /** @throws WebConfigError */
  tls(): HttpsOptions | undefined {
    return tlsOf(this.file, this.path);
  }

  /**
   * Why a client is not let in by its certificate; undefined: it is. The allowed names are those of the
   * file now; whether certificates are asked for stays as at the start, as in the TLS options.
   */
  readonly refuseClient = (client: ClientConnection): string | undefined => {
    this.refresh();
    const names = this.file.tls_server_config?.client_allowed_sans ?? undefined;
    return clientRefusal(client, this.clientAuthType, names);
  };

  /** Hands new TLS options to `renew` whenever their files change. @returns a function that ends it */
  watchTls(renew: (options: HttpsOptions) => void): () => void {
    let state = tlsState(this.file, this.path);
    const timer = setInterval(() => {
      const now = tlsState(this.file, this.path);
      if (now === state) return;
      state = now;
      try {
        const options = this.tls();
        if (options !== undefined) renew(options);
      } catch (error) {
        this.logger.error('Cannot renew TLS certificates; keeping the old ones', {
          err: error as Error,
        });
      }
    }, TLS_CHECK_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** `handle` behind authentication, with the configured headers on all answers. */
  wrap(handle: Handle): Handle {
    return async (request) => {
      this.refresh();
      const users = this.file.basic_auth_users ?? {};
      const open = Object.keys(users).length === 0;
      const allowed = open || (await this.authenticate(request, users));
      const response = allowed ? await handle(request) : unauthorized;
      const configured = this.file.http_server_config?.headers;
      if (configured === undefined) return response;
      const headers: Record<string, string> = { ...response.headers };
      for (const [name, value] of Object.entries(configured)) {
        if (value !== undefined && value !== '') headers[name.toLowerCase()] = value;
      }
      return { ...response, headers };
    };
  }

  /** Takes a changed file; a broken one leaves the last good one in place. */
  private refresh(): void {
    const changedMs = modifiedMs(this.path);
    if (changedMs === this.changedMs) return;
    this.changedMs = changedMs;
    try {
      this.file = loadWebConfig(this.path);
      this.remembered.clear();
    } catch (error) {
      if (!(error instanceof WebConfigError)) throw error;
      this.logger.error('Cannot reload the web configuration; keeping the old one', { err: error });
    }
  }

  private async authenticate(
    request: ServerRequest,
    users: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '');
    const credentials = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8');
    const colon = credentials.indexOf(':');
    if (colon < 0) return false;
    const user = credentials.slice(0, colon);
    const password = credentials.slice(colon + 1);
    const hash = Object.hasOwn(users, user) ? users[user] : undefined;
    const compared = hash ?? NOBODY_HASH;
    const memory = createHmac('sha256', this.key).update(`${compared}\0${password}`).digest('hex');
    const before = this.remembered.get(memory);
    if (before !== undefined) return before && hash !== undefined;
    if (this.comparisons >= COMPARISONS_MAX) return false;
    this.comparisons++;
    try {
      const same = await comparePassword(password, compared);
      if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
      this.remembered.set(memory, same);
      return same && hash !== undefined;
    } finally {
      this.comparisons--;
    }
  }
}
