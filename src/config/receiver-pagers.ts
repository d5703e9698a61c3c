// SPDX-License-Identifier: Apache-2.0
// Services that wake people.

import type {
  IncidentioOptions,
  OpsgenieOptions,
  PagerdutyOptions,
  PushoverOptions,
  TelegramOptions,
  VictoropsOptions,
} from '../alertmanager/index.ts';
import type { SecretSource } from '../base/index.ts';
import type { IntegrationReader } from './receiver-fields.ts';

const nothing: SecretSource = { value: '' };
const template = (name: string): string => `{{ template "${name}" . }}`;

const defaultDetails: Readonly<Record<string, string>> = {
  firing: '{{ template "pagerduty.default.instances" .Alerts.Firing }}',
  resolved: '{{ template "pagerduty.default.instances" .Alerts.Resolved }}',
  num_firing: '{{ .Alerts.Firing | len }}',
  num_resolved: '{{ .Alerts.Resolved | len }}',
};

export function readPagerduty(reader: IntegrationReader): PagerdutyOptions {
  const { mapping, globals } = reader;
  const routingKey = reader.secret('routing_key');
  const serviceKey = reader.secret('service_key');
  if (routingKey === undefined && serviceKey === undefined)
    mapping.fail('missing service or routing key in PagerDuty config');
  const client = reader.text('client', template('pagerduty.default.client'));
  return {
    type: 'pagerduty',
    ...reader.base(true),
    routingKey,
    serviceKey,
    url: reader.url('url', globals.pagerdutyUrl),
    texts: {
      client,
      clientUrl: reader.text('client_url', template('pagerduty.default.clientURL')),
      description: reader.text('description', template('pagerduty.default.description')),
      severity: reader.text('severity'),
      class: reader.text('class'),
      component: reader.text('component'),
      group: reader.text('group'),
      source: reader.text('source', client),
    },
    details: { ...defaultDetails, ...reader.map('details') },
    images: reader.list('images', (item) => ({
      src: item.text('src'),
      alt: item.text('alt'),
      href: item.text('href'),
    })),
    links: reader.list('links', (item) => ({ href: item.text('href'), text: item.text('text') })),
    timeoutMs: reader.duration('timeout'),
  };
}

const responderTypes = /^(?:team|teams|user|escalation|schedule)$/;

export function readOpsgenie(reader: IntegrationReader): OpsgenieOptions {
  const { mapping, globals } = reader;
  const key = reader.secret('api_key') ?? globals.opsgenieApiKey;
  if (key === undefined) mapping.fail('no global OpsGenie API Key set either inline or in a file');
  const url = reader.url('api_url', globals.opsgenieApiUrl);
  return {
    type: 'opsgenie',
    ...reader.base(true),
    apiKey: key ?? nothing,
    apiUrl: url.endsWith('/') ? url : `${url}/`,
    texts: {
      message: reader.text('message', template('opsgenie.default.message')),
      description: reader.text('description', template('opsgenie.default.description')),
      source: reader.text('source', template('opsgenie.default.source')),
      entity: reader.text('entity'),
      actions: reader.text('actions'),
      tags: reader.text('tags'),
      note: reader.text('note'),
      priority: reader.text('priority'),
    },
    details: reader.map('details'),
    responders: reader.list('responders', (item) => {
      const responder = {
        id: item.text('id'),
        name: item.text('name'),
        username: item.text('username'),
        type: item.text('type'),
      };
      const { id, name, username, type } = responder;
      if (id === '' && name === '' && username === '')
        item.mapping.fail(
          'opsGenieConfig responder has to have at least one of id, username or name specified',
        );
      if (!type.includes('{{') && !responderTypes.test(type.toLowerCase()))
        item.mapping.fail(
          `opsGenieConfig responder type does not match valid options: ${JSON.stringify(type)}`,
        );
      return { ...responder, type: type.includes('{{') ? type : type.toLowerCase() };
    }),
    updateAlerts: reader.boolean('update_alerts'),
  };
}

const reservedFields = [
  'routing_key',
  'message_type',
  'state_message',
  'entity_display_name',
  'monitoring_tool',
  'entity_id',
  'entity_state',
];

export function readVictorops(reader: IntegrationReader): VictoropsOptions {
  const { mapping, globals } = reader;
  const key = reader.secret('api_key') ?? globals.victoropsApiKey;
  if (key === undefined) mapping.fail('no global VictorOps API Key set');
  const routingKey = reader.text('routing_key');
  if (routingKey === '') mapping.fail('missing Routing key in VictorOps config');
  const customFields = reader.map('custom_fields');
  for (const name of Object.keys(customFields))
    if (reservedFields.includes(name))
      mapping
        .get('custom_fields')
        ?.fail(
          `victorOps config contains custom field ${name} which cannot be used as it conflicts with the fixed/static fields`,
        );
  const url = reader.url('api_url', globals.victoropsApiUrl);
  const byDefault = (name: string): string =>
    reader.text(name, template(`victorops.default.${name}`));
  return {
    type: 'victorops',
    ...reader.base(true),
    apiKey: key ?? nothing,
    apiUrl: url.endsWith('/') ? url : `${url}/`,
    texts: {
      routingKey,
      messageType: reader.text('message_type', 'CRITICAL'),
      stateMessage: byDefault('state_message'),
      entityDisplayName: byDefault('entity_display_name'),
      monitoringTool: byDefault('monitoring_tool'),
    },
    customFields,
  };
}

const parseModes = ['', 'HTML', 'Markdown', 'MarkdownV2'] as const;

export function readTelegram(reader: IntegrationReader): TelegramOptions {
  const { mapping, globals } = reader;
  const token = reader.secret('bot_token') ?? globals.telegramBotToken;
  if (token === undefined) mapping.fail('missing bot_token or bot_token_file on telegram_config');
  const chatId = reader.secret('chat_id');
  if (chatId === undefined) mapping.fail('missing chat_id or chat_id_file on telegram_config');
  else if (chatId.value !== undefined && !/^-?\d+$/.test(chatId.value))
    mapping.get('chat_id')?.fail(`chat_id must be a number, not ${JSON.stringify(chatId.value)}`);
  const mode = reader.text('parse_mode', 'HTML');
  const parseMode = parseModes.find((each) => each === mode);
  if (parseMode === undefined)
    mapping
      .get('parse_mode')
      ?.fail(
        'unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string',
      );
  return {
    type: 'telegram',
    ...reader.base(true),
    apiUrl: reader.url('api_url', globals.telegramApiUrl),
    botToken: token ?? nothing,
    chatId: chatId ?? nothing,
    messageThreadId: mapping.count('message_thread_id') ?? 0,
    message: reader.text('message', template('telegram.default.message')),
    disableNotifications: reader.boolean('disable_notifications'),
    parseMode: parseMode ?? '',
  };
}

export function readPushover(reader: IntegrationReader): PushoverOptions {
  const { mapping } = reader;
  const userKey = reader.secret('user_key');
  const token = reader.secret('token');
  if (userKey === undefined) mapping.fail('one of user_key or user_key_file must be configured');
  if (token === undefined) mapping.fail('one of token or token_file must be configured');
  const html = reader.boolean('html');
  const monospace = reader.boolean('monospace');
  if (html && monospace) mapping.fail('at most one of monospace & html must be configured');
  const byDefault = (name: string): string =>
    reader.text(name, template(`pushover.default.${name}`));
  return {
    type: 'pushover',
    ...reader.base(true),
    userKey: userKey ?? nothing,
    token: token ?? nothing,
    texts: {
      title: byDefault('title'),
      message: byDefault('message'),
      url: byDefault('url'),
      urlTitle: reader.text('url_title'),
      device: reader.text('device'),
      sound: reader.text('sound'),
      priority: reader.text('priority', '{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'),
    },
    retryMs: reader.duration('retry', 60_000),
    expireMs: reader.duration('expire', 3_600_000),
    ttlMs: reader.duration('ttl'),
    html,
    monospace,
  };
}

export function readIncidentio(reader: IntegrationReader): IncidentioOptions {
  const { mapping } = reader;
  const url = reader.secretUrl('url');
  if (url === undefined) mapping.fail('one of url or url_file must be configured');
  const token = reader.secret('alert_source_token');
  const authorizes = mapping.get('http_config')?.entries().has('authorization') === true;
  if (token === undefined && !authorizes)
    mapping.fail(
      'at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured',
    );
  if (token !== undefined && authorizes)
    mapping.fail(
      'cannot specify alert_source_token or alert_source_token_file when using http_config.authorization',
    );
  return {
    type: 'incidentio',
    ...reader.base(true),
    url: url ?? nothing,
    token,
    maxAlerts: mapping.count('max_alerts') ?? 0,
    timeoutMs: reader.duration('timeout'),
  };
}
