// SPDX-License-Identifier: Apache-2.0
// An integration that sends one JSON document for each notification.

import type { HttpClient, HttpResponse } from '../../base/index.ts';
import type { Integration, Notification, NotifyOutcome } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { guarded, rendererFor } from './context.ts';
import type { IntegrationOptions } from './options.ts';
import { type SendOptions, send } from './sender.ts';

/** What is to be sent. */
export interface Message extends SendOptions {
  readonly method?: 'POST' | 'PUT' | 'GET';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Undefined: no body. */
  readonly body: unknown;
  /** Looks at an answer of 2xx; upstream services say "no" in many ways. */
  readonly check?: (response: HttpResponse) => NotifyOutcome;
}

const ok: NotifyOutcome = { ok: true };

/** Sends one message with an integration's client. */
export async function post(
  client: HttpClient,
  message: Message,
  context: ReceiverContext,
  signal: AbortSignal,
): Promise<NotifyOutcome> {
  const { method = 'POST', url, headers, body, check } = message;
  const request = {
    method,
    url,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      'user-agent': context.userAgent,
      ...headers,
    },
    ...(body === undefined ? {} : { body: `${JSON.stringify(body)}\n` }),
  };
  const sent = await send(client, request, signal, message);
  if (!sent.ok) return sent.outcome;
  return check?.(sent.response) ?? ok;
}

/** An integration whose notifications are the messages that `compose` makes, sent one after the other. */
export function jsonIntegration(
  options: IntegrationOptions,
  index: number,
  context: ReceiverContext,
  compose: (notification: Notification, renderer: Renderer) => readonly Message[],
): Integration {
  const client = context.createHttpClient(options.httpClient);
  return {
    type: options.type,
    index,
    sendResolved: options.sendResolved,
    notify: (notification, signal) =>
      guarded(async () => {
        const messages = compose(notification, rendererFor(context, notification));
        for (const message of messages) {
          const outcome = await post(client, message, context, signal);
          if (!outcome.ok) return outcome;
        }
        return ok;
      }),
  };
}

/** `''` → undefined, so that JSON leaves it out as Go's `omitempty` does. */
export const some = (text: string): string | undefined => (text === '' ? undefined : text);
