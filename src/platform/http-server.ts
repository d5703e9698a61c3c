// SPDX-License-Identifier: Apache-2.0
// The HTTP listener: reads requests whole, hands them to one plain function, compresses and sends what
// it returns. Routes, CORS and headers are the function's business.

import type { IncomingMessage, Server, ServerResponse as OutgoingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { ServerOptions as HttpsOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import type { Logger, ServerRequest, ServerResponse } from '../base/index.ts';
import { OpenStreams } from './http-stream.ts';

export interface HttpServerOptions {
  /** `host:port` each; an empty host listens everywhere, port 0 takes any free one. */
  readonly addresses: readonly string[];
  /** Listening sockets that the process was started with, by file descriptor; beside the addresses. */
  readonly inherited?: readonly number[];
  /** For reading a request, and how long an idle connection is kept. */
  readonly readTimeoutMs: number;
  /** Over all addresses; further connections are closed at once. */
  readonly connectionsMax: number;
  /** Largest request body; larger ones are answered 413. */
  readonly bodyLimitBytes: number;
  /** Largest head (request line and headers) of a request; Node's 16 KiB unless given. */
  readonly headLimitBytes?: number;
  readonly logger: Logger;
  readonly handle: (request: ServerRequest) => Promise<ServerResponse>;
  /** Serve TLS with these options. */
  readonly tls?: HttpsOptions;
  /** Of a TLS connection: why it is to be closed at once; undefined: it is served. */
  readonly refuseClient?: (client: TLSSocket) => string | undefined;
}

export interface HttpServer {
  /** Addresses really listened on, as `host:port`. */
  readonly addresses: readonly string[];
  /** Open connections over all addresses. */
  readonly connections: () => number;
  /** New certificates for connections from now on; only for a server that has TLS. */
  renewTls(options: HttpsOptions): void;
  /** Stops accepting, waits up to `graceMs` for requests in flight, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

/** An address that cannot be listened on. The message names it. */
export class ListenError extends Error {
  override name = 'ListenError';
}

/** Bodies smaller than this are sent as they are. */
const COMPRESS_FROM_BYTES = 1024;
/** Fast and about as small as the default on JSON and exposition text. */
const COMPRESS_LEVEL = 3;

/** Bodies from here on are read into one buffer. */
const WHOLE_FROM_BYTES = 262_144;

const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflate);

const compressible =
  /^(text\/|application\/(json|javascript|openmetrics-text|vnd\.google\.protobuf|manifest)|image\/svg)/;

/** The codings a client takes that we have, best first: as Accept-Encoding with q=0 left out. */
function acceptedCoding(header: string | undefined): 'gzip' | 'deflate' | undefined {
  const taken = new Set<string>();
  for (const part of (header ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) taken.add(coding);
  }
  if (taken.has('gzip') || taken.has('*')) return 'gzip';
  return taken.has('deflate') ? 'deflate' : undefined;
}

/** Loaded when there is TLS: it has two megabytes. */
const tlsModule = () => process.getBuiltinModule('node:https');
const isTls = (server: Server | TlsServer): server is TlsServer => 'setSecureContext' in server;

const asText = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header;

/** Splits `host:port`, `[v6]:port` or `:port`. */
export function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw new ListenError(`${address} is not host:port`);
  return { host: match[1] ?? match[2] ?? '', port };
}

/** Form parameters come first: as in Go, they win over those of the query. */
function parametersOf(type: string, query: string, body: Uint8Array): URLSearchParams {
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return new URLSearchParams(query);
  const params = new URLSearchParams(new TextDecoder().decode(body));
  for (const [name, value] of new URLSearchParams(query)) params.append(name, value);
  return params;
}

function headersOf(message: IncomingMessage): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/**
 * A large body of known length: put in place as it comes, since joining its pieces at the end would keep
 * others waiting.
 */
async function readAnnounced(message: IncomingMessage, length: number): Promise<Buffer> {
  const body = Buffer.allocUnsafeSlow(length);
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) size += chunk.copy(body, size);
  return body.subarray(0, size);
}

/** The body of a request; undefined when it is larger than `limit` bytes. */
async function readBody(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const announced = Number(message.headers['content-length'] ?? '0');
  if (announced > limit) return undefined;
  if (announced > WHOLE_FROM_BYTES) return readAnnounced(message, announced);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function plainRequest(
  message: IncomingMessage,
  reply: OutgoingMessage,
  body: Uint8Array,
): ServerRequest {
  const canceled = new AbortController();
  reply.on('close', () => {
    if (!reply.writableFinished) canceled.abort(new Error('the client closed the connection'));
  });
  const url = message.url ?? '/';
  const question = url.indexOf('?');
  const query = question < 0 ? '' : url.slice(question + 1);
  return {
    method: message.method ?? 'GET',
    path: question < 0 ? url : url.slice(0, question),
    params: parametersOf(message.headers['content-type'] ?? '', query, body),
    headers: headersOf(message),
    body,
    remoteAddress: message.socket.remoteAddress ?? '',
    signal: canceled.signal,
  };
}

async function send(
  request: IncomingMessage,
  reply: OutgoingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, headers, body } = response;
  let bytes =
    typeof body === 'string'
      ? Buffer.from(body)
      : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const sent: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = value;
  const canCompress = compressible.test(sent['content-type'] ?? '');
  if (canCompress && sent['content-encoding'] === undefined) {
    sent.vary = sent.vary === undefined ? 'Accept-Encoding' : `${sent.vary}, Accept-Encoding`;
    const coding = acceptedCoding(asText(request.headers['accept-encoding']));
    if (coding !== undefined && bytes.length >= COMPRESS_FROM_BYTES && request.method !== 'HEAD') {
      // zlib works on its thread pool: the event loop goes on meanwhile.
      const compress = coding === 'gzip' ? gzipAsync : deflateAsync;
      bytes = await compress(bytes, { level: COMPRESS_LEVEL });
      sent['content-encoding'] = coding;
    }
  }
  if (status !== 204 && status !== 304) sent['content-length'] = String(bytes.length);
  reply.writeHead(status, sent);
  reply.end(bytes);
}

function plainText(status: number, body: string): ServerResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

/** Reads, has answered and sends one request. Never rejects. */
async function exchange(
  options: HttpServerOptions,
  streams: OpenStreams,
  request: IncomingMessage,
  reply: OutgoingMessage,
): Promise<void> {
  try {
    const body = await readBody(request, options.bodyLimitBytes);
    if (body === undefined) {
      // What is left of the body is not worth reading.
      reply.shouldKeepAlive = false;
      await send(request, reply, plainText(413, 'Request body is too large\n'));
      return;
    }
    const response = await options.handle(plainRequest(request, reply, body));
    const { stream } = response;
    if (stream === undefined || request.method === 'HEAD') await send(request, reply, response);
    else streams.begin(reply, response, stream);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    const err = error instanceof Error ? error : new Error(String(error));
    options.logger.error('Request failed', { url: request.url, err });
    if (!reply.headersSent) await send(request, reply, plainText(500, `${err.message}\n`));
  }
}

/** What a socket listens on: `host:port`. Node does not tell the path of a Unix socket by descriptor. */
function boundAddress(server: Server, wanted: string | number): string {
  const at = server.address() as AddressInfo | string | null;
  if (at === null || typeof at === 'string') return at ?? `file descriptor ${wanted}`;
  return at.family === 'IPv6' ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
}

function listenReason(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return 'the address is already in use';
  if (error.code === 'EACCES') return 'permission denied';
  return error.message;
}

/** @param at  `host:port`, or the descriptor of a socket */
function listen(server: Server, at: string | number): Promise<string> {
  return new Promise((resolve, reject) => {
    const named = typeof at === 'string' ? at : `the inherited file descriptor ${at}`;
    server.once('error', (error) => {
      const message = `cannot listen on ${named}: ${listenReason(error)}`;
      reject(new ListenError(message, { cause: error }));
    });
    const bound = (): void => resolve(boundAddress(server, at));
    if (typeof at === 'number') {
      server.listen({ fd: at }, bound);
      return;
    }
    const { host, port } = splitAddress(at);
    if (host === '') server.listen(port, bound);
    else server.listen(port, host, bound);
  });
}

/** Closes refused connections before anything of them is read as a request. */
function watchClients(server: TlsServer, { refuseClient, logger }: HttpServerOptions): void {
  if (refuseClient === undefined) return;
  server.prependListener('secureConnection', (client) => {
    const why = refuseClient(client);
    if (why === undefined) return;
    logger.debug('TLS client refused', { address: client.remoteAddress ?? '', reason: why });
    client.destroy();
  });
}

/** Listens on all addresses, or on none. @throws ListenError */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const streams = new OpenStreams();
  const listener = (request: IncomingMessage, reply: OutgoingMessage): void =>
    void exchange(options, streams, request, reply);
  const sockets = new Set<Socket>();
  const { headLimitBytes } = options;
  const limits = headLimitBytes === undefined ? {} : { maxHeaderSize: headLimitBytes };
  const servers: Server[] = [];
  const addresses: string[] = [];
  const closeServer = (server: Server): Promise<void> =>
    new Promise((resolve) => server.close(() => resolve()));
  try {
    for (const at of [...options.addresses, ...(options.inherited ?? [])]) {
      const server =
        options.tls === undefined
          ? createServer(limits, listener)
          : tlsModule().createServer({ ...options.tls, ...limits }, listener);
      server.requestTimeout = options.readTimeoutMs;
      server.headersTimeout = options.readTimeoutMs;
      server.keepAliveTimeout = options.readTimeoutMs;
      server.on('connection', (socket: Socket) => {
        if (sockets.size >= options.connectionsMax) {
          socket.destroy();
          return;
        }
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
      });
      if (isTls(server)) watchClients(server, options);
      servers.push(server);
      addresses.push(await listen(server, at));
    }
  } catch (error) {
    await Promise.all(servers.filter((server) => server.listening).map(closeServer));
    throw error;
  }
  return {
    addresses,
    connections: () => sockets.size,
    renewTls: (renewed) => {
      for (const server of servers) {
        if (isTls(server)) server.setSecureContext(renewed);
      }
    },
    close: async (graceMs) => {
      const closed = Promise.all(servers.map(closeServer));
      streams.close();
      for (const server of servers) server.closeIdleConnections();
      // Node counts as idle only what has asked something; browsers connect ahead of their requests.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
