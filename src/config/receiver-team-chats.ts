// SPDX-License-Identifier: Apache-2.0
// Rocket.Chat and Mattermost.

import type {
  AttachmentField,
  MattermostOptions,
  RocketchatOptions,
} from '../alertmanager/index.ts';
import type { SecretSource } from '../base/index.ts';
import type { IntegrationReader } from './receiver-fields.ts';

const nothing: SecretSource = { value: '' };
const template = (name: string): string => `{{ template "${name}" . }}`;

function readFields(reader: IntegrationReader, service: string): AttachmentField[] {
  return reader.list('fields', (item) => {
    const title = item.text('title');
    const value = item.text('value');
    if (title === '') item.mapping.fail(`missing title in ${service} field configuration`);
    if (value === '') item.mapping.fail(`missing value in ${service} field configuration`);
    return { title, value, short: item.mapping.boolean('short') };
  });
}

export function readRocketchat(reader: IntegrationReader): RocketchatOptions {
  const { mapping, globals } = reader;
  const token = reader.secret('token') ?? globals.rocketchatToken;
  const tokenId = reader.secret('token_id') ?? globals.rocketchatTokenId;
  if (token === undefined)
    mapping.fail('no global Rocketchat Token set either inline or in a file');
  if (tokenId === undefined)
    mapping.fail('no global Rocketchat TokenID set either inline or in a file');
  const byDefault = (key: string, name = key.replaceAll('_', '')): string =>
    reader.text(key, template(`rocketchat.default.${name}`));
  return {
    type: 'rocketchat',
    ...reader.base(false),
    apiUrl: reader.url('api_url', globals.rocketchatApiUrl),
    token: token ?? nothing,
    tokenId: tokenId ?? nothing,
    texts: {
      channel: reader.text('channel'),
      alias: template('rocketchat.default.alias'),
      color: reader.text('color', '{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'),
      title: byDefault('title'),
      titleLink: byDefault('title_link'),
      text: byDefault('text'),
      emoji: byDefault('emoji'),
      iconUrl: byDefault('icon_url'),
      imageUrl: reader.text('image_url'),
      thumbUrl: reader.text('thumb_url'),
    },
    fields: readFields(reader, 'Rocketchat'),
    shortFields: reader.boolean('short_fields'),
    actions: reader.list('actions', (item) => {
      item.text('type');
      return { text: item.text('text'), url: item.text('url'), msg: item.text('msg') };
    }),
    linkNames: reader.boolean('link_names'),
  };
}

const priorities = /^(?:urgent|important|standard)$/;

export function readMattermost(reader: IntegrationReader): MattermostOptions {
  const { mapping, globals } = reader;
  const url = reader.secretUrl('webhook_url') ?? globals.mattermostWebhookUrl;
  if (url === undefined)
    mapping.fail('no global Mattermost Webhook URL set either inline or in a file');
  reader.list('attachments', (item) => item.text('text'));
  const byDefault = (key: string, name = key.replaceAll('_', '')): string =>
    reader.text(key, template(`mattermost.default.${name}`));
  return {
    type: 'mattermost',
    ...reader.base(true),
    url: url ?? nothing,
    texts: {
      channel: reader.text('channel'),
      username: byDefault('username'),
      text: byDefault('text'),
      fallback: byDefault('fallback'),
      color: byDefault('color'),
      pretext: reader.text('pretext'),
      authorName: reader.text('author_name'),
      authorLink: reader.text('author_link'),
      authorIcon: reader.text('author_icon'),
      title: byDefault('title'),
      titleLink: byDefault('title_link'),
      thumbUrl: reader.text('thumb_url'),
      footer: reader.text('footer'),
      footerIcon: reader.text('footer_icon'),
      imageUrl: reader.text('image_url'),
      iconUrl: reader.text('icon_url'),
      iconEmoji: reader.text('icon_emoji'),
      type: reader.text('type'),
      card: reader.inner('props', (item) => item.text('card')) ?? '',
    },
    fields: readFields(reader, 'Mattermost'),
    priority: reader.inner('priority', (item) => {
      const priority = item.text('priority');
      if (!priority.includes('{{') && !priorities.test(priority))
        item.mapping.fail(
          `unknown priority ${JSON.stringify(priority)}: urgent, important or standard`,
        );
      return {
        priority,
        requestedAck: item.boolean('requested_ack'),
        persistentNotifications: item.boolean('persistent_notifications'),
      };
    }),
  };
}
