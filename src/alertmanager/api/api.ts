// SPDX-License-Identifier: Apache-2.0
// Alertmanager's HTTP API, as one function from a plain request to a plain response.

import type { Clock, Logger, ServerRequest, ServerResponse } from '../../base/index.ts';
import type { Alertmanager } from '../alertmanager.ts';
import { AlertRoutes } from './alert-routes.ts';
import { emptyAnswer, jsonAnswer, RequestError } from './answers.ts';
import { filterParameter } from './parameters.ts';
import { SilenceRoutes } from './silence-routes.ts';
import { TraceRoutes } from './trace-routes.ts';

export interface ApiParts {
  readonly manager: Alertmanager;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startedMs: number;
  readonly versionInfo: Readonly<Record<string, string>>;
}

const corsHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-expose-headers': 'Date',
};

const deprecated = {
  status: 'deprecated',
  error:
    'The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.28.0 - please use the equivalent route in the v2 API',
};

type Handler = (request: ServerRequest, part: string) => ServerResponse;

export class AlertmanagerApi {
  private readonly parts: ApiParts;
  private readonly routes: readonly (readonly [method: string, path: RegExp, handle: Handler])[];

  constructor(parts: ApiParts) {
    this.parts = parts;
    const { manager, clock } = parts;
    const alerts = new AlertRoutes(manager, clock);
    const silences = new SilenceRoutes(manager, clock);
    const traces = new TraceRoutes(manager, clock);
    this.routes = [
      ['GET', /^\/api\/v2\/status$/, () => this.status()],
      ['GET', /^\/api\/v2\/receivers$/, (request) => this.receivers(request)],
      ['GET', /^\/api\/v2\/alerts$/, (request) => alerts.list(request)],
      ['POST', /^\/api\/v2\/alerts$/, (request) => alerts.post(request)],
      ['GET', /^\/api\/v2\/alerts\/groups$/, (request) => alerts.groups(request)],
      ['GET', /^\/api\/v2\/silences$/, (request) => silences.list(request)],
      ['POST', /^\/api\/v2\/silences$/, (request) => silences.post(request)],
      ['GET', /^\/api\/v2\/silence\/([^/]+)$/, (_, part) => silences.get(part)],
      ['DELETE', /^\/api\/v2\/silence\/([^/]+)$/, (_, part) => silences.delete(part)],
      ['GET', /^\/api\/v1\/alerts\/([0-9a-f]{16})\/trace$/, (_, part) => traces.trace(part)],
      ['POST', /^\/api\/v1\/what-if$/, (request) => traces.whatIf(request)],
    ];
  }

  /** Answers what stands below `/api/`; undefined for any other path. */
  handle(request: ServerRequest): ServerResponse | undefined {
    if (!request.path.startsWith('/api/')) return undefined;
    const answer = this.answer(request);
    return { ...answer, headers: { ...answer.headers, ...corsHeaders } };
  }

  private answer(request: ServerRequest): ServerResponse {
    if (request.method === 'OPTIONS') return emptyAnswer(200);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const here = this.routes.filter(([, path]) => path.test(request.path));
    const found = here.find(([allowed]) => allowed === method);
    if (found === undefined) {
      if (request.path.startsWith('/api/v1/') && here.length === 0)
        return jsonAnswer(deprecated, 410);
      if (here.length === 0)
        return jsonAnswer({ code: 404, message: `path ${request.path} was not found` }, 404);
      const allowed = here.map(([each]) => each).join(',');
      const message = `method ${request.method} is not allowed, but [${allowed}] are`;
      return jsonAnswer({ code: 405, message }, 405);
    }
    const [, path, handle] = found;
    try {
      return handle(request, path.exec(request.path)?.[1] ?? '');
    } catch (error) {
      if (error instanceof RequestError) return jsonAnswer(error.body, error.status);
      const why = error instanceof Error ? error : new Error(String(error));
      this.parts.logger.error('Request failed', { path: request.path, err: why });
      return jsonAnswer(why.message, 500);
    }
  }

  private status(): ServerResponse {
    const { manager, startedMs, versionInfo } = this.parts;
    return jsonAnswer({
      cluster: { peers: [], status: 'disabled' },
      config: { original: manager.options?.original ?? '' },
      uptime: new Date(startedMs).toISOString(),
      versionInfo,
    });
  }

  private receivers({ params }: ServerRequest): ServerResponse {
    const filter = filterParameter(params, 'receiver_matchers');
    const shown = [...this.parts.manager.receivers.values()]
      .filter(({ name, labels }) => filter.match(new Map(Object.entries({ ...labels, name }))))
      .map(({ name, labels }) => (Object.keys(labels).length === 0 ? { name } : { name, labels }));
    return jsonAnswer(shown);
  }
}
