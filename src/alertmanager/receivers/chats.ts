// SPDX-License-Identifier: Apache-2.0
// Chats that take a title and a text at one URL: Discord, Microsoft Teams (both kinds), Webex.

import type { Integration, Notification } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { jsonIntegration, some } from './json-post.ts';
import type { ChatOptions } from './options.ts';
import { factsOf } from './template-data.ts';
import { truncateBytes, truncateRunes } from './truncate.ts';

const WEBEX_BYTES_MAX = 7439;

type Body = (options: ChatOptions, notification: Notification, renderer: Renderer) => unknown;

const discord: Body = ({ texts }, notification, { text }) => ({
  content: truncateRunes(text(texts.content), 2000),
  embeds: [
    {
      title: truncateRunes(text(texts.title), 256),
      description: truncateRunes(text(texts.text), 4096),
      color: factsOf(notification).status === 'firing' ? 0x992d22 : 0x2ecc71,
    },
  ],
  username: some(text(texts.username)),
  avatar_url: some(text(texts.avatarUrl)),
});

const teams: Body = ({ texts }, notification, { text }) => ({
  '@context': 'http://schema.org/extensions',
  type: 'MessageCard',
  title: text(texts.title),
  summary: text(texts.summary),
  text: text(texts.text),
  themeColor: factsOf(notification).status === 'firing' ? '8C1A1A' : '2DC72D',
});

const teamsV2: Body = ({ texts }, notification, { text }) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.2',
        body: [
          {
            type: 'TextBlock',
            text: text(texts.title),
            weight: 'Bolder',
            size: 'Medium',
            wrap: true,
            style: 'heading',
            color: factsOf(notification).status === 'firing' ? 'Attention' : 'Good',
          },
          { type: 'TextBlock', text: text(texts.text), wrap: true },
        ],
        msteams: { width: 'full' },
      },
    },
  ],
});

const webex: Body = ({ texts }, _, { text }) => ({
  markdown: truncateBytes(text(texts.text), WEBEX_BYTES_MAX),
  roomId: text(texts.roomId),
});

const bodies: Readonly<Record<ChatOptions['type'], Body>> = {
  discord,
  msteams: teams,
  msteamsv2: teamsV2,
  webex,
};

export const createChat = (
  options: ChatOptions,
  index: number,
  context: ReceiverContext,
): Integration =>
  jsonIntegration(options, index, context, (notification, renderer) => {
    const url = context.readSecret(options.url).trim();
    const body = bodies[options.type](options, notification, renderer);
    return [{ url, body, retryStatuses: [429], secrets: options.type === 'webex' ? [] : [url] }];
  });
