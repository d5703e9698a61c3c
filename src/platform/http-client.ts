// SPDX-License-Identifier: Apache-2.0
// Outgoing HTTP: the contract of base/http.ts over our own plain connections and undici. This is on the
// scrape path: a request costs one promise, one timer and a few small objects beside what the connection
// needs.

import {
  type BodyInflater,
  type BodySink,
  type HttpClient,
  type HttpClientOptions,
  HttpError,
  type HttpRequest,
  type HttpResponse,
} from '../base/index.ts';
import { credentialHeaders, type HeaderValues } from './http-credentials.ts';
import { Dispatchers, noHeaders } from './http-dispatchers.ts';
import { isStaleConnection, requestPrefix, toHttpError } from './http-errors.ts';
import { Exchange, type ExchangeAnswer } from './http-exchange.ts';
import { SecretFiles } from './http-secrets.ts';
import { OAuth2Tokens } from './oauth2.ts';

const REDIRECTS_MAX = 10;
const PARSED_URLS_MAX = 1000;
/** Longest delay that Node's timers take; longer ones would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface HttpClientDependencies {
  /** For `proxyFromEnvironment`; the process's unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch, for the life of tokens. */
  readonly now?: () => number;
  /** What plain connections read into; may be shared by clients, and in shared memory. */
  readonly readBuffer?: Uint8Array;
  /** Undoes small compressed bodies; zlib does unless given. */
  readonly inflater?: BodyInflater;
}

/** Gathers a body when the caller gave no sink. */
class Collector implements BodySink {
  private readonly chunks: Uint8Array[] = [];

  write(chunk: Uint8Array): void {
    this.chunks.push(Uint8Array.prototype.slice.call(chunk));
  }

  joined(): Uint8Array {
    return this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
  }
}

/** One hop: changes from redirect to redirect. */
interface Hop {
  readonly url: URL;
  readonly method: HttpRequest['method'];
  readonly body: Uint8Array | string | undefined;
  /** False after leaving the host that was asked for. */
  readonly trusted: boolean;
}

const noBody = new Uint8Array(0);

/** Headers that describe a body or prove an identity: not for another host, not for a changed method. */
const isBodyHeader = (name: string): boolean => /^content-/i.test(name);
const isCredential = (name: string): boolean => /^(authorization|cookie)$/i.test(name);

function parseUrl(text: string, base?: URL): URL {
  try {
    return new URL(text, base?.href);
  } catch (error) {
    throw new HttpError('connection', `parse ${JSON.stringify(text)}: invalid URL`, {
      cause: error,
    });
  }
}

/** What was made of a request's headers, as long as it is made of the same things. */
interface KnownHeaders {
  readonly url: URL;
  readonly credentials: HeaderValues;
  readonly headers: HeaderValues;
}

class UndiciClient implements HttpClient {
  private readonly options: HttpClientOptions;
  private readonly dispatchers: Dispatchers;
  private readonly inflater: BodyInflater | undefined;
  private readonly credentials: () => HeaderValues;
  private readonly tokens: OAuth2Tokens | undefined;
  private readonly tokenClient: HttpClient | undefined;
  private readonly urls = new Map<string, URL>();
  private readonly known = new WeakMap<object, KnownHeaders>();

  constructor(options: HttpClientOptions, dependencies: HttpClientDependencies) {
    const files = new SecretFiles();
    this.options = options;
    this.dispatchers = new Dispatchers(options, files, {
      environment: dependencies.environment ?? process.env,
      readBuffer: dependencies.readBuffer,
    });
    this.inflater = dependencies.inflater;
    this.credentials = credentialHeaders(options, files);
    if (options.oauth2) {
      const { tls, proxyUrl, noProxy, proxyFromEnvironment, proxyConnectHeader } = options.oauth2;
      this.tokenClient = new UndiciClient(
        {
          followRedirects: options.followRedirects,
          enableHttp2: options.enableHttp2,
          ...(tls && { tls }),
          ...(proxyUrl !== undefined && { proxyUrl }),
          ...(noProxy !== undefined && { noProxy }),
          ...(proxyFromEnvironment !== undefined && { proxyFromEnvironment }),
          ...(proxyConnectHeader && { proxyConnectHeader }),
        },
        dependencies,
      );
      const now = dependencies.now ?? Date.now;
      this.tokens = new OAuth2Tokens(options.oauth2, this.tokenClient, files, now);
    }
  }

  async request(request: HttpRequest, sink?: BodySink): Promise<HttpResponse> {
    if (request.signal?.aborted) {
      const prefix = requestPrefix(request.method, request.url);
      throw new HttpError('canceled', `${prefix}context canceled`);
    }
    const deadline = new Deadline(request);
    const collector = sink ? undefined : new Collector();
    try {
      const first: Hop = {
        url: this.urlOf(request.url),
        method: request.method,
        body: request.body,
        trusted: true,
      };
      const into = sink ?? collector ?? { write: () => undefined };
      const { answer, url } = await this.follow(first, request, into, deadline);
      return {
        status: answer.status,
        statusText: answer.statusText,
        headers: answer.headers,
        body: collector?.joined() ?? noBody,
        url: url.href,
      };
    } catch (error) {
      throw toHttpError(error, requestPrefix(request.method, deadline.url), deadline.started);
    } finally {
      deadline.clear();
    }
  }

  /** The same few addresses are asked again and again; parsed ones are never changed. */
  private urlOf(text: string): URL {
    const known = this.urls.get(text);
    if (known !== undefined) return known;
    if (this.urls.size >= PARSED_URLS_MAX) this.urls.clear();
    const url = parseUrl(text);
    this.urls.set(text, url);
    return url;
  }

  async close(): Promise<void> {
    await this.dispatchers.close();
    await this.tokenClient?.close();
  }

  /** The exchange and those it is sent on to. The sink sees the last one's body only. */
  private async follow(
    first: Hop,
    request: HttpRequest,
    sink: BodySink,
    deadline: Deadline,
  ): Promise<{ answer: ExchangeAnswer; url: URL }> {
    let hop = first;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.exchange(hop, request, sink, deadline);
      const next = this.options.followRedirects ? nextHop(hop, first.url, answer) : undefined;
      if (!next) return { answer, url: hop.url };
      deadline.moveTo(next.url.href);
      if (redirects + 1 >= REDIRECTS_MAX)
        throw new HttpError('redirect', `stopped after ${REDIRECTS_MAX} redirects`);
      hop = next;
    }
  }

  /** One hop, with one more try where a kept connection turned out to be dead. */
  private async exchange(
    hop: Hop,
    request: HttpRequest,
    sink: BodySink,
    deadline: Deadline,
  ): Promise<ExchangeAnswer> {
    let headers = this.headersFor(hop, request);
    // Only this waits for others; a scrape without it spares the turn.
    if (hop.trusted && this.tokens && headers.authorization === undefined)
      headers = { ...headers, authorization: await this.tokens.authorization(request) };
    const isRepeatable = hop.method === 'GET' || hop.method === 'HEAD';
    for (let attempt = 0; ; attempt++) {
      const route = this.dispatchers.route(hop.url, request.socketPath);
      const exchange = new Exchange(hop.method, sink, {
        bodyLimitBytes: request.bodyLimitBytes,
        followRedirects: this.options.followRedirects,
        inflater: this.inflater,
      });
      deadline.watch(exchange);
      route.carrier.dispatch(
        {
          origin: route.origin,
          path: route.path,
          method: hop.method,
          headers: route.headers === noHeaders ? headers : { ...headers, ...route.headers },
          body: hop.body ?? null,
        },
        exchange,
      );
      try {
        return await exchange.answer;
      } catch (error) {
        // A kept connection may have been closed by the server just as it was used again.
        const mayRepeat = isRepeatable && attempt === 0 && !exchange.started;
        if (!mayRepeat || !isStaleConnection(error)) throw error;
      }
    }
  }

  /** The caller's headers over ours; after leaving the host, neither proves who we are. */
  private headersFor(hop: Hop, request: HttpRequest): Readonly<HeaderValues> {
    const isFirst = hop.trusted && hop.method === request.method;
    const credentials = hop.trusted ? this.credentials() : noHeaders;
    const known = isFirst ? this.known.get(request.headers) : undefined;
    // Credentials out of files are a new object each time.
    if (known !== undefined && known.url === hop.url && known.credentials === credentials)
      return known.headers;
    const headers = { ...credentials, ...ownHeaders(hop, request) };
    if (isFirst) this.known.set(request.headers, { url: hop.url, credentials, headers });
    return headers;
  }
}

/** The caller's headers for this hop, with the name and password that its URL has. */
function ownHeaders(hop: Hop, request: HttpRequest): HeaderValues {
  const headers: HeaderValues = {};
  for (const [name, value] of Object.entries(request.headers)) {
    const dropped =
      (!hop.trusted && isCredential(name)) || (hop.method !== request.method && isBodyHeader(name));
    if (!dropped) headers[name.toLowerCase()] = value;
  }
  if (hop.trusted && hop.url.username && headers.authorization === undefined) {
    const user = `${decodeURIComponent(hop.url.username)}:${decodeURIComponent(hop.url.password)}`;
    headers.authorization = `Basic ${Buffer.from(user).toString('base64')}`;
  }
  return headers;
}

/** Where an answer sends us, or undefined when it is final. */
function nextHop(hop: Hop, first: URL, answer: ExchangeAnswer): Hop | undefined {
  const { status, headers } = answer;
  if (headers.location === undefined || headers.location === '') return undefined;
  const changesMethod = status === 301 || status === 302 || status === 303;
  if (!changesMethod && status !== 307 && status !== 308) return undefined;
  const url = parseUrl(headers.location, hop.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const why = `unsupported protocol scheme "${url.protocol.slice(0, -1)}"`;
    throw new HttpError('redirect', requestPrefix(hop.method, url.href) + why);
  }
  const keepsSecrecy = url.protocol === 'https:' || first.protocol === 'http:';
  const trusted = hop.trusted && url.hostname === first.hostname && keepsSecrecy;
  const becomesGet = changesMethod && hop.method !== 'GET' && hop.method !== 'HEAD';
  if (becomesGet) return { url, method: 'GET', body: undefined, trusted };
  return { url, method: hop.method, body: hop.body, trusted };
}

/** The time limit and the caller's signal, over all hops of one request. */
class Deadline {
  /** The hop that is under way, for messages. */
  url: string;
  private exchange: Exchange | undefined;
  private expired: HttpError | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly cancellation: Set<Deadline> | undefined;

  constructor(request: HttpRequest) {
    this.url = request.url;
    this.timer = setTimeout(
      () => this.end(new HttpError('timeout', 'context deadline exceeded')),
      Math.min(request.timeoutMs, TIMER_MAX_MS),
    );
    this.cancellation = request.signal && cancellationOf(request.signal);
    this.cancellation?.add(this);
  }

  /** Whether the present hop's answer has begun. */
  get started(): boolean {
    return this.exchange?.started ?? false;
  }

  moveTo(url: string): void {
    this.url = url;
    this.exchange = undefined;
  }

  watch(exchange: Exchange): void {
    this.exchange = exchange;
    if (this.expired) exchange.fail(this.expired);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.cancellation?.delete(this);
  }

  private end(error: HttpError): void {
    this.expired = error;
    this.exchange?.fail(error);
  }

  cancel(): void {
    this.end(new HttpError('canceled', 'context canceled'));
  }
}

const cancellations = new WeakMap<AbortSignal, Set<Deadline>>();

/** The requests under way that `signal` ends. Listening once costs less than at each request. */
function cancellationOf(signal: AbortSignal): Set<Deadline> {
  let deadlines = cancellations.get(signal);
  if (deadlines === undefined) {
    const made = new Set<Deadline>();
    deadlines = made;
    cancellations.set(signal, made);
    const cancelAll = (): void => {
      for (const deadline of made) deadline.cancel();
    };
    signal.addEventListener('abort', cancelAll, { once: true });
  }
  return deadlines;
}

/**
 * A client bound to `options`. Connections stay open between requests. The owner closes it.
 *
 * Failures read as upstream's: `Get "http://…": dial tcp 127.0.0.1:1: connect: connection refused`.
 */
export function createHttpClient(
  options: HttpClientOptions,
  dependencies: HttpClientDependencies = {},
): HttpClient {
  return new UndiciClient(options, dependencies);
}
