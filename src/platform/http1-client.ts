// SPDX-License-Identifier: Apache-2.0
// Plain HTTP/1.1 straight over TCP: what nearly every scrape is. All connections of a client read into
// one buffer, so that a body goes from the kernel to its sink with no allocation between; Node's streams
// allocate 64 KiB for every read, and collecting them cost more than the rest of a scrape.

import net from 'node:net';
import type { Dispatcher } from 'undici';
import { Http1Error, type Http1Head, type Http1Listener, Http1Parser } from './http1-parser.ts';

/** Body bytes taken from the kernel at once. */
export const READ_BUFFER_BYTES = 256 * 1024;
const SWEEP_INTERVAL_MS = 30_000;

/** The connection ended before the answer did, in undici's terms. */
class ClosedError extends Error {
  readonly code = 'UND_ERR_SOCKET';
  constructor() {
    super('other side closed');
  }
}

class ConnectTimeoutError extends Error {
  readonly code = 'UND_ERR_CONNECT_TIMEOUT';
  constructor() {
    super('connect timeout');
  }
}

/** What an exchange may ask of its connection. */
export interface ExchangeControl {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** The part of undici's handler that exchanges need. */
export interface ExchangeHandler {
  onRequestStart(control: ExchangeControl): void;
  onResponseStart(
    control: ExchangeControl,
    status: number,
    headers: Readonly<Record<string, string>>,
    statusText?: string,
  ): void;
  onResponseData(control: ExchangeControl, chunk: Uint8Array): void;
  onResponseEnd(): void;
  onResponseError(control: ExchangeControl, error: Error): void;
}

/** A request as undici's dispatchers take it. */
export interface ExchangeRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Uint8Array | string | null;
}

/** Whatever carries requests; undici's dispatchers do. */
export interface ExchangeCarrier {
  dispatch(request: ExchangeRequest, handler: ExchangeHandler): unknown;
  /** Requests under way finish. */
  close(): Promise<void>;
  /** Requests under way fail. */
  destroy(): Promise<void>;
}

const invalidName = /[^!#$%&'*+\-.^_`|~0-9a-z]/;
const invalidValue = /[^\t\x20-\x7e\x80-\xff]/;
const setByUs = /^(host|connection|content-length|transfer-encoding)$/;

/** @throws Error for what would not stay in its line */
function headerLine(name: string, value: string): string {
  if (invalidName.test(name))
    throw new Error(`net/http: invalid header field name ${JSON.stringify(name)}`);
  if (invalidValue.test(value))
    throw new Error(`net/http: invalid header field value for ${JSON.stringify(name)}`);
  return `${name}: ${value}\r\n`;
}

interface KnownHead {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
  readonly head: string;
}

/** Heads by the headers that they were made of: scrapes have the same ones each time. */
const knownHeads = new WeakMap<object, KnownHead>();

/** @throws Error for a header that cannot be sent */
function headOf(request: ExchangeRequest): string {
  const { method, origin, path, headers, body } = request;
  const known = knownHeads.get(headers);
  const isKnown = known?.method === method && known.origin === origin && known.path === path;
  if (isKnown && body === null) return known.head;
  const head = requestHead(request, hostOf(origin));
  if (body === null) knownHeads.set(headers, { method, origin, path, head });
  return head;
}

/** @throws Error for a header that cannot be sent */
function requestHead(request: ExchangeRequest, host: string): string {
  const { method, path, headers, body } = request;
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${String(headers.host ?? host)}\r\nconnection: keep-alive\r\n`;
  for (const name in headers) {
    if (setByUs.test(name)) continue;
    const value = headers[name] ?? '';
    if (typeof value === 'string') head += headerLine(name, value);
    else for (const one of value) head += headerLine(name, one);
  }
  const length = body === null ? 0 : Buffer.byteLength(body);
  if (body !== null || (method !== 'GET' && method !== 'HEAD'))
    head += `content-length: ${length}\r\n`;
  return `${head}\r\n`;
}

/** One connection: one exchange at a time. */
class Connection implements Http1Listener, ExchangeControl {
  /** When it was last used, for the sweep. */
  idleSinceMs = 0;
  readonly origin: string;
  private readonly parser = new Http1Parser();
  private readonly socket: net.Socket;
  private readonly owner: Http1Client;
  private handler: ExchangeHandler | undefined;
  private keepAlive = false;
  private paused = false;
  private failure: Error | undefined;
  private connectTimer: NodeJS.Timeout | undefined;

  constructor(owner: Http1Client, origin: URL, buffer: Buffer, connectTimeoutMs: number) {
    this.owner = owner;
    this.origin = origin.origin;
    const hostname = origin.hostname.replace(/^\[(.*)\]$/, '$1');
    this.socket = net.connect({
      host: hostname,
      port: Number(origin.port || 80),
      onread: {
        buffer,
        callback: (count) => this.receive(buffer, count),
      },
    });
    this.socket.setNoDelay(true);
    this.connectTimer = setTimeout(
      () => this.socket.destroy(new ConnectTimeoutError()),
      connectTimeoutMs,
    );
    this.socket.once('connect', () => clearTimeout(this.connectTimer));
    this.socket.on('end', () => this.ended());
    this.socket.on('error', (error) => {
      this.failure = error;
    });
    this.socket.on('close', () => this.closed());
  }

  get isBusy(): boolean {
    return this.handler !== undefined;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Sends a request on an idle or new connection. */
  send(head: string, request: ExchangeRequest, handler: ExchangeHandler): void {
    this.handler = handler;
    this.keepAlive = false;
    this.parser.begin(this, request.method === 'HEAD');
    handler.onRequestStart(this);
    if (this.socket.destroyed) return;
    if (request.body === null) {
      this.socket.write(head, 'latin1');
      return;
    }
    this.socket.cork();
    this.socket.write(head, 'latin1');
    this.socket.write(request.body);
    this.socket.uncork();
  }

  destroy(): void {
    this.socket.destroy();
  }

  abort(): void {
    this.handler = undefined;
    this.destroy();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }

  onHead(head: Http1Head): void {
    this.keepAlive = head.keepAlive;
    this.handler?.onResponseStart(this, head.status, head.headers, head.statusText);
  }

  onBody(chunk: Uint8Array): void {
    this.handler?.onResponseData(this, chunk);
  }

  onEnd(): void {
    const { handler } = this;
    this.handler = undefined;
    handler?.onResponseEnd();
    if (this.socket.destroyed) return;
    if (!this.keepAlive) this.destroy();
    else {
      this.resume();
      this.owner.release(this);
    }
  }

  /** @returns whether to go on reading */
  private receive(buffer: Buffer, count: number): boolean {
    try {
      // Bytes that nobody asked for: what follows them cannot be trusted.
      if (this.parser.feed(buffer, count) < count) this.destroy();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    return !this.paused;
  }

  private ended(): void {
    if (this.handler !== undefined && !this.parser.close()) this.fail(new ClosedError());
    this.destroy();
  }

  private closed(): void {
    clearTimeout(this.connectTimer);
    this.owner.forget(this);
    this.fail(this.failure ?? new ClosedError());
  }

  private fail(error: Error): void {
    const { handler } = this;
    this.handler = undefined;
    this.destroy();
    if (error instanceof Http1Error) handler?.onResponseError(this, error);
    else {
      const { localAddress, localPort, remoteAddress, remotePort } = this.socket;
      const socket = { localAddress, localPort, remoteAddress, remotePort };
      handler?.onResponseError(this, localAddress ? Object.assign(error, { socket }) : error);
    }
  }
}

export interface Http1ClientOptions {
  readonly connectTimeoutMs: number;
  /** Connections unused for so long are closed. */
  readonly idleMs: number;
  /** What all connections read into; one of its own when undefined. */
  readonly readBuffer: Uint8Array | undefined;
}

/** Keeps connections open between requests, for each origin as many as are used at once. */
export class Http1Client implements ExchangeCarrier {
  private readonly options: Http1ClientOptions;
  private readonly buffer: Buffer;
  private readonly idle = new Map<string, Connection[]>();
  private readonly all = new Set<Connection>();
  private sweeper: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(options: Http1ClientOptions) {
    this.options = options;
    const { readBuffer } = options;
    this.buffer =
      readBuffer === undefined
        ? Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
        : Buffer.from(readBuffer.buffer, readBuffer.byteOffset, readBuffer.length);
  }

  dispatch(request: ExchangeRequest, handler: ExchangeHandler): void {
    const origin = request.origin;
    const head = headOf(request);
    const list = this.idle.get(origin);
    for (let kept = list?.pop(); kept !== undefined; kept = list?.pop()) {
      if (kept.isClosed) continue;
      kept.send(head, request, handler);
      return;
    }
    const made = new Connection(this, new URL(origin), this.buffer, this.options.connectTimeoutMs);
    this.all.add(made);
    made.send(head, request, handler);
  }

  /** @internal A connection whose answer is complete. */
  release(connection: Connection): void {
    if (this.closing) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = performance.now();
    const list = this.idle.get(connection.origin);
    if (list === undefined) this.idle.set(connection.origin, [connection]);
    else list.push(connection);
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** @internal A connection that is closed. */
  forget(connection: Connection): void {
    this.all.delete(connection);
    const list = this.idle.get(connection.origin);
    const at = list?.indexOf(connection) ?? -1;
    if (at >= 0) list?.splice(at, 1);
    if (list?.length === 0) this.idle.delete(connection.origin);
  }

  close(): Promise<void> {
    this.closing = true;
    clearInterval(this.sweeper);
    for (const connection of this.all) if (!connection.isBusy) connection.destroy();
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    await this.close();
    for (const connection of this.all) connection.destroy();
  }

  private sweep(): void {
    const oldest = performance.now() - this.options.idleMs;
    for (const list of [...this.idle.values()])
      for (const connection of [...list]) if (connection.idleSinceMs < oldest) connection.destroy();
  }
}

const hostOf = (origin: string): string => origin.slice('http://'.length);
