// SPDX-License-Identifier: Apache-2.0
// `receivers`: who is told, and how.

import type { IntegrationOptions, ReceiverOptions } from '../alertmanager/index.ts';
import { quote } from '../model/index.ts';
import { readChat, readSlack, readWebhook, readWechat } from './receiver-chats.ts';
import { readEmail } from './receiver-email.ts';
import { IntegrationReader, type ReceiverGlobals } from './receiver-fields.ts';
import {
  readIncidentio,
  readOpsgenie,
  readPagerduty,
  readPushover,
  readTelegram,
  readVictorops,
} from './receiver-pagers.ts';
import { readJira, readSns } from './receiver-queues.ts';
import { readMattermost, readRocketchat } from './receiver-team-chats.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

type ReadIntegration = (reader: IntegrationReader) => IntegrationOptions;

/** In the order in which upstream builds them. */
const integrations: readonly (readonly [key: string, read: ReadIntegration])[] = [
  ['webhook_configs', readWebhook],
  ['email_configs', readEmail],
  ['pagerduty_configs', readPagerduty],
  ['opsgenie_configs', readOpsgenie],
  ['wechat_configs', readWechat],
  ['slack_configs', readSlack],
  ['victorops_configs', readVictorops],
  ['pushover_configs', readPushover],
  ['telegram_configs', readTelegram],
  ['discord_configs', (reader) => readChat(reader, 'discord')],
  ['webex_configs', (reader) => readChat(reader, 'webex')],
  ['msteams_configs', (reader) => readChat(reader, 'msteams')],
  ['msteamsv2_configs', (reader) => readChat(reader, 'msteamsv2')],
  ['sns_configs', readSns],
  ['jira_configs', readJira],
  ['rocketchat_configs', readRocketchat],
  ['mattermost_configs', readMattermost],
  ['incidentio_configs', readIncidentio],
];

function readReceiver(value: YamlValue, globals: ReceiverGlobals): ReceiverOptions {
  const mapping = new YamlMapping(value);
  const name = mapping.text('name') ?? '';
  if (name === '') mapping.fail('missing name in receiver');
  const built = integrations.flatMap(([key, read]) =>
    mapping.items(key, `empty or null entry in ${key}`).map((item) => {
      const reader = new IntegrationReader(item, globals);
      const options = read(reader);
      reader.finish();
      return options;
    }),
  );
  const labels = Object.fromEntries(mapping.get('labels')?.textEntries() ?? []);
  mapping.finish();
  return { name, labels, integrations: built };
}

/** All receivers; names are unique. */
export function readReceivers(
  value: YamlValue | undefined,
  globals: ReceiverGlobals,
): ReceiverOptions[] {
  const receivers: ReceiverOptions[] = [];
  const taken = new Set<string>();
  for (const item of value?.items() ?? []) {
    const receiver = readReceiver(item, globals);
    if (taken.has(receiver.name))
      item.fail(`notification config name ${quote(receiver.name)} is not unique`);
    taken.add(receiver.name);
    receivers.push(receiver);
  }
  return receivers;
}
