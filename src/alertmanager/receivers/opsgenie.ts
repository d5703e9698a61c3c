// SPDX-License-Identifier: Apache-2.0

import type { Integration, Notification } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { sha256 } from './group-hash.ts';
import { jsonIntegration, type Message, some } from './json-post.ts';
import type { OpsgenieOptions } from './options.ts';
import { factsOf } from './template-data.ts';
import { truncateRunes } from './truncate.ts';

const MESSAGE_RUNES_MAX = 130;

/** As upstream: spaces after commas stay. */
const splitList = (text: string): string[] | undefined =>
  text === '' ? undefined : text.split(',');

function respondersOf(options: OpsgenieOptions, { text }: Renderer): unknown {
  const responders = options.responders.flatMap((responder): Record<string, unknown>[] => {
    const shown = {
      id: some(text(responder.id)),
      name: some(text(responder.name)),
      username: some(text(responder.username)),
      type: text(responder.type),
    };
    // `teams` names several at once.
    if (shown.type !== 'teams') return [shown];
    return (splitList(shown.name ?? '') ?? []).map((name) => ({ name: name.trim(), type: 'team' }));
  });
  return responders.length === 0 ? undefined : responders;
}

function createBody(
  options: OpsgenieOptions,
  notification: Notification,
  renderer: Renderer,
  alias: string,
): unknown {
  const { text } = renderer;
  const { texts, details } = options;
  const own = Object.entries(details).map(([key, value]) => [key, text(value)] as const);
  return {
    alias,
    message: truncateRunes(text(texts.message), MESSAGE_RUNES_MAX),
    description: some(text(texts.description)),
    details: { ...factsOf(notification).commonLabels, ...Object.fromEntries(own) },
    source: text(texts.source),
    responders: respondersOf(options, renderer),
    tags: splitList(text(texts.tags)),
    note: some(text(texts.note)),
    priority: some(text(texts.priority)),
    entity: some(text(texts.entity)),
    actions: splitList(text(texts.actions)),
  };
}

function compose(
  options: OpsgenieOptions,
  context: ReceiverContext,
  notification: Notification,
  renderer: Renderer,
): Message[] {
  const { text } = renderer;
  const key = text(context.readSecret(options.apiKey).trim());
  const base = {
    headers: { authorization: `GenieKey ${key}` },
    retryStatuses: [429],
    secrets: [key],
  };
  const alias = sha256(notification.groupKey);
  const alerts = `${text(options.apiUrl).replace(/\/*$/, '/')}v2/alerts`;
  const by = 'identifierType=alias';
  if (factsOf(notification).status === 'resolved') {
    const body = { source: text(options.texts.source) };
    return [{ ...base, url: `${alerts}/${alias}/close?${by}`, body }];
  }
  const create: Message = {
    ...base,
    url: alerts,
    body: createBody(options, notification, renderer, alias),
  };
  if (!options.updateAlerts) return [create];
  const update = (what: string, value: string): Message => ({
    ...base,
    method: 'PUT',
    url: `${alerts}/${alias}/${what}?${by}`,
    body: { [what]: value },
  });
  return [
    create,
    update('message', truncateRunes(text(options.texts.message), MESSAGE_RUNES_MAX)),
    update('description', text(options.texts.description)),
  ];
}

export const createOpsgenie = (
  options: OpsgenieOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (notification, renderer) =>
    compose(options, context, notification, renderer),
  );
