// SPDX-License-Identifier: Apache-2.0

import type { HttpResponse } from '../../base/index.ts';
import type { Integration, Notification, NotifyOutcome } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { jsonIntegration, type Message, some } from './json-post.ts';
import type { SlackAction, SlackOptions } from './options.ts';
import { truncateRunes } from './truncate.ts';

const TITLE_RUNES_MAX = 1024;
const UPDATE_METHOD = 'chat.update';

function actionJson(action: SlackAction, { text }: Renderer): unknown {
  const { confirm } = action;
  return {
    type: text(action.type),
    text: text(action.text),
    url: some(text(action.url)),
    style: some(text(action.style)),
    name: some(text(action.name)),
    value: some(text(action.value)),
    confirm:
      confirm === undefined
        ? undefined
        : {
            title: some(text(confirm.title)),
            text: text(confirm.text),
            ok_text: some(text(confirm.okText)),
            dismiss_text: some(text(confirm.dismissText)),
          },
  };
}

function attachment(options: SlackOptions, renderer: Renderer): unknown {
  const { text } = renderer;
  const { texts, fields, actions, shortFields, markdownIn } = options;
  return {
    title: some(truncateRunes(text(texts.title), TITLE_RUNES_MAX)),
    title_link: some(text(texts.titleLink)),
    pretext: some(text(texts.pretext)),
    text: text(texts.text),
    fallback: text(texts.fallback),
    callback_id: text(texts.callbackId),
    fields:
      fields.length === 0
        ? undefined
        : fields.map((field) => ({
            title: text(field.title),
            value: text(field.value),
            short: field.short ?? shortFields,
          })),
    actions:
      actions.length === 0 ? undefined : actions.map((action) => actionJson(action, renderer)),
    image_url: some(text(texts.imageUrl)),
    thumb_url: some(text(texts.thumbUrl)),
    footer: text(texts.footer),
    color: some(text(texts.color)),
    mrkdwn_in: markdownIn.length === 0 ? undefined : markdownIn,
  };
}

const refused = (message: string): NotifyOutcome => ({
  ok: false,
  retry: false,
  reason: 'clientError',
  message,
});

/** Slack answers 200 to what it does not take: as text, or as JSON with `ok: false`. */
function checkAnswer(response: HttpResponse, notification: Notification): NotifyOutcome {
  const text = new TextDecoder().decode(response.body).trim();
  if (!(response.headers['content-type'] ?? '').startsWith('application/json'))
    return text === '' || text === 'ok'
      ? { ok: true }
      : refused(`received an error response from Slack: ${text}`);
  let answer: { ok?: unknown; error?: unknown; ts?: unknown; channel?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    return refused(`could not unmarshal JSON response ${JSON.stringify(text)}`);
  }
  if (answer.ok === false)
    return refused(`error response from Slack: ${String(answer.error ?? 'unknown')}`);
  if (typeof answer.ts === 'string') notification.receiverData.set('threadTs', answer.ts);
  if (typeof answer.channel === 'string')
    notification.receiverData.set('channelId', answer.channel);
  return { ok: true };
}

function compose(
  options: SlackOptions,
  context: ReceiverContext,
  notification: Notification,
  renderer: Renderer,
): Message {
  const { texts, updateMessage, appToken } = options;
  const { text } = renderer;
  const posted = updateMessage ? notification.receiverData.get('threadTs') : undefined;
  const channel = updateMessage ? notification.receiverData.get('channelId') : undefined;
  const apiUrl = context.readSecret(options.apiUrl).trim();
  const url = posted === undefined ? apiUrl : apiUrl.replace(/chat\.postMessage$/, UPDATE_METHOD);
  const token = appToken === undefined ? '' : context.readSecret(appToken).trim();
  return {
    url,
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    body: {
      channel: some(String(channel ?? text(texts.channel))),
      ts: posted,
      username: some(text(texts.username)),
      icon_emoji: some(text(texts.iconEmoji)),
      icon_url: some(text(texts.iconUrl)),
      link_names: options.linkNames || undefined,
      text: some(text(texts.messageText)),
      attachments: [attachment(options, renderer)],
    },
    retryStatuses: [429],
    timeoutMs: options.timeoutMs,
    secrets: [url, token],
    check: (response) => checkAnswer(response, notification),
  };
}

export const createSlack = (
  options: SlackOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (notification, renderer) => [
    compose(options, context, notification, renderer),
  ]);
