// SPDX-License-Identifier: Apache-2.0
// Alertmanager's instruments, under upstream's names.

import type { Registry } from '../metrics/index.ts';
import { failureReasons } from './notify/integration.ts';

/** All integrations: their counters exist from the start, so that rates work. */
export const integrationTypes: readonly string[] = [
  'discord',
  'email',
  'incidentio',
  'jira',
  'mattermost',
  'msteams',
  'msteamsv2',
  'opsgenie',
  'pagerduty',
  'pushover',
  'rocketchat',
  'slack',
  'sns',
  'telegram',
  'victorops',
  'webex',
  'webhook',
  'wechat',
];

const suppressionReasons = ['silence', 'inhibition', 'mute_time_interval', 'active_time_interval'];

function notifyMetrics(registry: Registry) {
  const byIntegration = ['integration'];
  const metrics = {
    notifications: registry.counterVec(
      'alertmanager_notifications_total',
      'The total number of attempted notifications.',
      byIntegration,
    ),
    failed: registry.counterVec(
      'alertmanager_notifications_failed_total',
      'The total number of failed notifications.',
      ['integration', 'reason'],
    ),
    requests: registry.counterVec(
      'alertmanager_notification_requests_total',
      'The total number of attempted notification requests.',
      byIntegration,
    ),
    requestsFailed: registry.counterVec(
      'alertmanager_notification_requests_failed_total',
      'The total number of failed notification requests.',
      byIntegration,
    ),
    latency: registry.histogramVec(
      'alertmanager_notification_latency_seconds',
      'The latency of notifications in seconds.',
      byIntegration,
      { buckets: [1, 5, 10, 15, 20] },
    ),
    suppressed: registry.counterVec(
      'alertmanager_notifications_suppressed_total',
      'The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.',
      ['reason'],
    ),
  };
  for (const type of integrationTypes) {
    metrics.notifications.with(type);
    metrics.requests.with(type);
    metrics.requestsFailed.with(type);
    metrics.latency.with(type);
    for (const reason of failureReasons) metrics.failed.with(type, reason);
  }
  for (const reason of suppressionReasons) metrics.suppressed.with(reason);
  return metrics;
}

/** Registers them; once for a registry. */
export function createAlertmanagerMetrics(registry: Registry) {
  const version = ['version'];
  const metrics = {
    ...notifyMetrics(registry),
    received: registry.counterVec(
      'alertmanager_alerts_received_total',
      'The total number of received alerts.',
      ['status', 'version'],
    ),
    invalid: registry.counterVec(
      'alertmanager_alerts_invalid_total',
      'The total number of received alerts that were invalid.',
      version,
    ),
    groups: registry.gauge(
      'alertmanager_dispatcher_aggregation_groups',
      'Number of active aggregation groups',
    ),
    processing: registry.summary(
      'alertmanager_dispatcher_alert_processing_duration_seconds',
      'Summary of latencies for the processing of alerts.',
      { quantiles: [] },
    ),
  };
  for (const status of ['firing', 'resolved']) metrics.received.with(status, 'v2');
  metrics.invalid.with('v2');
  return metrics;
}

export type AlertmanagerMetrics = ReturnType<typeof createAlertmanagerMetrics>;
