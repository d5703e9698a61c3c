// SPDX-License-Identifier: Apache-2.0
// Chats that a team runs itself: Rocket.Chat and Mattermost.

import type { HttpResponse } from '../../base/index.ts';
import type { Integration, NotifyOutcome } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { jsonIntegration, some } from './json-post.ts';
import type { MattermostOptions, RocketchatOptions } from './options.ts';
import { truncateRunes } from './truncate.ts';

const TITLE_RUNES_MAX = 1024;
const MATTERMOST_TEXT_RUNES_MAX = 16_383;

function fieldsJson(
  fields: RocketchatOptions['fields'],
  shortFields: boolean,
  { text }: Renderer,
): unknown {
  if (fields.length === 0) return undefined;
  return fields.map((field) => ({
    title: text(field.title),
    value: text(field.value),
    short: field.short ?? shortFields,
  }));
}

/** Rocket.Chat answers 200 to what it refuses. */
function checkRocketchat(response: HttpResponse): NotifyOutcome {
  let answer: { success?: unknown; error?: unknown };
  try {
    answer = JSON.parse(new TextDecoder().decode(response.body)) as typeof answer;
  } catch {
    answer = { success: false, error: 'the answer is not JSON' };
  }
  if (answer.success !== false) return { ok: true };
  const message = `error response from Rocket.Chat: ${String(answer.error ?? 'unknown')}`;
  return { ok: false, retry: false, reason: 'clientError', message };
}

export const createRocketchat = (
  options: RocketchatOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (_, renderer) => {
    const { text } = renderer;
    const { texts, actions } = options;
    const token = context.readSecret(options.token).trim();
    const user = context.readSecret(options.tokenId).trim();
    return [
      {
        url: `${options.apiUrl.replace(/\/*$/, '/')}api/v1/chat.postMessage`,
        headers: { 'x-auth-token': token, 'x-user-id': user },
        body: {
          channel: some(text(texts.channel)),
          alias: some(text(texts.alias)),
          emoji: some(text(texts.emoji)),
          avatar: some(text(texts.iconUrl)),
          attachments: [
            {
              title: some(truncateRunes(text(texts.title), TITLE_RUNES_MAX)),
              title_link: some(text(texts.titleLink)),
              text: some(text(texts.text)),
              image_url: some(text(texts.imageUrl)),
              thumb_url: some(text(texts.thumbUrl)),
              color: some(text(texts.color)),
              fields: fieldsJson(options.fields, options.shortFields, renderer),
              actions:
                actions.length === 0
                  ? undefined
                  : actions.map((action) => ({
                      type: 'button',
                      text: text(action.text),
                      url: text(action.url),
                      msg: some(text(action.msg)),
                    })),
            },
          ],
        },
        retryStatuses: [429],
        secrets: [token, user],
        check: checkRocketchat,
      },
    ];
  });

function mattermostAttachment(options: MattermostOptions, renderer: Renderer): unknown {
  const { text } = renderer;
  const { texts } = options;
  return {
    fallback: some(text(texts.fallback)),
    color: some(text(texts.color)),
    pretext: some(text(texts.pretext)),
    author_name: some(text(texts.authorName)),
    author_link: some(text(texts.authorLink)),
    author_icon: some(text(texts.authorIcon)),
    title: some(truncateRunes(text(texts.title), TITLE_RUNES_MAX)),
    title_link: some(text(texts.titleLink)),
    text: truncateRunes(text(texts.text), MATTERMOST_TEXT_RUNES_MAX),
    fields: fieldsJson(options.fields, false, renderer),
    thumb_url: some(text(texts.thumbUrl)),
    footer: some(text(texts.footer)),
    footer_icon: some(text(texts.footerIcon)),
    image_url: some(text(texts.imageUrl)),
  };
}

export const createMattermost = (
  options: MattermostOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (_, renderer) => {
    const { text } = renderer;
    const { texts, priority } = options;
    const url = context.readSecret(options.url).trim();
    return [
      {
        url,
        body: {
          channel: some(text(texts.channel)),
          username: some(text(texts.username)),
          icon_url: some(text(texts.iconUrl)),
          icon_emoji: some(text(texts.iconEmoji)),
          type: some(text(texts.type)),
          attachments: [mattermostAttachment(options, renderer)],
          props: texts.card === '' ? undefined : { card: text(texts.card) },
          priority:
            priority === undefined
              ? undefined
              : {
                  priority: text(priority.priority),
                  requested_ack: priority.requestedAck || undefined,
                  persistent_notifications: priority.persistentNotifications || undefined,
                },
        },
        retryStatuses: [429],
        secrets: [url],
      },
    ];
  });
