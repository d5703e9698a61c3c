// SPDX-License-Identifier: Apache-2.0

import type { Integration, Notification } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { sha256 } from './group-hash.ts';
import { jsonIntegration, type Message, some } from './json-post.ts';
import type { PagerdutyOptions } from './options.ts';
import { factsOf } from './template-data.ts';
import { truncateRunes } from './truncate.ts';

const DESCRIPTION_RUNES_MAX = 1024;
const EVENT_BYTES_MAX = 512_000;
const V1_URL = 'https://events.pagerduty.com/generic/2010-04-15/create_event.json';

function detailsOf(options: PagerdutyOptions, { text }: Renderer): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options.details).map(([key, value]) => [key, text(value)]),
  );
}

/** Events API v1: an integration key of the old kind. */
function eventV1(
  options: PagerdutyOptions,
  notification: Notification,
  renderer: Renderer,
  key: string,
): Message {
  const { text } = renderer;
  const { status } = factsOf(notification);
  return {
    url: V1_URL,
    body: {
      service_key: key,
      event_type: status === 'firing' ? 'trigger' : 'resolve',
      incident_key: sha256(notification.groupKey),
      description: truncateRunes(text(options.texts.description), DESCRIPTION_RUNES_MAX),
      client: status === 'firing' ? some(text(options.texts.client)) : undefined,
      client_url: status === 'firing' ? some(text(options.texts.clientUrl)) : undefined,
      details: detailsOf(options, renderer),
    },
    // Their word for "too many requests".
    retryStatuses: [403],
    timeoutMs: options.timeoutMs,
    secrets: [key],
  };
}

function eventV2(
  options: PagerdutyOptions,
  notification: Notification,
  renderer: Renderer,
  key: string,
): Message {
  const { text } = renderer;
  const { texts, images, links } = options;
  const severity = text(texts.severity);
  const body = (details: Record<string, string>): unknown => ({
    routing_key: key,
    dedup_key: sha256(notification.groupKey),
    event_action: factsOf(notification).status === 'firing' ? 'trigger' : 'resolve',
    payload: {
      summary: truncateRunes(text(texts.description), DESCRIPTION_RUNES_MAX),
      source: text(texts.source),
      severity: severity === '' ? 'error' : severity,
      class: some(text(texts.class)),
      component: some(text(texts.component)),
      group: some(text(texts.group)),
      custom_details: details,
    },
    client: some(text(texts.client)),
    client_url: some(text(texts.clientUrl)),
    images:
      images.length === 0
        ? undefined
        : images
            .map(({ src, alt, href }) => ({ src: text(src), alt: text(alt), href: text(href) }))
            .filter(({ src }) => src !== ''),
    links:
      links.length === 0
        ? undefined
        : links
            .map((link) => ({ href: text(link.href), text: text(link.text) }))
            .filter(({ href }) => href !== ''),
  });
  let event = body(detailsOf(options, renderer));
  if (JSON.stringify(event).length > EVENT_BYTES_MAX) {
    event = body({
      error:
        'Custom details have been removed because the original event exceeds the maximum size of 512KB',
    });
  }
  return {
    url: options.url,
    body: event,
    retryStatuses: [429],
    timeoutMs: options.timeoutMs,
    secrets: [key],
  };
}

export const createPagerduty = (
  options: PagerdutyOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (notification, renderer) => {
    const { routingKey, serviceKey } = options;
    const keyOf = (source: typeof routingKey): string =>
      source === undefined ? '' : renderer.text(context.readSecret(source).trim());
    return [
      routingKey === undefined
        ? eventV1(options, notification, renderer, keyOf(serviceKey))
        : eventV2(options, notification, renderer, keyOf(routingKey)),
    ];
  });
