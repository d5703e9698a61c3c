// SPDX-License-Identifier: Apache-2.0
// Services that wake people with one message: VictorOps, Telegram, Pushover, WeChat, incident.io.

import type { HttpClient, HttpResponse } from '../../base/index.ts';
import type { Integration, Notification, NotifyOutcome } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { guarded, rendererFor } from './context.ts';
import { sha256 } from './group-hash.ts';
import { jsonIntegration, type Message, post, some } from './json-post.ts';
import type {
  IncidentioOptions,
  PushoverOptions,
  TelegramOptions,
  VictoropsOptions,
  WechatOptions,
} from './options.ts';
import { send } from './sender.ts';
import { factsOf, sortedTexts } from './template-data.ts';
import { truncateRunes } from './truncate.ts';
import { alertJson } from './webhook.ts';

const VICTOROPS_MESSAGE_RUNES_MAX = 20_480;
const TELEGRAM_RUNES_MAX = 4096;
const PUSHOVER_URL = 'https://api.pushover.net/1/messages.json';
const INCIDENT_BYTES_MAX = 512 * 1024;
/** How long a WeChat token is used. */
const WECHAT_TOKEN_MS = 2 * 3_600_000;
const WECHAT_TOKEN_EXPIRED = 42_001;

export const createVictorops = (
  options: VictoropsOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (notification, { text }) => {
    const { texts, customFields } = options;
    const key = context.readSecret(options.apiKey).trim();
    const firing = factsOf(notification).status === 'firing';
    const custom = Object.entries(customFields).map(
      ([name, value]) => [name, text(value)] as const,
    );
    return [
      {
        url: `${options.apiUrl}${key}/${text(texts.routingKey)}`,
        body: {
          message_type: firing ? text(texts.messageType) : 'RECOVERY',
          entity_id: sha256(notification.groupKey),
          entity_display_name: text(texts.entityDisplayName),
          state_message: truncateRunes(text(texts.stateMessage), VICTOROPS_MESSAGE_RUNES_MAX),
          monitoring_tool: text(texts.monitoringTool),
          ...Object.fromEntries(custom),
        },
        secrets: [key],
      },
    ];
  });

/** Telegram refuses half a tag, so a message in HTML that is too long cannot simply be cut. */
function telegramText(options: TelegramOptions, renderer: Renderer): string {
  const isHtml = options.parseMode === 'HTML';
  const text = isHtml ? renderer.html(options.message) : renderer.text(options.message);
  if ([...text].length <= TELEGRAM_RUNES_MAX) return text;
  return isHtml
    ? 'The message is too long for Telegram: see Alertmanager for the alerts.'
    : truncateRunes(text, TELEGRAM_RUNES_MAX);
}

export const createTelegram = (
  options: TelegramOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (_, renderer) => {
    const token = context.readSecret(options.botToken).trim();
    return [
      {
        url: `${options.apiUrl.replace(/\/+$/, '')}/bot${token}/sendMessage`,
        body: {
          chat_id: context.readSecret(options.chatId).trim(),
          text: telegramText(options, renderer),
          parse_mode: some(options.parseMode),
          disable_web_page_preview: 'true',
          disable_notification: options.disableNotifications ? 'true' : undefined,
          message_thread_id:
            options.messageThreadId === 0 ? undefined : String(options.messageThreadId),
        },
        // Whatever it is, it is worth another try.
        retryStatuses: [400, 401, 403, 404, 429],
        secrets: [token],
      },
    ];
  });

function pushoverParameters(
  options: PushoverOptions,
  context: ReceiverContext,
  renderer: Renderer,
): URLSearchParams {
  const { texts } = options;
  const { text } = renderer;
  const body = options.html ? renderer.html(texts.message) : text(texts.message);
  const message = truncateRunes(body.trim(), 1024);
  const params = new URLSearchParams({
    token: text(context.readSecret(options.token).trim()),
    user: text(context.readSecret(options.userKey).trim()),
    title: truncateRunes(text(texts.title), 250),
    message: message === '' ? '(no details)' : message,
    url: truncateRunes(text(texts.url), 512),
    url_title: text(texts.urlTitle),
    priority: text(texts.priority),
    retry: String(Math.trunc(options.retryMs / 1000)),
    expire: String(Math.trunc(options.expireMs / 1000)),
    device: text(texts.device),
    sound: text(texts.sound),
  });
  if (options.html) params.set('html', '1');
  if (options.monospace) params.set('monospace', '1');
  if (options.ttlMs > 0) params.set('ttl', String(Math.trunc(options.ttlMs / 1000)));
  return params;
}

export const createPushover = (
  options: PushoverOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (_, renderer) => {
    const params = pushoverParameters(options, context, renderer);
    const secrets = [params.get('token') ?? '', params.get('user') ?? ''];
    const headers = { 'content-type': 'text/plain' };
    return [{ url: `${PUSHOVER_URL}?${params}`, headers, body: undefined, secrets }];
  });

interface WechatAnswer {
  readonly errcode?: number;
  readonly errmsg?: string;
  readonly access_token?: string;
}

function wechatAnswer(response: HttpResponse): WechatAnswer {
  try {
    return JSON.parse(new TextDecoder().decode(response.body)) as WechatAnswer;
  } catch {
    return { errcode: -1, errmsg: 'the answer is not JSON' };
  }
}

/** WeChat: a token is fetched with the secret and used for a while. */
class Wechat implements Integration {
  readonly type = 'wechat';
  readonly index: number;
  readonly sendResolved: boolean;
  private readonly options: WechatOptions;
  private readonly context: ReceiverContext;
  private readonly client: HttpClient;
  private token = '';
  private tokenUntilMs = 0;

  constructor(options: WechatOptions, index: number, context: ReceiverContext) {
    this.options = options;
    this.index = index;
    this.sendResolved = options.sendResolved;
    this.context = context;
    this.client = context.createHttpClient(options.httpClient);
  }

  notify(notification: Notification, signal: AbortSignal): Promise<NotifyOutcome> {
    return guarded(async () => {
      const renderer = rendererFor(this.context, notification);
      const failed = await this.refresh(renderer, signal);
      if (failed !== undefined) return failed;
      return post(this.client, this.message(renderer), this.context, signal);
    });
  }

  private async refresh(
    { text }: Renderer,
    signal: AbortSignal,
  ): Promise<NotifyOutcome | undefined> {
    const now = this.context.clock.now();
    if (this.token !== '' && now < this.tokenUntilMs) return undefined;
    const secret = text(this.context.readSecret(this.options.apiSecret).trim());
    const params = new URLSearchParams({
      corpid: text(this.options.texts.corpId),
      corpsecret: secret,
    });
    const headers = { 'user-agent': this.context.userAgent };
    const url = `${this.options.apiUrl}gettoken?${params}`;
    const sent = await send(this.client, { method: 'GET', url, headers }, signal, {
      secrets: [secret],
    });
    if (!sent.ok) return sent.outcome;
    const { access_token: token = '', errmsg = '' } = wechatAnswer(sent.response);
    if (token === '')
      return {
        ok: false,
        retry: false,
        reason: 'authError',
        message: `invalid APISecret for CorpID: ${errmsg}`,
      };
    this.token = token;
    this.tokenUntilMs = now + WECHAT_TOKEN_MS;
    return undefined;
  }

  private message({ text }: Renderer): Message {
    const { texts, messageType } = this.options;
    return {
      url: `${this.options.apiUrl}message/send?access_token=${encodeURIComponent(this.token)}`,
      body: {
        text: { content: messageType === 'text' ? text(texts.message) : '' },
        markdown: { content: messageType === 'markdown' ? text(texts.message) : '' },
        touser: some(text(texts.toUser)),
        toparty: some(text(texts.toParty)),
        totag: some(text(texts.toTag)),
        agentid: some(text(texts.agentId)),
        safe: '0',
        msgtype: messageType,
      },
      secrets: [this.token],
      check: (response) => {
        const { errcode = 0, errmsg = '' } = wechatAnswer(response);
        if (errcode === 0) return { ok: true };
        // The token is old: a new one with the next try.
        if (errcode === WECHAT_TOKEN_EXPIRED) this.token = '';
        const retry = errcode === WECHAT_TOKEN_EXPIRED;
        return { ok: false, retry, reason: 'clientError', message: errmsg };
      },
    };
  }
}

export const createWechat = (
  options: WechatOptions,
  index: number,
  context: ReceiverContext,
): Integration => new Wechat(options, index, context);

export const createIncidentio = (
  options: IncidentioOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (notification) => {
    const { alerts } = notification;
    const body = (count: number): unknown => {
      const shown = alerts.slice(0, count);
      const facts = factsOf({ ...notification, alerts: shown });
      return {
        receiver: notification.receiver,
        status: facts.status,
        alerts: shown.map(alertJson),
        groupLabels: sortedTexts(facts.groupLabels),
        commonLabels: sortedTexts(facts.commonLabels),
        commonAnnotations: sortedTexts(facts.commonAnnotations),
        externalURL: context.externalUrl,
        version: '1',
        groupKey: notification.groupKey,
        truncatedAlerts: alerts.length - shown.length,
      };
    };
    const all = body(options.maxAlerts > 0 ? options.maxAlerts : alerts.length);
    const fits = JSON.stringify(all).length <= INCIDENT_BYTES_MAX;
    const token = options.token === undefined ? '' : context.readSecret(options.token).trim();
    return [
      {
        url: context.readSecret(options.url).trim(),
        headers: token === '' ? {} : { authorization: `Bearer ${token}` },
        body: fits ? all : body(1),
        retryStatuses: [429],
        timeoutMs: options.timeoutMs,
        secrets: [token],
      },
    ];
  });
