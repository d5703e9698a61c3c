// SPDX-License-Identifier: Apache-2.0
// The Pushgateway over HTTP: upstream's routes, status codes and texts.

import type {
  Clock,
  FileSystem,
  Logger,
  RequestDecoder,
  ServerRequest,
  ServerResponse,
} from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';
import { negotiateExposition } from '../metrics/index.ts';
import type { FamilyType, MetricFamily, NameScheme } from '../model/index.ts';
import { DurationError, parseDuration, quote } from '../model/index.ts';
import { apiMetric, metricsJson, pushedGroups, succeeded, timeText } from './api-json.ts';
import { BodyError, decodeBody, readFamilies } from './body.ts';
import { renderPage } from './exposition.ts';
import type { Grouping } from './grouping.ts';
import { GroupingError, parseGrouping } from './grouping.ts';
import { mergeModes } from './merge.ts';
import type { BuildLabels } from './own-metrics.ts';
import { GatewayMetrics } from './own-metrics.ts';
import type { PreparePush } from './prepare.ts';
import { PageFiles } from './page-files.ts';
import { metricsOf } from './record.ts';
import { cleanPath, decodePath, encodePath } from './request-path.ts';
import type { Push } from './store.ts';
import { PushStore, TIMESTAMPS_FAULT } from './store.ts';

export interface GatewayOptions {
  /** Path of the page for scrapes, below the prefix. */
  readonly telemetryPath: string;
  /** '' or `/prefix`: before all our paths. */
  readonly routePrefix: string;
  /** '' or `/prefix`: what browsers see before our paths. */
  readonly externalPathPrefix: string;
  readonly enableLifecycle: boolean;
  readonly enableAdminApi: boolean;
  readonly checkConsistency: boolean;
  readonly scheme: NameScheme;
  /** Lifetime of groups whose pushes don't say; 0 = for ever. */
  readonly defaultTtlMs: number;
  /** Where the built page is. */
  readonly pageDirectory: string;
  /** For /api/v1/status. */
  readonly flags: Readonly<Record<string, string>>;
  readonly buildInformation: Readonly<Record<string, string>>;
  readonly build: BuildLabels;
}

export interface GatewayParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly decode: RequestDecoder;
  /** Where large pushes are prepared; without it, here. */
  readonly prepare?: PreparePush;
  /** Asked for over HTTP. */
  readonly quit: () => void;
}

const plain = (status: number, body: string): ServerResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body,
});
const simple = (status: number, body: string): ServerResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});
const empty = (status: number, headers: Readonly<Record<string, string>> = {}): ServerResponse => ({
  status,
  headers,
  body: '',
});
const notFound = (): ServerResponse => plain(404, '404 page not found\n');

const corsHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Date',
  'cache-control': 'no-cache, no-store, must-revalidate',
};

const json = (body: string): ServerResponse => ({
  status: 200,
  headers: { ...corsHeaders, 'content-type': 'application/json' },
  body,
});

const pushMethods: ReadonlySet<string> = new Set(['DELETE', 'POST', 'PUT']);
/** Metrics of one family in one answer of ours. */
const METRICS_LISTED_MAX = 1000;
const TTL_MAX_MS = 100 * 365 * 86_400_000;

/** Larger bodies are prepared elsewhere: a push of this size takes some milliseconds. */
const PREPARE_FROM_BYTES = 65_536;

/** The bytes in a buffer of their own, which can be given away. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  if (isWhole && buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return Uint8Array.from(bytes);
}

type Handler = (request: ServerRequest) => ServerResponse | Promise<ServerResponse>;
type Methods = Readonly<Record<string, Handler>>;

/** About what Go's promhttp counts: request line, headers, body. */
function requestSize({ method, path, headers, body }: ServerRequest): number {
  let size = method.length + path.length + 'HTTP/1.1'.length + body.length;
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'host') size += name.length;
    size += value?.length ?? 0;
  }
  return size;
}

/** A lifetime: a duration, or seconds. @throws GroupingError */
function parseTtl(text: string): number {
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : undefined;
  try {
    const ms = seconds ?? parseDuration(text);
    if (ms <= TTL_MAX_MS) return ms;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  throw new GroupingError(
    `invalid time to live ${quote(text)}: give a duration such as 90s or 2h, at most 100y, or 0 for none`,
  );
}

export class Gateway {
  readonly store: PushStore;
  private readonly options: GatewayOptions;
  private readonly parts: GatewayParts;
  private readonly metrics: GatewayMetrics;
  private readonly pages: PageFiles;
  private readonly routes: ReadonlyMap<string, Methods>;
  private readonly apiRoutes: ReadonlyMap<string, Methods>;
  private readonly startedMs: number;
  private ownTypes: ReadonlyMap<string, FamilyType> | undefined;

  constructor(options: GatewayOptions, parts: GatewayParts) {
    this.options = options;
    this.parts = parts;
    this.startedMs = parts.clock.now();
    this.store = new PushStore({
      clock: parts.clock,
      scheme: options.scheme,
      own: () => this.own(),
      report: (error) => parts.logger.error('cannot remove an expired group', { err: error }),
    });
    this.metrics = new GatewayMetrics(parts.registry, options.build, {
      groups: () => this.store.groups.size,
    });
    this.pages = new PageFiles(parts.files, options.pageDirectory, options.externalPathPrefix);
    this.routes = this.mainRoutes();
    this.apiRoutes = this.ownApiRoutes();
  }

  /** Types of our own metrics, as gathered last. */
  private own(): ReadonlyMap<string, FamilyType> {
    return this.ownTypes ?? this.gatherOwn().types;
  }

  private gatherOwn(): {
    readonly families: readonly MetricFamily[];
    readonly types: ReadonlyMap<string, FamilyType>;
  } {
    const families = this.parts.registry.gather();
    const types = new Map(families.map(({ name, type }) => [name, type]));
    this.ownTypes = types;
    return { families, types };
  }

  private mainRoutes(): ReadonlyMap<string, Methods> {
    const { routePrefix: prefix, telemetryPath, enableLifecycle } = this.options;
    const healthy = (): ServerResponse => simple(200, 'OK');
    const quit = (): ServerResponse => {
      if (!enableLifecycle) return simple(403, 'Lifecycle API is not enabled.');
      this.parts.quit();
      return simple(200, 'Requesting termination... Goodbye!');
    };
    const page = (): Promise<ServerResponse> => this.pages.page();
    const routes = new Map<string, Methods>([
      [`${prefix}/-/healthy`, { GET: this.counted('healthy', healthy) }],
      [`${prefix}/-/ready`, { GET: this.counted('ready', healthy) }],
      [cleanPath(`${prefix}/${telemetryPath}`), { GET: (request) => this.scrape(request) }],
      [`${prefix}/status`, { GET: this.counted('status', page) }],
      [`${prefix}/`, { GET: this.counted('status', page) }],
    ]);
    if (prefix !== '') {
      const toPage = (): ServerResponse => empty(302, { location: `${prefix}/` });
      routes.set('/', { GET: toPage });
    }
    routes.set(`${prefix}/-/quit`, { PUT: quit, POST: quit });
    const refused = (): ServerResponse => simple(405, 'Only POST or PUT requests allowed.');
    routes.set('/-/quit', { ...routes.get('/-/quit'), GET: refused });
    return routes;
  }

  private ownApiRoutes(): ReadonlyMap<string, Methods> {
    const { flags, buildInformation, enableAdminApi } = this.options;
    const status = (): ServerResponse =>
      json(
        succeeded({
          build_information: buildInformation,
          flags,
          start_time: timeText(this.startedMs),
        }),
      );
    const routes = new Map<string, Methods>([
      ['/status', { GET: this.counted('api/v1/status', status) }],
      ['/metrics', { GET: this.counted('api/v1/metrics', () => json(metricsJson(this.store))) }],
      ['/groups', { GET: this.counted('api/v1/groups', (request) => this.listGroups(request)) }],
      ['/family', { GET: this.counted('api/v1/family', (request) => this.listFamily(request)) }],
    ]);
    if (enableAdminApi) {
      const wipe = async (): Promise<ServerResponse> => {
        await this.store.settled();
        this.store.wipe();
        return this.durably(empty(202));
      };
      routes.set('/admin/wipe', { PUT: this.counted('wipe', wipe) });
    }
    return routes;
  }

  /** `handle` with its answers counted under the handler's name. */
  private counted(name: string, handle: Handler): Handler {
    return async (request) => {
      const response = await handle(request);
      this.metrics.answered(name, response.status, request.method);
      return response;
    };
  }

  /** Answers one HTTP request. */
  async handle(request: ServerRequest): Promise<ServerResponse> {
    try {
      return await this.route(request);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.parts.logger.error('cannot persist a change; it was not made', { err: error });
      return plain(500, `the change could not be persisted and was not made: ${error.message}\n`);
    }
  }

  /** `response` once the changes it is about are on the disk. */
  private async durably(response: ServerResponse): Promise<ServerResponse> {
    try {
      await this.store.durable();
      return response;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.parts.logger.error('a change was made but could not be synced', { err: error });
      return plain(500, `the change was made, but may not survive: ${error.message}\n`);
    }
  }

  private route(request: ServerRequest): ServerResponse | Promise<ServerResponse> {
    const path = decodePath(request.path);
    if (path === undefined) return simple(400, '400 Bad Request');
    const clean = cleanPath(path);
    if (clean !== path) return this.redirect(request, encodePath(clean));
    const { routePrefix: prefix } = this.options;
    const api = `${prefix}/api/v1`;
    if (path === api) return this.redirect(request, `${encodePath(api)}/`);
    if (path.startsWith(`${api}/`)) return this.api(request, path.slice(api.length));
    const methods = this.routes.get(path);
    if (methods !== undefined) return this.dispatch(request, methods);
    const pushes = `${prefix}/metrics`;
    if (path.startsWith(`${pushes}/job`)) {
      const answer = this.pushPath(request, path.slice(pushes.length));
      if (answer !== undefined) return answer;
    }
    return this.elsewhere(request, path);
  }

  /** Paths that only lack or have a slash too many, assets, and nothing. */
  private async elsewhere(request: ServerRequest, path: string): Promise<ServerResponse> {
    const { routePrefix: prefix } = this.options;
    const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
    const isEmptyJob = pushMethods.has(request.method) && /\/metrics\/job(@base64)?\/$/.test(path);
    if (this.routes.get(other)?.[request.method] !== undefined || isEmptyJob) {
      const status = request.method === 'GET' ? 301 : 307;
      return status === 301
        ? this.redirect(request, encodePath(other))
        : empty(status, { location: encodePath(other) });
    }
    if (request.method !== 'GET' || !path.startsWith(`${prefix}/`)) return notFound();
    const rest = path.slice(prefix.length + 1);
    const isAsset = rest.startsWith('assets/');
    const caching = isAsset ? 'public, max-age=31536000, immutable' : 'public, max-age=3600';
    if (!isAsset && rest !== 'favicon.svg') return notFound();
    const file = await this.pages.file(rest, caching);
    const response = file ?? notFound();
    this.metrics.answered('static', response.status, request.method);
    return response;
  }

  private redirect(request: ServerRequest, to: string): ServerResponse {
    const query = request.params.toString();
    const location = query === '' ? to : `${to}?${query}`;
    if (request.method !== 'GET') return empty(301, { location });
    const headers = { location, 'content-type': 'text/html; charset=utf-8' };
    const shown = location.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
    return { status: 301, headers, body: `<a href="${shown}">Moved Permanently</a>.\n\n` };
  }

  private dispatch(
    request: ServerRequest,
    methods: Methods,
  ): ServerResponse | Promise<ServerResponse> {
    const handle = methods[request.method];
    if (handle !== undefined) return handle(request);
    const allow = [...Object.keys(methods), 'OPTIONS'].sort().join(', ');
    if (request.method === 'OPTIONS') return empty(200, { allow });
    const refused = plain(405, 'Method Not Allowed\n');
    return { ...refused, headers: { ...refused.headers, allow } };
  }

  private api(request: ServerRequest, path: string): ServerResponse | Promise<ServerResponse> {
    if (request.method === 'OPTIONS') {
      this.metrics.answered('api/v1/options', 200, 'OPTIONS');
      return empty(200, corsHeaders);
    }
    const methods = this.apiRoutes.get(path);
    return methods === undefined ? notFound() : this.dispatch(request, methods);
  }

  /** PUT, POST and DELETE below /metrics; undefined for a path that is none of a push. */
  private pushPath(
    request: ServerRequest,
    path: string,
  ): ServerResponse | Promise<ServerResponse> | undefined {
    const isPush = /^\/job(@base64)?\/[^/]/.test(path);
    if (!isPush) return undefined;
    const push: Handler = (pushed) => this.push(pushed, path);
    return this.dispatch(request, {
      DELETE: (deleted) => this.delete(deleted, path),
      POST: push,
      PUT: push,
    });
  }

  private grouping(path: string): Grouping | ServerResponse {
    try {
      return parseGrouping(path, this.options.scheme) ?? notFound();
    } catch (error) {
      if (!(error instanceof GroupingError)) throw error;
      this.parts.logger.debug('failed to parse URL', { url: path, err: error });
      return plain(400, `${error.message}\n`);
    }
  }

  private async delete(request: ServerRequest, path: string): Promise<ServerResponse> {
    const grouping = this.grouping(path);
    let response: ServerResponse;
    if ('status' in grouping) response = grouping;
    else {
      await this.store.settled();
      this.store.delete(grouping);
      response = await this.durably(empty(202));
    }
    this.metrics.answered('delete', response.status, request.method);
    return response;
  }

  private async push(request: ServerRequest, path: string): Promise<ServerResponse> {
    const { clock } = this.parts;
    const start = clock.monotonicMs();
    // Before the body is handed to a worker.
    const sizeBytes = requestSize(request);
    const response = await this.answerPush(request, path);
    this.metrics.answered('push', response.status, request.method);
    const seconds = (clock.monotonicMs() - start) / 1000;
    this.metrics.pushed(request.method, sizeBytes, seconds);
    return response;
  }

  private async answerPush(request: ServerRequest, path: string): Promise<ServerResponse> {
    const grouping = this.grouping(path);
    if ('status' in grouping) return grouping;
    const { checkConsistency: check } = this.options;
    let fault: string | undefined;
    try {
      fault = await this.storePush(request, grouping);
    } catch (error) {
      const isBody = error instanceof BodyError;
      if (!isBody && !(error instanceof GroupingError)) throw error;
      this.parts.logger.debug('failed to parse text', {
        source: request.remoteAddress,
        err: error,
      });
      return plain(isBody ? error.status : 400, `${error.message}\n`);
    }
    if (!check && (fault === undefined || fault === TIMESTAMPS_FAULT))
      return this.durably(empty(202));
    if (fault === undefined) return this.durably(empty(200));
    const message = 'pushed metrics are invalid or inconsistent with existing metrics';
    this.parts.logger.error(message, {
      method: request.method,
      source: request.remoteAddress,
      err: new Error(fault),
    });
    return this.durably(plain(400, `${message}: ${fault}\n`));
  }

  /** Does a push. @returns what is wrong with it @throws BodyError, GroupingError, FileError */
  private async storePush(request: ServerRequest, grouping: Grouping): Promise<string | undefined> {
    const { scheme, checkConsistency: check } = this.options;
    const { decode, prepare } = this.parts;
    const replace = request.method === 'PUT';
    const wishes = this.wishes(request);
    const body = await decodeBody(request.body, request.headers, decode);
    const contentType = request.headers['content-type'] ?? '';
    const isWhole = body.fault === undefined && !body.tooLarge;
    const isLarge = body.bytes.length > PREPARE_FROM_BYTES && isWhole;
    if (!isLarge || prepare === undefined || wishes.merge !== undefined) {
      const families = readFamilies(body, contentType, scheme);
      await this.store.settled();
      return this.store.push({ grouping, families, replace, check, ...wishes });
    }
    const timeMs = this.parts.clock.now();
    const reply = await prepare({
      bytes: ownBytes(body.bytes),
      contentType,
      scheme,
      pairs: grouping.pairs,
      replace,
      expiresMs: wishes.ttlMs > 0 ? timeMs + wishes.ttlMs : 0,
      timeMs,
      reserved: this.store.reservedNames(grouping),
    });
    if (!('prepared' in reply)) throw new BodyError(reply.status, reply.message);
    await this.store.settled();
    return this.store.pushPrepared(grouping, reply.prepared, check);
  }

  /** What a push asks for beyond upstream: lifetime and merging. @throws GroupingError */
  private wishes({ method, params, headers, remoteAddress }: ServerRequest): {
    readonly ttlMs: number;
    readonly merge: Push['merge'];
  } {
    const ttl = params.get('ttl') ?? headers['hearth-ttl'];
    const ttlMs = ttl === undefined ? this.options.defaultTtlMs : parseTtl(ttl);
    const wanted = params.get('merge');
    if (wanted === null) return { ttlMs, merge: undefined };
    const mode = mergeModes.find((name) => name === wanted);
    if (mode === undefined)
      throw new GroupingError(
        `unknown merge mode ${quote(wanted)}: one of ${mergeModes.join(', ')}`,
      );
    if (method !== 'POST')
      throw new GroupingError('merging is for POST: PUT replaces the whole group');
    const pusher = params.get('pusher') ?? headers['hearth-pusher'] ?? remoteAddress;
    return { ttlMs, merge: { mode, pusher } };
  }

  private scrape(request: ServerRequest): ServerResponse {
    const exposition = negotiateExposition(request.headers.accept, {
      openMetrics: true,
      protobuf: true,
    });
    const body = this.metrics.scraped(() =>
      renderPage(exposition, this.store, this.gatherOwn().families),
    );
    return { status: 200, headers: { 'content-type': exposition.contentType }, body };
  }

  private listGroups({ params }: ServerRequest): ServerResponse {
    const about = {
      nowMs: this.parts.clock.now(),
      canWipe: this.options.enableAdminApi,
    };
    return json(succeeded(pushedGroups(this.store, params.get('filter') ?? '', about)));
  }

  /** ?group=PATH&name=FAMILY */
  private listFamily({ params }: ServerRequest): ServerResponse {
    const path = (params.get('group') ?? '').replace(/^metrics/, '');
    const grouping = this.grouping(path);
    if ('status' in grouping) return grouping;
    const group = this.store.groups.get(grouping.key);
    const family = group?.families.get(params.get('name') ?? '');
    if (family === undefined) return notFound();
    const metrics = metricsOf(family)
      .slice(0, METRICS_LISTED_MAX)
      .map((metric) => apiMetric(metric, family.type));
    return json(succeeded({ metrics, total: family.count }));
  }

  /** Ends the timers. */
  close(): void {
    this.store.close();
  }
}
