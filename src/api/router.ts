// SPDX-License-Identifier: Apache-2.0
// Matches a request's path against a table of routes. A pattern's last part may be `*rest` (anything,
// slashes included), any part may be `:name`.

import type { ServerRequest, ServerResponse } from '../base/index.ts';

export interface RouteMatch {
  readonly request: ServerRequest;
  /** Value of the `:name` or `*rest` part, percent-decoded; '' when the pattern has none. */
  readonly part: string;
}

export interface Route {
  readonly methods: readonly string[];
  /** Also the `handler` label of the HTTP metrics. */
  readonly pattern: string;
  /** Answers while the server is starting or stopping too. */
  readonly always?: boolean;
  readonly handle: (match: RouteMatch) => ServerResponse | Promise<ServerResponse>;
}

interface Compiled {
  readonly route: Route;
  readonly regexp: RegExp;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function compile(route: Route): Compiled {
  const source = route.pattern
    .split('/')
    .map((part) =>
      part.startsWith(':') ? '([^/]+)' : part.startsWith('*') ? '(.*)' : escaped(part),
    )
    .join('/');
  return { route, regexp: new RegExp(`^${source}$`) };
}

export type Found =
  | { readonly kind: 'route'; readonly route: Route; readonly part: string }
  /** The path exists, for other methods. */
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

/** The routes of one server; the first that fits wins. */
export class Router {
  private readonly fixed = new Map<string, Route[]>();
  private readonly patterns: Compiled[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      if (/[:*]/.test(route.pattern)) {
        this.patterns.push(compile(route));
      } else {
        this.fixed.set(route.pattern, [...(this.fixed.get(route.pattern) ?? []), route]);
      }
    }
  }

  find(method: string, path: string): Found {
    const allow: string[] = [];
    for (const route of this.fixed.get(path) ?? []) {
      if (route.methods.includes(method)) return { kind: 'route', route, part: '' };
      for (const other of route.methods) allow.push(other);
    }
    for (const { route, regexp } of this.patterns) {
      const match = regexp.exec(path);
      if (match === null) continue;
      if (route.methods.includes(method)) {
        return { kind: 'route', route, part: decoded(match[1] ?? '') };
      }
      // A route for everything below a path doesn't make each of these paths exist.
      if (!route.pattern.includes('*')) for (const other of route.methods) allow.push(other);
    }
    return allow.length === 0 ? { kind: 'none' } : { kind: 'method', allow };
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
