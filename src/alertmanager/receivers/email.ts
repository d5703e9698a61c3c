// SPDX-License-Identifier: Apache-2.0

import type { MailDelivery } from '../../base/index.ts';
import { MailError } from '../../base/index.ts';
import type { FailureReason, Integration, Notification } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { guarded, rendererFor } from './context.ts';
import { mailAddresses, mailDate, mailMessage } from './email-message.ts';
import { sha256 } from './group-hash.ts';
import type { EmailOptions } from './options.ts';

const IMPLICIT_TLS_PORT = 465;

const reasons: Readonly<Record<MailError['code'], FailureReason>> = {
  auth: 'authError',
  canceled: 'contextCanceled',
  connection: 'other',
  refused: 'clientError',
  other: 'other',
};

const secretOf = (context: ReceiverContext, source: EmailOptions['password']): string =>
  source === undefined ? '' : context.readSecret(source).trim();

/** Replies of one group's mails hang together in people's programs. */
function threadHeaders(
  options: EmailOptions,
  notification: Notification,
): (readonly [string, string])[] {
  if (options.threadBy === undefined) return [];
  const day =
    options.threadBy === 'daily'
      ? `-${new Date(notification.nowMs).toISOString().slice(0, 10)}`
      : '';
  const id = `<alert-${sha256(notification.groupKey)}${day}@alertmanager>`;
  return [
    ['References', id],
    ['In-Reply-To', id],
  ];
}

function compose(
  options: EmailOptions,
  context: ReceiverContext,
  notification: Notification,
  renderer: Renderer,
): MailDelivery {
  const [host = '', port = '25'] = /^(.*):(\d+)$/.exec(options.smarthost)?.slice(1) ?? [
    options.smarthost,
  ];
  const from = renderer.text(options.from);
  const to = renderer.text(options.to);
  const named = Object.entries(options.headers).map(
    ([name, value]) => [name, renderer.text(value)] as const,
  );
  const { nowMs } = notification;
  const unique = `${nowMs}${sha256(`${notification.groupKey}${nowMs}${to}`).slice(0, 16)}`;
  const headers: (readonly [string, string])[] = [
    ...named,
    ...threadHeaders(options, notification),
    ['Message-Id', `<${unique}@${options.hello}>`],
    ['Date', mailDate(nowMs)],
  ];
  const implicitTls = options.implicitTls ?? Number(port) === IMPLICIT_TLS_PORT;
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port),
    hello: options.hello,
    implicitTls,
    startTls: options.requireTls,
    tls: options.tls,
    username: options.username,
    password: secretOf(context, options.password),
    secret: secretOf(context, options.secret),
    from: mailAddresses(from)[0] ?? '',
    to: mailAddresses(to),
    message: mailMessage({
      headers,
      text: renderer.text(options.text),
      html: renderer.html(options.html),
      boundary: sha256(unique).slice(0, 60),
    }),
  };
}

export const createEmail = (
  options: EmailOptions,
  index: number,
  context: ReceiverContext,
): Integration => ({
  type: 'email',
  index,
  sendResolved: options.sendResolved,
  notify: (notification, signal) =>
    guarded(async () => {
      const delivery = compose(options, context, notification, rendererFor(context, notification));
      try {
        await context.mail.send(delivery, signal);
        return { ok: true };
      } catch (error) {
        if (!(error instanceof MailError)) throw error;
        return {
          ok: false,
          retry: error.retry,
          reason: reasons[error.code],
          message: error.message,
        };
      }
    }),
});
