// SPDX-License-Identifier: Apache-2.0
// Webhooks and chats.

import type {
  ChatOptions,
  SlackAction,
  SlackOptions,
  WebhookOptions,
  WechatOptions,
} from '../alertmanager/index.ts';
import type { SecretSource } from '../base/index.ts';
import type { IntegrationReader } from './receiver-fields.ts';

const nothing: SecretSource = { value: '' };
const template = (name: string): string => `{{ template "${name}" . }}`;

export function readWebhook(reader: IntegrationReader): WebhookOptions {
  const { mapping } = reader;
  const url = reader.secret('url');
  if (url === undefined) mapping.fail('one of url or url_file must be configured');
  if (url?.value !== undefined && !url.value.includes('{{')) reader.url('url', '');
  return {
    type: 'webhook',
    ...reader.base(true),
    url: url ?? nothing,
    maxAlerts: mapping.count('max_alerts') ?? 0,
    timeoutMs: reader.duration('timeout'),
    payload: mapping.get('payload')?.toPlain(),
  };
}

function readAction(item: IntegrationReader): SlackAction {
  const { mapping } = item;
  const type = item.text('type');
  const text = item.text('text');
  if (type === '') mapping.fail('missing type in Slack action configuration');
  if (text === '') mapping.fail('missing text in Slack action configuration');
  const url = item.text('url');
  const name = item.text('name');
  if (url === '' && name === '') mapping.fail('missing name or url in Slack action configuration');
  const confirm = item.inner('confirm', (inner) => {
    const question = inner.text('text');
    if (question === '') inner.mapping.fail('missing text in Slack confirmation configuration');
    return {
      text: question,
      title: inner.text('title'),
      okText: inner.text('ok_text'),
      dismissText: inner.text('dismiss_text'),
    };
  });
  const base = { type, text, style: item.text('style') };
  // A link is no button: what a click would send is dropped, as upstream does.
  if (url !== '') return { ...base, url, name: '', value: '', confirm: undefined };
  return { ...base, url, name, value: item.text('value'), confirm };
}

/** Where Slack messages go: a webhook's URL, or the API with an app's token. */
function readSlackTarget(reader: IntegrationReader): Pick<SlackOptions, 'apiUrl' | 'appToken'> {
  const { globals, mapping } = reader;
  const ownUrl = reader.secretUrl('api_url');
  const ownToken = reader.secret('app_token');
  const appUrl = reader.url('app_url', globals.slackAppUrl);
  if (ownUrl !== undefined && ownToken !== undefined)
    mapping.fail(
      'at most one of api_url/api_url_file & app_token/app_token_file must be configured',
    );
  if (ownToken !== undefined) return { apiUrl: { value: appUrl }, appToken: ownToken };
  if (ownUrl !== undefined) return { apiUrl: ownUrl, appToken: undefined };
  if (globals.slackApiUrl !== undefined)
    return { apiUrl: globals.slackApiUrl, appToken: globals.slackAppToken };
  if (globals.slackAppToken !== undefined)
    return { apiUrl: { value: appUrl }, appToken: globals.slackAppToken };
  // An HTTP client that authenticates itself needs no token.
  if (mapping.get('http_config') === undefined)
    mapping.fail('no global Slack API URL set either inline or in a file');
  return { apiUrl: { value: appUrl }, appToken: undefined };
}

function readSlackTexts(reader: IntegrationReader): SlackOptions['texts'] {
  const byDefault = (key: string, name = key.replaceAll('_', '')): string =>
    reader.text(key, template(`slack.default.${name}`));
  return {
    channel: reader.text('channel'),
    username: byDefault('username'),
    color: byDefault('color'),
    title: byDefault('title'),
    titleLink: byDefault('title_link'),
    pretext: byDefault('pretext'),
    text: byDefault('text'),
    messageText: reader.text('message_text'),
    footer: byDefault('footer'),
    fallback: byDefault('fallback'),
    callbackId: byDefault('callback_id'),
    iconEmoji: byDefault('icon_emoji'),
    iconUrl: byDefault('icon_url'),
    imageUrl: reader.text('image_url'),
    thumbUrl: reader.text('thumb_url'),
  };
}

export function readSlack(reader: IntegrationReader): SlackOptions {
  const { mapping } = reader;
  const target = readSlackTarget(reader);
  const updateMessage = reader.boolean('update_message');
  if (updateMessage && target.appToken === undefined && mapping.get('http_config') === undefined)
    mapping.fail('update_message needs a bot token: it cannot be used with a webhook URL');
  return {
    type: 'slack',
    ...reader.base(false),
    ...target,
    texts: readSlackTexts(reader),
    fields: reader.list('fields', (item) => {
      const title = item.text('title');
      const value = item.text('value');
      if (title === '') item.mapping.fail('missing title in Slack field configuration');
      if (value === '') item.mapping.fail('missing value in Slack field configuration');
      return { title, value, short: item.mapping.boolean('short') };
    }),
    actions: reader.list('actions', readAction),
    shortFields: reader.boolean('short_fields'),
    linkNames: reader.boolean('link_names'),
    markdownIn: reader.texts('mrkdwn_in', ['fallback', 'pretext', 'text']),
    updateMessage,
    timeoutMs: reader.duration('timeout'),
  };
}

export function readWechat(reader: IntegrationReader): WechatOptions {
  const { globals, mapping } = reader;
  const messageType = reader.text('message_type', 'text');
  if (messageType !== 'text' && messageType !== 'markdown')
    mapping
      .get('message_type')
      ?.fail(`weChat message type "${messageType}" does not match valid options ^(text|markdown)$`);
  const secret = reader.secret('api_secret') ?? globals.wechatApiSecret;
  if (secret === undefined)
    mapping.fail('no global Wechat Api Secret set either inline or in a file');
  const corpId = reader.text('corp_id', globals.wechatCorpId);
  if (corpId === '') mapping.fail('no global Wechat CorpID set');
  const url = reader.url('api_url', globals.wechatApiUrl);
  const byDefault = (key: string): string => reader.text(key, template(`wechat.default.${key}`));
  return {
    type: 'wechat',
    ...reader.base(false),
    apiUrl: url.endsWith('/') ? url : `${url}/`,
    apiSecret: secret ?? nothing,
    messageType: messageType === 'markdown' ? 'markdown' : 'text',
    texts: {
      corpId,
      message: byDefault('message'),
      toUser: byDefault('to_user'),
      toParty: byDefault('to_party'),
      toTag: byDefault('to_tag'),
      agentId: byDefault('agent_id'),
    },
  };
}

/** The URL of a chat, with upstream's complaint when there is none. */
function chatUrl(reader: IntegrationReader, type: ChatOptions['type']): SecretSource {
  const { mapping, globals } = reader;
  if (type === 'webex') {
    const http = mapping.get('http_config');
    if (http?.entries().has('authorization') !== true)
      mapping.fail('missing webex_configs.http_config.authorization');
    return { value: reader.url('api_url', globals.webexApiUrl) };
  }
  const url = reader.secretUrl('webhook_url');
  if (url === undefined) {
    mapping.fail(`no ${type} webhook URL or URLFile provided`);
  }
  return url ?? nothing;
}

export function readChat(reader: IntegrationReader, type: ChatOptions['type']): ChatOptions {
  const url = chatUrl(reader, type);
  const isTeams = type === 'msteams' || type === 'msteamsv2';
  const textKey = isTeams ? 'text' : 'message';
  const roomId = type === 'webex' ? reader.text('room_id') : '';
  if (type === 'webex' && roomId === '') reader.mapping.fail('missing room_id on webex_config');
  const own = (wanted: boolean, key: string, absent = ''): string =>
    wanted ? reader.text(key, absent) : '';
  const isDiscord = type === 'discord';
  return {
    type,
    ...reader.base(true),
    url,
    texts: {
      title: own(type !== 'webex', 'title', template(`${type}.default.title`)),
      summary: own(type === 'msteams', 'summary', template('msteams.default.summary')),
      text: reader.text(textKey, template(`${type}.default.${textKey}`)),
      content: own(isDiscord, 'content', template('discord.default.content')),
      username: own(isDiscord, 'username'),
      avatarUrl: own(isDiscord, 'avatar_url'),
      roomId,
    },
  };
}
