// SPDX-License-Identifier: Apache-2.0
// Ours: why an alert was or was not told of, and what would become of one.

import type { Clock, ServerRequest, ServerResponse } from '../../base/index.ts';
import { labelsFrom, labelsToObject } from '../../model/index.ts';
import type { Alertmanager } from '../alertmanager.ts';
import { type Explanation, explain } from '../explain.ts';
import type { FlushTrace } from '../trace/trace.ts';
import { emptyAnswer, jsonAnswer, RequestError, timeText } from './answers.ts';
import { jsonBody, objectAt, textsAt, timeAt } from './parameters.ts';

const optionalTime = (key: string, ms: number | undefined): Record<string, string> =>
  ms === undefined ? {} : { [key]: timeText(ms) };

function explanationData({ timeMs, destinations, ...rest }: Explanation): unknown {
  return {
    time: timeText(timeMs),
    ...rest,
    destinations: destinations.map(({ groupLabels, integrations, ...destination }) => ({
      ...destination,
      groupLabels: labelsToObject(groupLabels),
      integrations: integrations.map(({ lastNotifiedMs, repeatDueMs, ...integration }) => ({
        ...integration,
        ...optionalTime('lastNotified', lastNotifiedMs),
        ...optionalTime('repeatDue', repeatDueMs),
      })),
    })),
  };
}

/** One flush as it concerns one alert. */
function flushData(flush: FlushTrace, fingerprint: string): unknown {
  const suppression = flush.suppressed.get(fingerprint);
  return {
    time: timeText(flush.timeMs),
    route: flush.routeId,
    groupKey: flush.groupKey,
    receiver: flush.receiver,
    state: flush.alerts.get(fingerprint),
    inhibitedBy: suppression?.inhibitedBy ?? [],
    silencedBy: suppression?.silencedBy ?? [],
    mutedBy: flush.muted,
    outsideOf: flush.outsideOf,
    // What became of the others of its group is not its story.
    integrations:
      suppression === undefined
        ? flush.integrations.map(({ lastNotifiedMs, repeatDueMs, nextAttemptMs, ...each }) => ({
            ...each,
            ...optionalTime('nextAttempt', nextAttemptMs),
            ...optionalTime('lastNotified', lastNotifiedMs),
            ...optionalTime('repeatDue', repeatDueMs),
          }))
        : [],
  };
}

export class TraceRoutes {
  private readonly manager: Alertmanager;
  private readonly clock: Clock;

  constructor(manager: Alertmanager, clock: Clock) {
    this.manager = manager;
    this.clock = clock;
  }

  /** The decisions of the last flushes, and how things stand now. */
  trace(fingerprint: string): ServerResponse {
    const alert = this.manager.alerts.get(fingerprint);
    const flushes = this.manager.traces.of(fingerprint);
    const context = this.manager.explainContext;
    if (context === undefined || (alert === undefined && flushes.length === 0))
      return emptyAnswer(404);
    const groups = [...(this.manager.dispatcher?.groups() ?? [])].filter(({ alerts }) =>
      alerts.has(fingerprint),
    );
    return jsonAnswer({
      fingerprint,
      ...(alert === undefined
        ? {}
        : {
            labels: labelsToObject(alert.labels),
            now: explanationData(explain(alert.labels, this.clock.now(), context)),
          }),
      groups: groups.map(({ key, route, nextFlushMs }) => ({
        groupKey: key,
        receiver: route.receiver,
        nextFlush: timeText(nextFlushMs),
      })),
      flushes: flushes.map((flush) => flushData(flush, fingerprint)),
    });
  }

  /** `{labels, time?}` → what would happen, with nothing sent. */
  whatIf({ body }: ServerRequest): ServerResponse {
    const object = objectAt(jsonBody('what-if', body), 'what-if');
    const labels = labelsFrom(textsAt(object, 'labels', 'what-if'));
    if (labels.length === 0) throw new RequestError(400, 'at least one label pair required');
    const time = timeAt(object, 'time', 'what-if', false) ?? this.clock.now();
    const context = this.manager.explainContext;
    if (context === undefined) throw new RequestError(503, 'no configuration is loaded yet');
    return jsonAnswer(explanationData(explain(labels, time, context)));
  }
}
