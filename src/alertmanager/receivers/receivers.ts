// SPDX-License-Identifier: Apache-2.0
// From options to integrations.

import type { Integration, Receiver } from '../notify/integration.ts';
import type { ReceiverContext } from './context.ts';
import { createChat } from './chats.ts';
import { createEmail } from './email.ts';
import { createOpsgenie } from './opsgenie.ts';
import { createJira } from './jira.ts';
import type { IntegrationOptions, ReceiverOptions } from './options.ts';
import { createPagerduty } from './pagerduty.ts';
import {
  createIncidentio,
  createPushover,
  createTelegram,
  createVictorops,
  createWechat,
} from './pagers.ts';
import { createSns } from './sns.ts';
import { createSlack } from './slack.ts';
import { createMattermost, createRocketchat } from './team-chats.ts';
import { createWebhook } from './webhook.ts';

function createIntegration(
  options: IntegrationOptions,
  index: number,
  context: ReceiverContext,
): Integration {
  switch (options.type) {
    case 'webhook':
      return createWebhook(options, index, context);
    case 'email':
      return createEmail(options, index, context);
    case 'slack':
      return createSlack(options, index, context);
    case 'pagerduty':
      return createPagerduty(options, index, context);
    case 'opsgenie':
      return createOpsgenie(options, index, context);
    case 'victorops':
      return createVictorops(options, index, context);
    case 'telegram':
      return createTelegram(options, index, context);
    case 'pushover':
      return createPushover(options, index, context);
    case 'wechat':
      return createWechat(options, index, context);
    case 'incidentio':
      return createIncidentio(options, index, context);
    case 'rocketchat':
      return createRocketchat(options, index, context);
    case 'mattermost':
      return createMattermost(options, index, context);
    case 'jira':
      return createJira(options, index, context);
    case 'sns':
      return createSns(options, index, context);
    default:
      return createChat(options, index, context);
  }
}

/** The receivers by name; those that no route names are left out by the caller. */
export function createReceivers(
  options: readonly ReceiverOptions[],
  context: ReceiverContext,
): ReadonlyMap<string, Receiver> {
  return new Map(
    options.map(({ name, labels, integrations }) => {
      const counts = new Map<string, number>();
      const built = integrations.map((each) => {
        const index = counts.get(each.type) ?? 0;
        counts.set(each.type, index + 1);
        return createIntegration(each, index, context);
      });
      return [name, { name, labels, integrations: built }] as const;
    }),
  );
}
