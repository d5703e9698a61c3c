// SPDX-License-Identifier: Apache-2.0
// "Why" and "what if": what would become of an alert with these labels at this moment, step by step, with
// nothing sent.

import { CompiledMatchers, type Labels, type Matcher, matcherText } from '../model/index.ts';
import { alertHash } from './hash.ts';
import type { Inhibition, Inhibitor } from './inhibit/inhibitor.ts';
import { labelMap } from './label-map.ts';
import type { NotificationLog } from './nflog/notification-log.ts';
import { notificationReason } from './notify/deduplicate.ts';
import type { NotificationReason, Receiver } from './notify/integration.ts';
import type { Route } from './route/route.ts';
import { groupKeyOf } from './route/route.ts';
import type { TimeIntervals } from './route/time-interval.ts';
import { containing } from './route/time-interval.ts';
import type { Silences } from './silence/silences.ts';

/** A node of the routing tree and why it was or was not taken. */
export interface RouteExplanation {
  readonly matchers: readonly string[];
  readonly receiver: string;
  readonly outcome: /** The alert goes here. */
    | 'taken'
    /** It goes to children of this one. */
    | 'passed on'
    | 'not matched'
    /** A sibling before took it and does not continue. */
    | 'not reached';
  /** The matcher that failed. */
  readonly failed?: string;
  readonly routes: readonly RouteExplanation[];
}

export interface IntegrationExplanation {
  readonly type: string;
  readonly index: number;
  readonly sendResolved: boolean;
  /** Why it would be told; absent: it knows already. */
  readonly wouldSend?: NotificationReason;
  readonly lastNotifiedMs?: number;
  readonly repeatDueMs?: number;
}

/** One route that takes the alert. */
export interface DestinationExplanation {
  readonly receiver: string;
  readonly routeId: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly mutedBy: readonly string[];
  readonly outsideOf: readonly string[];
  readonly integrations: readonly IntegrationExplanation[];
}

export interface Explanation {
  readonly timeMs: number;
  readonly route: RouteExplanation;
  readonly inhibitedBy: readonly Inhibition[];
  readonly silencedBy: readonly string[];
  readonly destinations: readonly DestinationExplanation[];
  /** Whether anybody would be told now. */
  readonly notifies: boolean;
}

export interface ExplainContext {
  readonly route: Route;
  readonly inhibitor: Inhibitor;
  readonly silences: Silences;
  readonly log: NotificationLog;
  readonly timeIntervals: TimeIntervals;
  readonly receivers: ReadonlyMap<string, Receiver>;
}

type LabelMap = ReadonlyMap<string, string>;

const failedMatcher = (matchers: readonly Matcher[], labels: LabelMap): Matcher | undefined =>
  matchers.find((matcher) => !new CompiledMatchers([matcher]).match(labels));

function explainRoute(route: Route, labels: LabelMap, reached: boolean): RouteExplanation {
  const base = {
    matchers: route.matchers.matchers.map(matcherText),
    receiver: route.receiver,
  };
  const below = (isReached: boolean): RouteExplanation[] =>
    route.routes.map((child) => explainRoute(child, labels, isReached));
  if (!reached) return { ...base, outcome: 'not reached', routes: below(false) };
  const failed = failedMatcher(route.matchers.matchers, labels);
  if (failed !== undefined)
    return { ...base, outcome: 'not matched', failed: matcherText(failed), routes: below(false) };
  const routes: RouteExplanation[] = [];
  let open = true;
  let passed = false;
  for (const child of route.routes) {
    const explained = explainRoute(child, labels, open);
    routes.push(explained);
    if (explained.outcome !== 'taken' && explained.outcome !== 'passed on') continue;
    passed = true;
    if (!child.continues) open = false;
  }
  return { ...base, outcome: passed ? 'passed on' : 'taken', routes };
}

function explainDestination(
  route: Route,
  labels: Labels,
  timeMs: number,
  context: ExplainContext,
): DestinationExplanation {
  const groupLabels = route.groupLabels(labels);
  const groupKey = groupKeyOf(route, groupLabels);
  const active = containing(context.timeIntervals, route.activeTimeIntervals, timeMs);
  const { repeatIntervalMs } = route;
  const integrations = (context.receivers.get(route.receiver)?.integrations ?? []).map(
    ({ type, index, sendResolved }): IntegrationExplanation => {
      const where = { groupKey, receiver: route.receiver, integration: type, index };
      const entry = context.log.find(where);
      const reason = notificationReason({
        entry,
        firing: new Set([alertHash(labels)]),
        resolved: new Set(),
        sendResolved,
        repeatIntervalMs,
        nowMs: timeMs,
      });
      const last =
        entry === undefined
          ? {}
          : {
              lastNotifiedMs: entry.timestampMs,
              repeatDueMs: entry.timestampMs + repeatIntervalMs,
            };
      const would = reason === undefined ? {} : { wouldSend: reason };
      return { type, index, sendResolved, ...would, ...last };
    },
  );
  return {
    receiver: route.receiver,
    routeId: route.id,
    groupKey,
    groupLabels,
    groupWaitMs: route.groupWaitMs,
    groupIntervalMs: route.groupIntervalMs,
    repeatIntervalMs,
    mutedBy: containing(context.timeIntervals, route.muteTimeIntervals, timeMs),
    outsideOf: active.length > 0 ? [] : route.activeTimeIntervals,
    integrations,
  };
}

/** What would become of a firing alert with these labels at `timeMs`. */
export function explain(labels: Labels, timeMs: number, context: ExplainContext): Explanation {
  const map = labelMap(labels);
  const destinations = context.route
    .match(map)
    .map((route) => explainDestination(route, labels, timeMs, context));
  const inhibitedBy = context.inhibitor.inhibitedBy(map, timeMs);
  const silencedBy = context.silences.silencing(map, timeMs);
  const free = inhibitedBy.length === 0 && silencedBy.length === 0;
  const notifies =
    free &&
    destinations.some(
      ({ mutedBy, outsideOf, integrations }) =>
        mutedBy.length === 0 &&
        outsideOf.length === 0 &&
        integrations.some(({ wouldSend }) => wouldSend !== undefined),
    );
  const route = explainRoute(context.route, map, true);
  return { timeMs, route, inhibitedBy, silencedBy, destinations, notifies };
}
