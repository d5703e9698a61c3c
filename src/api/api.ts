// SPDX-License-Identifier: Apache-2.0
// All HTTP routes of the server, as one function from a plain request to a plain response.

import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { negotiateExposition } from '../metrics/index.ts';
import { ApiError, failureAnswer, redirect, textAnswer } from './answers.ts';
import { AdminRoutes } from './admin-routes.ts';
import { ConsoleRoutes } from './console-routes.ts';
import type { EngineMetrics } from './engine-metrics.ts';
import { ExportRoutes } from './export-routes.ts';
import { HttpMetrics } from './http-metrics.ts';
import { notFound, PageRoutes, pagePaths } from './page-routes.ts';
import { PoolRoutes } from './pool-routes.ts';
import { QueryRoutes } from './query-routes.ts';
import type { Route } from './router.ts';
import { Router } from './router.ts';
import type { ApiServices } from './services.ts';
import { RuleRoutes } from './rule-routes.ts';
import { StatusRoutes } from './status-routes.ts';
import { TargetRoutes } from './target-routes.ts';

const GET = ['GET', 'HEAD'];
const GET_POST = ['GET', 'HEAD', 'POST'];
const POST_PUT = ['POST', 'PUT'];
const ALL = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

const API = '/api/v1';

const corsHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-expose-headers': 'Date',
  vary: 'Origin',
};

/** Everything below /api/v1. */
function apiRoutes(services: ApiServices, metrics: EngineMetrics, exports: ExportRoutes): Route[] {
  const query = new QueryRoutes(services, metrics);
  const target = new TargetRoutes(services);
  const status = new StatusRoutes(services);
  const pools = new PoolRoutes(services);
  const admin = new AdminRoutes(services);
  const rules = new RuleRoutes(services);
  const route = (
    methods: readonly string[],
    path: string,
    handle: Route['handle'],
    always = false,
  ): Route => ({ methods, pattern: API + path, handle, always });
  return [
    route(GET_POST, '/query', ({ request }) => query.instant(request)),
    route(GET_POST, '/query_range', ({ request }) => query.range(request)),
    route(GET_POST, '/explain', ({ request }) => query.explain(request)),
    route(GET_POST, '/format_query', ({ request }) => query.format(request)),
    route(GET_POST, '/parse_query', ({ request }) => query.parse(request)),
    route(GET_POST, '/labels', ({ request }) => query.labels(request)),
    route(GET, '/label/:name/values', ({ request, part }) => query.labelValues(request, part)),
    route(GET_POST, '/series', ({ request }) => query.series(request)),
    route(GET, '/metadata', ({ request }) => target.metadata(request)),
    route(GET, '/targets', ({ request }) => target.targets(request)),
    route(GET, '/targets/metadata', ({ request }) => target.targetMetadata(request)),
    route(GET, '/scrape_pools', () => target.scrapePools()),
    route(GET, '/scrape_pools/config', ({ request }) => pools.config(request)),
    route(GET, '/targets/relabel_steps', ({ request }) => pools.relabelSteps(request)),
    route(GET, '/status/config', () => status.config()),
    route(GET, '/status/flags', () => status.flags()),
    route(GET, '/status/buildinfo', () => status.buildInfo()),
    route(GET, '/status/runtimeinfo', () => status.runtimeInfo()),
    route(GET, '/status/tsdb', ({ request }) => query.tsdbStatus(request)),
    route(GET, '/status/tsdb/blocks', () => admin.blocks()),
    route(POST_PUT, '/admin/tsdb/delete_series', ({ request }) => admin.deleteSeries(request)),
    route(POST_PUT, '/admin/tsdb/clean_tombstones', () => admin.cleanTombstones()),
    route(POST_PUT, '/admin/tsdb/snapshot', ({ request }) => admin.snapshot(request)),
    route(GET, '/status/queries', () => status.queries()),
    route(POST_PUT, '/admin/queries/:id/cancel', ({ part }) => admin.cancelQuery(part)),
    route(GET, '/status/walreplay', () => status.walReplay(), true),
    route(GET_POST, '/query_exemplars', ({ request }) => exports.exemplars(request)),
    route(GET, '/notifications', () => status.notifications(), true),
    route(GET, '/notifications/live', ({ request }) => status.liveNotifications(request), true),
    route(GET, '/features', () => status.features()),
    route(GET, '/alerts', () => rules.alerts()),
    route(GET, '/rules', ({ request }) => rules.rules(request)),
    route(GET, '/alertmanagers', () => rules.alertmanagers()),
    route(['OPTIONS'], '/*path', () => ({ status: 204, headers: {}, body: '' })),
  ];
}

/** /-/…: for the service manager. */
function managementRoutes(services: ApiServices): Route[] {
  const lifecycle = (path: string, act: () => ServerResponse | Promise<ServerResponse>): Route => ({
    methods: ALL,
    pattern: path,
    handle: ({ request }) => {
      if (!services.lifecycleEnabled) return textAnswer(403, 'Lifecycle API is not enabled.');
      if (request.method !== 'POST' && request.method !== 'PUT')
        return textAnswer(405, 'Only POST or PUT requests allowed');
      return act();
    },
  });
  const reload = async (): Promise<ServerResponse> => {
    try {
      await services.reload();
      return textAnswer(200, '');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return textAnswer(500, `failed to reload config: ${why}\n`);
    }
  };
  const quit = (): ServerResponse => {
    services.quit();
    return textAnswer(200, 'Requesting termination... Goodbye!');
  };
  return [
    {
      methods: GET,
      pattern: '/-/healthy',
      always: true,
      handle: () => textAnswer(200, 'Prometheus Server is Healthy.\n'),
    },
    {
      methods: GET,
      pattern: '/-/ready',
      handle: () => textAnswer(200, 'Prometheus Server is Ready.\n'),
    },
    { ...lifecycle('/-/reload', reload) },
    { ...lifecycle('/-/quit', quit), always: true },
  ];
}

/** The page, its files, and what is not for people. */
function webRoutes(services: ApiServices): Route[] {
  const pages = new PageRoutes(services);
  const consoles = new ConsoleRoutes(services);
  const status = new StatusRoutes(services);
  const to = (path: string) => redirect(services.routePrefix + path);
  const always = (pattern: string, handle: Route['handle']): Route => ({
    methods: GET,
    pattern,
    always: true,
    handle,
  });
  const metrics = (request: ServerRequest): ServerResponse => {
    const { contentType, write } = negotiateExposition(request.headers.accept);
    const body = write(services.registry.gather());
    return { status: 200, headers: { 'content-type': contentType }, body };
  };
  return [
    always('/', () => to('/query')),
    always('/graph', ({ request }) => {
      const query = request.params.toString();
      return to(query === '' ? '/query' : `/query?${query}`);
    }),
    always('/metrics', ({ request }) => metrics(request)),
    always('/version', () => status.version()),
    ...pagePaths.map((path) => always(path, () => pages.page())),
    always('/assets/*path', ({ part }) => pages.asset(part)),
    always('/user/*path', ({ part }) => pages.userAsset(part)),
    {
      methods: GET,
      pattern: '/consoles/*filepath',
      handle: ({ request, part }) => consoles.page(request, part),
    },
    ...['favicon.svg', 'favicon.ico', 'manifest.json'].map((name) =>
      always(`/${name}`, () => pages.named(name)),
    ),
  ];
}

/** The server's HTTP side. Paths carry the route prefix; compression and sending are the listener's. */
export class Api {
  private readonly services: ApiServices;
  private readonly router: Router;
  private readonly metrics: HttpMetrics;

  constructor(services: ApiServices, engineMetrics: EngineMetrics) {
    this.services = services;
    this.metrics = new HttpMetrics(services.registry, services.clock);
    const exports = new ExportRoutes(services);
    const federate: Route = {
      methods: GET,
      pattern: '/federate',
      handle: ({ request }) => exports.federate(request),
    };
    const routes = [
      ...apiRoutes(services, engineMetrics, exports),
      federate,
      ...managementRoutes(services),
      ...webRoutes(services),
    ];
    this.router = new Router(routes);
    for (const { pattern } of routes) this.metrics.announce(pattern);
  }

  async handle(request: ServerRequest): Promise<ServerResponse> {
    const { routePrefix } = this.services;
    if (routePrefix !== '' && request.path !== routePrefix) {
      // As upstream: the root leads to the prefix, everything else outside of it is not there.
      if (request.path === '/') return redirect(routePrefix);
      if (!request.path.startsWith(`${routePrefix}/`)) return notFound();
    }
    const path = request.path.slice(routePrefix.length) || '/';
    const found = this.router.find(request.method, path);
    if (found.kind === 'none') return notFound();
    if (found.kind === 'method') {
      const allow = found.allow.join(', ');
      return textAnswer(405, 'Method Not Allowed\n', { allow });
    }
    const startedMs = this.services.clock.monotonicMs();
    let response = await this.answer(found.route, { ...request, path }, found.part);
    if (path.startsWith(`${API}/`)) response = this.withCors(request, response);
    this.metrics.observe(found.route.pattern, startedMs, response);
    return response;
  }

  private async answer(
    route: Route,
    request: ServerRequest,
    part: string,
  ): Promise<ServerResponse> {
    const phase = this.services.phase();
    if (phase !== 'ready' && route.always !== true) {
      const stopping = String(phase === 'stopping');
      return textAnswer(503, 'Service Unavailable', { 'x-prometheus-stopping': stopping });
    }
    try {
      return await route.handle({ request, part });
    } catch (error) {
      if (error instanceof ApiError) return failureAnswer(error.errorType, error.message);
      const why = error instanceof Error ? error : new Error(String(error));
      this.services.logger.error('Request failed', { path: request.path, err: why });
      return failureAnswer('internal', why.message);
    }
  }

  private withCors(request: ServerRequest, response: ServerResponse): ServerResponse {
    const { origin } = request.headers;
    if (origin === undefined || origin === '') return response;
    const headers: Record<string, string> = { ...response.headers, ...corsHeaders };
    const allowed = this.services.allowedOrigin(origin);
    if (allowed !== undefined) headers['access-control-allow-origin'] = allowed;
    return { ...response, headers };
  }
}
