// SPDX-License-Identifier: Apache-2.0
// Amazon SNS: a message to a topic, a phone or an endpoint.

import type { Integration, Notification, NotifyOutcome } from '../notify/integration.ts';
import { askAws, awsUrl, CredentialSource } from './aws-credentials.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { guarded, rendererFor } from './context.ts';
import { sha256 } from './group-hash.ts';
import type { SnsOptions } from './options.ts';

const MESSAGE_BYTES_MAX = 256 * 1024;
const SMS_BYTES_MAX = 1600;

/** At most `max` bytes, no character cut in two. */
function cutBytes(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text;
  let end = max;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}

/** The parameters of `Publish`. */
function publishParams(
  options: SnsOptions,
  notification: Notification,
  { text }: Renderer,
): URLSearchParams {
  const { texts } = options;
  const params = new URLSearchParams({ Action: 'Publish', Version: '2010-03-31' });
  const set = (name: string, value: string): void => {
    if (value !== '') params.set(name, value);
  };
  const topic = text(texts.topicArn);
  set('TopicArn', topic);
  if (topic.endsWith('.fifo')) {
    const hash = sha256(notification.groupKey);
    params.set('MessageGroupId', hash);
    params.set('MessageDeduplicationId', hash);
  }
  set('PhoneNumber', text(texts.phoneNumber));
  set('TargetArn', text(texts.targetArn));
  const whole = text(texts.message);
  const message = cutBytes(whole, texts.phoneNumber === '' ? MESSAGE_BYTES_MAX : SMS_BYTES_MAX);
  params.set('Message', message);
  set('Subject', text(texts.subject));
  const attributes = new Map(
    Object.entries(options.attributes).map(([name, value]) => [text(name), text(value)]),
  );
  if (message !== whole) attributes.set('truncated', 'true');
  [...attributes].forEach(([name, value], i) => {
    const entry = `MessageAttributes.entry.${i + 1}`;
    params.set(`${entry}.Name`, name);
    params.set(`${entry}.Value.DataType`, 'String');
    params.set(`${entry}.Value.StringValue`, value);
  });
  return params;
}

/** Publishes one message for each notification. */
export function createSns(
  options: SnsOptions,
  index: number,
  context: ReceiverContext,
): Integration {
  const client = context.createHttpClient(options.httpClient);
  const source = new CredentialSource(options.sigv4, client, context);
  const publish = async (
    notification: Notification,
    signal: AbortSignal,
  ): Promise<NotifyOutcome> => {
    const renderer = rendererFor(context, notification);
    const region = source.region();
    const url = renderer.text(options.texts.apiUrl) || awsUrl('sns', region);
    const params = publishParams(options, notification, renderer);
    const found = await source.credentials(signal);
    if (!found.ok) return found.outcome;
    const scope = { credentials: found.credentials, region, service: 'sns' };
    const answer = await askAws(client, { url, params }, scope, context, signal);
    return answer.ok ? { ok: true } : answer.outcome;
  };
  return {
    type: options.type,
    index,
    sendResolved: options.sendResolved,
    notify: (notification, signal) => guarded(() => publish(notification, signal)),
  };
}
