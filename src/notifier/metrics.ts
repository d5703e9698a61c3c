// SPDX-License-Identifier: Apache-2.0
// The instruments of the notifier, under upstream's names.

import type { Registry } from '../metrics/index.ts';

const ALERTMANAGER = ['alertmanager'];

/** Registers them; once for a registry. */
export function createNotifierMetrics(registry: Registry) {
  return {
    latency: registry.summaryVec(
      'prometheus_notifications_latency_seconds',
      'Latency quantiles for sending alert notifications.',
      ALERTMANAGER,
      { quantiles: [0.5, 0.9, 0.99] },
    ),
    errors: registry.counterVec(
      'prometheus_notifications_errors_total',
      'Total number of sent alerts affected by errors.',
      ALERTMANAGER,
    ),
    sent: registry.counterVec(
      'prometheus_notifications_sent_total',
      'Total number of alerts sent.',
      ALERTMANAGER,
    ),
    dropped: registry.counterVec(
      'prometheus_notifications_dropped_total',
      'Total number of alerts dropped due to errors when sending to Alertmanager.',
      ALERTMANAGER,
    ),
    queueLength: registry.gaugeVec(
      'prometheus_notifications_queue_length',
      'The number of alert notifications in the queue.',
      ALERTMANAGER,
    ),
    queueCapacity: registry.gauge(
      'prometheus_notifications_queue_capacity',
      'The capacity of the alert notifications queue.',
    ),
    discovered: registry.gauge(
      'prometheus_notifications_alertmanagers_discovered',
      'The number of alertmanagers discovered and active.',
    ),
  };
}

export type NotifierMetrics = ReturnType<typeof createNotifierMetrics>;
