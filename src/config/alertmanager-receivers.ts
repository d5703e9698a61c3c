// SPDX-License-Identifier: Apache-2.0
// `receivers`: who is told, and how.

import type { IntegrationOptions, ReceiverOptions, WebhookOptions } from '../alertmanager/index.ts';
import type { HttpClientOptions } from '../base/index.ts';
import { quote } from '../model/index.ts';
import { readHttpClient } from './http-section.ts';
import { resolvePath } from './paths.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** What receivers take from `global` and around. */
export interface ReceiverDefaults {
  readonly directory: string;
  readonly httpClient: HttpClientOptions;
}

/** `http_config` of an integration, or the global one. */
function httpClientOf(mapping: YamlMapping, defaults: ReceiverDefaults): HttpClientOptions {
  const value = mapping.get('http_config');
  if (value === undefined) return defaults.httpClient;
  const own = new YamlMapping(value);
  const options = readHttpClient(own, defaults.directory);
  own.finish();
  return options;
}

function readWebhook(value: YamlValue, defaults: ReceiverDefaults): WebhookOptions {
  const mapping = new YamlMapping(value);
  const url = mapping.text('url') ?? '';
  const file = mapping.text('url_file') ?? '';
  if (url === '' && file === '') mapping.fail('one of url or url_file must be configured');
  if (url !== '' && file !== '') mapping.fail('at most one of url & url_file must be configured');
  if (url !== '' && !url.includes('{{') && !/^https?:\/\//i.test(url))
    mapping.get('url')?.fail(`unsupported scheme "${url.split(':')[0] ?? ''}" for URL`);
  const options: WebhookOptions = {
    type: 'webhook',
    sendResolved: mapping.boolean('send_resolved') ?? true,
    httpClient: httpClientOf(mapping, defaults),
    url: file === '' ? { value: url } : { file: resolvePath(defaults.directory, file) },
    maxAlerts: mapping.count('max_alerts') ?? 0,
    timeoutMs: mapping.duration('timeout') ?? 0,
    payload: mapping.get('payload')?.toPlain(),
  };
  mapping.finish();
  return options;
}

type ReadIntegration = (value: YamlValue, defaults: ReceiverDefaults) => IntegrationOptions;

/** In the order in which upstream builds them. */
const integrations: readonly (readonly [key: string, read: ReadIntegration])[] = [
  ['webhook_configs', readWebhook],
];

function readReceiver(value: YamlValue, defaults: ReceiverDefaults): ReceiverOptions {
  const mapping = new YamlMapping(value);
  const name = mapping.text('name') ?? '';
  if (name === '') mapping.fail('missing name in receiver');
  const built = integrations.flatMap(([key, read]) =>
    mapping.items(key, `empty or null entry in ${key}`).map((item) => read(item, defaults)),
  );
  const labels = Object.fromEntries(mapping.get('labels')?.textEntries() ?? []);
  mapping.finish();
  return { name, labels, integrations: built };
}

/** All receivers; names are unique. */
export function readReceivers(
  value: YamlValue | undefined,
  defaults: ReceiverDefaults,
): ReceiverOptions[] {
  const receivers: ReceiverOptions[] = [];
  const taken = new Set<string>();
  for (const item of value?.items() ?? []) {
    const receiver = readReceiver(item, defaults);
    if (taken.has(receiver.name))
      item.fail(`notification config name ${quote(receiver.name)} is not unique`);
    taken.add(receiver.name);
    receivers.push(receiver);
  }
  return receivers;
}
