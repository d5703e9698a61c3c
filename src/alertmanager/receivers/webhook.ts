// SPDX-License-Identifier: Apache-2.0
// A POST of JSON to whoever wants it.

import { parse as parseYaml } from 'yaml';
import type { HttpClient } from '../../base/index.ts';
import { labelsToObject } from '../../model/index.ts';
import type { Alert } from '../alert.ts';
import type { Integration, Notification } from '../notify/integration.ts';
import { NO_END_MS } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { guarded, rendererFor } from './context.ts';
import type { WebhookOptions } from './options.ts';
import { send } from './sender.ts';
import { factsOf, sortedTexts } from './template-data.ts';

/** RFC 3339 as Go's JSON has it: no trailing zeros, Go's zero time for what has not ended. */
export const jsonTime = (ms: number): string =>
  ms === NO_END_MS ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');

/** An alert as webhook bodies show it. */
export const alertJson = (alert: Alert): unknown => ({
  status: alert.endsAtMs === NO_END_MS ? 'firing' : 'resolved',
  labels: labelsToObject(alert.labels),
  annotations: sortedTexts(alert.annotations),
  startsAt: jsonTime(alert.startsAtMs),
  endsAt: jsonTime(alert.endsAtMs),
  generatorURL: alert.generatorUrl,
  fingerprint: alert.fingerprint,
});

function defaultBody(notification: Notification, maxAlerts: number, externalUrl: string): unknown {
  const { alerts } = notification;
  const shown = maxAlerts > 0 ? alerts.slice(0, maxAlerts) : alerts;
  // As upstream: what the alerts have in common is that of those that are shown.
  const facts = factsOf({ ...notification, alerts: shown });
  return {
    receiver: notification.receiver,
    status: facts.status,
    alerts: shown.map(alertJson),
    notification_reason: notification.reason,
    groupLabels: sortedTexts(facts.groupLabels),
    commonLabels: sortedTexts(facts.commonLabels),
    commonAnnotations: sortedTexts(facts.commonAnnotations),
    routeLabels: sortedTexts(notification.routeLabels),
    externalURL: externalUrl,
    version: '4',
    groupKey: notification.groupKey,
    truncatedAlerts: alerts.length - shown.length,
  };
}

/** Texts of a configured payload are templates; what comes out as YAML of another type becomes that. */
export function renderedPayload(value: unknown, renderer: Renderer): unknown {
  if (typeof value === 'string') {
    const text = renderer.text(value);
    if (!value.includes('{{')) return text;
    try {
      const parsed: unknown = parseYaml(text);
      return typeof parsed === 'string' || parsed === null ? text : parsed;
    } catch {
      return text;
    }
  }
  if (Array.isArray(value)) return value.map((item) => renderedPayload(item, renderer));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      renderer.text(key),
      renderedPayload(item, renderer),
    ]),
  );
}

export function createWebhook(
  options: WebhookOptions,
  index: number,
  context: ReceiverContext,
): Integration {
  const client: HttpClient = context.createHttpClient(options.httpClient);
  return {
    type: 'webhook',
    index,
    sendResolved: options.sendResolved,
    notify: (notification, signal) =>
      guarded(async () => {
        const renderer = rendererFor(context, notification);
        const url = renderer.text(context.readSecret(options.url).trim());
        const body =
          options.payload === undefined
            ? defaultBody(notification, options.maxAlerts, context.externalUrl)
            : renderedPayload(options.payload, renderer);
        const headers = { 'content-type': 'application/json', 'user-agent': context.userAgent };
        const request = {
          method: 'POST',
          url,
          headers,
          body: `${JSON.stringify(body)}\n`,
        } as const;
        const sendOptions = { timeoutMs: options.timeoutMs, secrets: [url] };
        const sent = await send(client, request, signal, sendOptions);
        return sent.ok ? { ok: true } : sent.outcome;
      }),
  };
}
