// SPDX-License-Identifier: Apache-2.0
// /alerts and /alerts/groups.

import type { Clock, ServerRequest, ServerResponse } from '../../base/index.ts';
import {
  compareLabels,
  compareText,
  isValidLabelName,
  labelsFrom,
  labelsToObject,
} from '../../model/index.ts';
import type { Alert, AlertParts } from '../alert.ts';
import { isResolved } from '../alert.ts';
import type { Alertmanager } from '../alertmanager.ts';
import { labelMap } from '../label-map.ts';
import { containing, type TimeIntervals } from '../route/time-interval.ts';
import {
  emptyAnswer,
  jsonAnswer,
  RequestError,
  timeText,
  ValidationCode,
  validationError,
} from './answers.ts';
import {
  booleanParameter,
  filterParameter,
  jsonBody,
  listAt,
  objectAt,
  receiverParameter,
  textAt,
  textsAt,
  timeAt,
} from './parameters.ts';

/** Which alerts a request wants. */
interface Wanted {
  readonly active: boolean;
  readonly silenced: boolean;
  readonly inhibited: boolean;
  readonly muted: boolean;
  readonly matches: (labels: ReadonlyMap<string, string>) => boolean;
  readonly receiver: (name: string) => boolean;
}

interface AlertStatus {
  readonly state: 'unprocessed' | 'active' | 'suppressed';
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}

export class AlertRoutes {
  private readonly manager: Alertmanager;
  private readonly clock: Clock;

  constructor(manager: Alertmanager, clock: Clock) {
    this.manager = manager;
    this.clock = clock;
  }

  private wanted(params: URLSearchParams): Wanted {
    const filter = filterParameter(params);
    const receiver = receiverParameter(params);
    const receiverMatchers = filterParameter(params, 'receiver_matchers');
    booleanParameter(params, 'unprocessed', true);
    return {
      active: booleanParameter(params, 'active', true),
      silenced: booleanParameter(params, 'silenced', true),
      inhibited: booleanParameter(params, 'inhibited', true),
      muted: booleanParameter(params, 'muted', true),
      matches: (labels) => filter.match(labels),
      receiver: (name) => {
        if (receiver?.test(name) === false) return false;
        if (receiverMatchers.matchers.length === 0) return true;
        const labels = this.manager.receivers.get(name)?.labels ?? {};
        return receiverMatchers.match(new Map(Object.entries({ ...labels, name })));
      },
    };
  }

  private status(
    labels: ReadonlyMap<string, string>,
    nowMs: number,
    mutedBy: readonly string[],
  ): AlertStatus {
    const { silences, inhibitor } = this.manager;
    const silencedBy = silences.silencing(labels, nowMs);
    const inhibitedBy = inhibitor.inhibitedBy(labels, nowMs).map(({ source }) => source);
    const quiet = silencedBy.length + inhibitedBy.length + mutedBy.length > 0;
    return { state: quiet ? 'suppressed' : 'active', silencedBy, inhibitedBy, mutedBy };
  }

  /** The alert as JSON, or undefined when the request does not want it. */
  private shown(
    alert: Alert,
    receivers: readonly string[],
    wanted: Wanted,
    nowMs: number,
    mutedBy: readonly string[] = [],
  ): Record<string, unknown> | undefined {
    if (isResolved(alert, nowMs)) return undefined;
    const labels = labelMap(alert.labels);
    if (!wanted.matches(labels)) return undefined;
    const status = this.status(labels, nowMs, mutedBy);
    if (!wanted.active && status.state === 'active') return undefined;
    if (!wanted.silenced && status.silencedBy.length > 0) return undefined;
    if (!wanted.inhibited && status.inhibitedBy.length > 0) return undefined;
    if (!wanted.muted && status.mutedBy.length > 0) return undefined;
    return {
      annotations: alert.annotations,
      endsAt: timeText(alert.endsAtMs),
      fingerprint: alert.fingerprint,
      receivers: receivers.map((name) => ({ name })),
      startsAt: timeText(alert.startsAtMs),
      status,
      updatedAt: timeText(alert.updatedAtMs),
      generatorURL: alert.generatorUrl,
      labels: labelsToObject(alert.labels),
    };
  }

  list({ params }: ServerRequest): ServerResponse {
    const wanted = this.wanted(params);
    const nowMs = this.clock.now();
    const route = this.manager.dispatcher?.route;
    const alerts = [...this.manager.alerts.values()].sort((a, b) =>
      a.fingerprint < b.fingerprint ? -1 : 1,
    );
    const shown = alerts.flatMap((alert) => {
      const names = route?.match(labelMap(alert.labels)).map(({ receiver }) => receiver) ?? [];
      const receivers = [...new Set(names)];
      if (!receivers.some(wanted.receiver)) return [];
      return this.shown(alert, receivers, wanted, nowMs) ?? [];
    });
    return jsonAnswer(shown);
  }

  groups({ params }: ServerRequest): ServerResponse {
    const wanted = this.wanted(params);
    const nowMs = this.clock.now();
    const intervals: TimeIntervals = this.manager.explainContext?.timeIntervals ?? new Map();
    const groups = [...(this.manager.dispatcher?.groups() ?? [])]
      .filter(({ route }) => wanted.receiver(route.receiver))
      .sort(
        (a, b) =>
          compareLabels(a.labels, b.labels) || compareText(a.route.receiver, b.route.receiver),
      );
    const shown = groups.flatMap((group) => {
      const { route } = group;
      const active = containing(intervals, route.activeTimeIntervals, nowMs);
      const outside = active.length > 0 ? [] : route.activeTimeIntervals;
      const mutedBy = [...outside, ...containing(intervals, route.muteTimeIntervals, nowMs)];
      const alerts = [...group.alerts.values()]
        .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1))
        .flatMap((alert) => this.shown(alert, [route.receiver], wanted, nowMs, mutedBy) ?? []);
      if (alerts.length === 0) return [];
      const receiver = { name: route.receiver };
      const labels = labelsToObject(group.labels);
      return { alerts, labels, routeLabels: route.labels, receiver };
    });
    return jsonAnswer(shown);
  }

  /** Takes the good ones of the alerts, and says what is wrong with the others. */
  post({ body }: ServerRequest): ServerResponse {
    const posted = listAt(jsonBody('alerts', body), 'alerts');
    const nowMs = this.clock.now();
    const resolveMs = this.manager.options?.resolveTimeoutMs ?? 300_000;
    const good: AlertParts[] = [];
    const problems: string[] = [];
    for (const [i, item] of posted.entries()) {
      const alert = readAlert(item, i, nowMs, resolveMs);
      const problem = alertProblem(alert);
      if (problem === undefined) good.push(alert);
      else problems.push(problem);
    }
    this.manager.metrics.invalid.with('v2').inc(problems.length);
    this.manager.receive(good);
    if (problems.length > 0) throw new RequestError(400, problems.join('; '));
    return emptyAnswer(200);
  }
}

function readAlert(item: unknown, index: number, nowMs: number, resolveMs: number): AlertParts {
  const path = `alerts.${index}`;
  const object = objectAt(item, path);
  if (object.labels === undefined || object.labels === null)
    throw validationError(ValidationCode.required, `${index}.labels in body is required`);
  const endsAt = timeAt(object, 'endsAt', path, false);
  const startsAt = timeAt(object, 'startsAt', path, false);
  return {
    labels: labelsFrom(textsAt(object, 'labels', path)),
    annotations: textsAt(object, 'annotations', path),
    startsAtMs: startsAt ?? Math.min(nowMs, endsAt ?? nowMs),
    endsAtMs: endsAt ?? nowMs + resolveMs,
    generatorUrl: textAt(object, 'generatorURL', path, false) ?? '',
    updatedAtMs: nowMs,
    timesOut: endsAt === undefined,
  };
}

/** What is wrong with an alert, in upstream's words. */
function alertProblem({
  labels,
  annotations,
  startsAtMs,
  endsAtMs,
}: AlertParts): string | undefined {
  if (endsAtMs < startsAtMs) return 'start time must be before end time';
  if (labels.length === 0) return 'at least one label pair required';
  for (const { name } of labels)
    if (!isValidLabelName(name, 'utf8'))
      return `invalid label set: invalid name ${JSON.stringify(name)}`;
  for (const name of Object.keys(annotations))
    if (!isValidLabelName(name, 'utf8'))
      return `invalid annotations: invalid name ${JSON.stringify(name)}`;
  return undefined;
}
