// SPDX-License-Identifier: Apache-2.0
// Alerts on their way to an Alertmanager.

import type { Labels, RelabelRule } from '../model/index.ts';
import { labelsFrom, labelsToObject, relabel } from '../model/index.ts';

/** Times are milliseconds since the epoch. */
export interface OutgoingAlert {
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly generatorUrl: string;
}

/** External labels join (the alert's own win), then the rules; undefined: the alert is dropped. */
export function withExternalLabels(
  alert: OutgoingAlert,
  externalLabels: Readonly<Record<string, string>>,
  rules: readonly RelabelRule[],
): OutgoingAlert | undefined {
  const joined = labelsFrom({ ...externalLabels, ...labelsToObject(alert.labels) });
  return relabelled({ ...alert, labels: joined }, rules);
}

export function relabelled(
  alert: OutgoingAlert,
  rules: readonly RelabelRule[],
): OutgoingAlert | undefined {
  if (rules.length === 0) return alert;
  const labels = relabel(alert.labels, rules);
  return labels === undefined || labels.length === 0 ? undefined : { ...alert, labels };
}

/** The body of POST /api/v2/alerts. */
export const alertsBody = (alerts: readonly OutgoingAlert[]): string =>
  JSON.stringify(
    alerts.map(({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }) => ({
      annotations,
      endsAt: new Date(endsAtMs).toISOString(),
      startsAt: new Date(startsAtMs).toISOString(),
      generatorURL: generatorUrl,
      labels: labelsToObject(labels),
    })),
  );
