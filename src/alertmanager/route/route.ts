// SPDX-License-Identifier: Apache-2.0
// The routing tree: which receiver hears of an alert, in which group, how often.

import {
  CompiledMatchers,
  type Labels,
  type Matcher,
  matchersText,
  quote,
} from '../../model/index.ts';

/** One route as configured; what is undefined is inherited. */
export interface RouteOptions {
  readonly receiver: string | undefined;
  /** Undefined: the parent's. */
  readonly groupBy: readonly string[] | undefined;
  /** `['...']`. */
  readonly groupByAll: boolean;
  readonly matchers: readonly Matcher[];
  readonly continues: boolean;
  readonly routes: readonly RouteOptions[];
  readonly groupWaitMs: number | undefined;
  readonly groupIntervalMs: number | undefined;
  readonly repeatIntervalMs: number | undefined;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  /** Templates. */
  readonly labels: Readonly<Record<string, string>>;
}

const defaults = { groupWaitMs: 30_000, groupIntervalMs: 300_000, repeatIntervalMs: 14_400_000 };

/** A node of the tree, everything inherited filled in. */
export class Route {
  readonly receiver: string;
  readonly groupBy: ReadonlySet<string>;
  readonly groupByAll: boolean;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly continues: boolean;
  readonly matchers: CompiledMatchers;
  readonly routes: readonly Route[];
  /** `{}/{a="b"}`: stable over restarts, part of the group key. */
  readonly key: string;
  /** The key with the node's place among its siblings: unique in the tree. */
  readonly id: string;

  constructor(options: RouteOptions, parent?: Route, index = 0) {
    this.receiver = options.receiver ?? parent?.receiver ?? '';
    const inherits = options.groupBy === undefined && !options.groupByAll;
    this.groupBy = inherits ? (parent?.groupBy ?? new Set()) : new Set(options.groupBy ?? []);
    this.groupByAll = inherits ? (parent?.groupByAll ?? false) : options.groupByAll;
    this.groupWaitMs = options.groupWaitMs ?? parent?.groupWaitMs ?? defaults.groupWaitMs;
    this.groupIntervalMs =
      options.groupIntervalMs ?? parent?.groupIntervalMs ?? defaults.groupIntervalMs;
    this.repeatIntervalMs =
      options.repeatIntervalMs ?? parent?.repeatIntervalMs ?? defaults.repeatIntervalMs;
    this.muteTimeIntervals = options.muteTimeIntervals;
    this.activeTimeIntervals = options.activeTimeIntervals;
    this.labels = { ...parent?.labels, ...options.labels };
    this.continues = options.continues;
    this.matchers = new CompiledMatchers(options.matchers);
    const own = matchersText(options.matchers);
    this.key = parent === undefined ? own : `${parent.key}/${own}`;
    this.id = parent === undefined ? own : `${parent.id}/${own}/${index}`;
    this.routes = options.routes.map((child, i) => new Route(child, this, i));
  }

  /** The routes that an alert takes: depth first, a child's siblings only when it continues. */
  match(labels: ReadonlyMap<string, string>): Route[] {
    if (!this.matchers.match(labels)) return [];
    const found: Route[] = [];
    for (const child of this.routes) {
      const below = child.match(labels);
      for (const route of below) found.push(route);
      if (below.length > 0 && !child.continues) break;
    }
    return found.length === 0 ? [this] : found;
  }

  /** This node and all below, parents first. */
  *all(): Generator<Route> {
    yield this;
    for (const child of this.routes) yield* child.all();
  }

  /** The labels by which an alert is grouped here. */
  groupLabels(labels: Labels): Labels {
    if (this.groupByAll) return labels;
    return labels.filter(({ name }) => this.groupBy.has(name));
  }
}

/** `{a="b", c="d"}`. */
export const labelSetText = (labels: Labels): string =>
  `{${labels.map(({ name, value }) => `${name}=${quote(value)}`).join(', ')}}`;

/** The identity of a group of alerts, part of what receivers and the notification log know. */
export const groupKeyOf = (route: Route, groupLabels: Labels): string =>
  `${route.key}:${labelSetText(groupLabels)}`;
