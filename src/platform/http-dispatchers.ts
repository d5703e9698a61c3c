// SPDX-License-Identifier: Apache-2.0
// The connections of one client: kept alive between requests, replaced when certificates change.

import { createRequire } from 'node:module';
import type { Dispatcher } from 'undici';
import { HttpError, type HttpClientOptions } from '../base/index.ts';
import { type ProxyChooser, proxyChooser } from './http-proxy.ts';
import type { SecretFiles } from './http-secrets.ts';
import { type ExchangeCarrier, Http1Client } from './http1-client.ts';
import { type TlsConnectOptions, tlsConnectOptions, tlsStamp } from './http-tls.ts';

/** undici, loaded when first needed: programs that only answer requests never pay its 9 MB. */
const undici = (): typeof import('undici') =>
  createRequire(import.meta.url)('undici') as typeof import('undici');

/** As Go's transport in Prometheus: an idle connection outlives all usual scrape intervals. */
const IDLE_CONNECTION_MS = 300_000;
const CONNECT_TIMEOUT_MS = 30_000;
/** Unix sockets and proxies with connections of their own; the one unused longest goes first. */
const EXTRA_DISPATCHERS_MAX = 64;

/** Where a request goes and how it is spelled there. */
export interface RoutePlan {
  readonly carrier: ExchangeCarrier;
  readonly origin: string;
  /** Path and query, or a whole URL for a proxy. */
  readonly path: string;
  /** Headers that the way itself needs. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Of a way that needs none. */
export const noHeaders: Readonly<Record<string, string>> = {};

function basicCredentials(url: URL): string {
  const text = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

/**
 * Chooses connections: our own client for plain HTTP that is reached directly, undici for everything
 * else: one agent for TLS and for proxies that are asked for whole URLs (it keeps a pool for each origin
 * and forgets those that lost their connections), further ones for Unix sockets and for tunnels.
 */
export class Dispatchers {
  private readonly options: HttpClientOptions;
  private readonly files: SecretFiles;
  private readonly chooseProxy: ProxyChooser;
  private readonly hasTlsFiles: boolean;
  private stamp: string | undefined;
  private tls: TlsConnectOptions = {};
  private direct: Dispatcher | undefined;
  private readonly readBuffer: Uint8Array | undefined;
  private plain: Http1Client | undefined;
  private readonly extra = new Map<string, Dispatcher>();

  constructor(
    options: HttpClientOptions,
    files: SecretFiles,
    surroundings: {
      readonly environment: Readonly<Record<string, string | undefined>>;
      readonly readBuffer: Uint8Array | undefined;
    },
  ) {
    this.options = options;
    this.files = files;
    this.chooseProxy = proxyChooser(options, surroundings.environment);
    this.readBuffer = surroundings.readBuffer;
    const tls = options.tls;
    this.hasTlsFiles = [tls?.ca, tls?.cert, tls?.key].some((source) => source?.file !== undefined);
  }

  /** @throws HttpError `auth` when a certificate file cannot be read */
  route(url: URL, socketPath: string | undefined): RoutePlan {
    if (url.protocol === 'https:' || this.stamp === undefined) this.refreshTls();
    const path = url.pathname + url.search;
    if (socketPath !== undefined) {
      const dispatcher = this.extraDispatcher(`unix:${socketPath}`, () => this.agent(socketPath));
      return { carrier: dispatcher, origin: url.origin, path, headers: noHeaders };
    }
    const proxy = this.chooseProxy(url);
    if (proxy !== undefined) return this.proxied(url, path, proxy);
    const carrier = url.protocol === 'http:' ? this.plainClient() : this.directAgent();
    return { carrier, origin: url.origin, path, headers: noHeaders };
  }

  /** Drops all connections; requests under way fail. */
  async close(): Promise<void> {
    const all: ExchangeCarrier[] = this.take();
    if (this.plain) all.push(this.plain);
    this.plain = undefined;
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
  }

  private take(): Dispatcher[] {
    const all = [...this.extra.values()];
    if (this.direct) all.push(this.direct);
    this.extra.clear();
    this.direct = undefined;
    return all;
  }

  /** New certificates mean new connections; requests under way finish on the old ones. */
  private refreshTls(): void {
    if (this.stamp !== undefined && !this.hasTlsFiles) return;
    const stamp = this.hasTlsFiles ? tlsStamp(this.options.tls, this.files) : '';
    if (stamp === this.stamp) return;
    this.tls = tlsConnectOptions(this.options.tls, this.files);
    this.stamp = stamp;
    for (const dispatcher of this.take()) void dispatcher.close();
  }

  private plainClient(): Http1Client {
    this.plain ??= new Http1Client({
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      idleMs: IDLE_CONNECTION_MS,
      readBuffer: this.readBuffer,
    });
    return this.plain;
  }

  private directAgent(): Dispatcher {
    this.direct ??= this.agent(undefined);
    return this.direct;
  }

  private agent(socketPath: string | undefined): Dispatcher {
    return new (undici().Agent)({
      ...connectionOptions,
      allowH2: this.options.enableHttp2,
      connect: {
        ...this.tls,
        timeout: CONNECT_TIMEOUT_MS,
        ...(socketPath === undefined ? {} : { socketPath }),
      },
    });
  }

  private extraDispatcher(key: string, make: () => Dispatcher): Dispatcher {
    const dispatcher = this.extra.get(key) ?? make();
    this.extra.delete(key);
    this.extra.set(key, dispatcher);
    if (this.extra.size > EXTRA_DISPATCHERS_MAX) {
      const [oldest] = this.extra;
      if (oldest) {
        this.extra.delete(oldest[0]);
        void oldest[1].close();
      }
    }
    return dispatcher;
  }

  private proxied(url: URL, path: string, proxy: string): RoutePlan {
    let proxyUrl: URL;
    try {
      proxyUrl = new URL(proxy);
    } catch (error) {
      throw new HttpError('connection', `proxyconnect tcp: invalid proxy URL ${proxy}`, {
        cause: error,
      });
    }
    const isSocks = proxyUrl.protocol.startsWith('socks');
    if (url.protocol === 'http:' && !isSocks) {
      // Plain HTTP is asked of the proxy itself, by the whole URL.
      const headers: Record<string, string> = { host: url.host };
      if (proxyUrl.username) headers['proxy-authorization'] = basicCredentials(proxyUrl);
      const { origin } = proxyUrl;
      return { carrier: this.directAgent(), origin, path: url.origin + path, headers };
    }
    const dispatcher = this.extraDispatcher(`proxy:${proxy}`, () => this.tunnel(proxyUrl));
    return { carrier: dispatcher, origin: url.origin, path, headers: noHeaders };
  }

  /** HTTPS through a proxy: CONNECT, then TLS with the target inside. Also all of SOCKS. */
  private tunnel(proxyUrl: URL): Dispatcher {
    const headers: Record<string, string> = {};
    for (const [name, values] of Object.entries(this.options.proxyConnectHeader ?? {}))
      headers[name] = values.join(', ');
    if (proxyUrl.username) headers['proxy-authorization'] = basicCredentials(proxyUrl);
    const { servername, ...proxyTls } = this.tls;
    const requestTls = servername === undefined ? proxyTls : { ...proxyTls, servername };
    return new (undici().ProxyAgent)({
      ...connectionOptions,
      uri: proxyUrl.href,
      headers,
      requestTls: { ...requestTls, timeout: CONNECT_TIMEOUT_MS },
      proxyTls: { ...proxyTls, timeout: CONNECT_TIMEOUT_MS },
    });
  }
}

/** Whole requests have a deadline of their own, so undici's timers stay off. */
const connectionOptions = {
  keepAliveTimeout: IDLE_CONNECTION_MS,
  keepAliveMaxTimeout: IDLE_CONNECTION_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
} as const;
