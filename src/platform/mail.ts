// SPDX-License-Identifier: Apache-2.0
// Mail over SMTP: the dialogue is nodemailer's, loaded only when there is something to send.

import type { MailDelivery, MailErrorCode, MailSender } from '../base/index.ts';
import { MailError } from '../base/index.ts';
import { SecretFiles } from './http-secrets.ts';
import { tlsConnectOptions } from './http-tls.ts';

const CONNECT_TIMEOUT_MS = 30_000;
const SOCKET_TIMEOUT_MS = 60_000;

interface SmtpFailure {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** 4xx means "later", 5xx "never"; without an answer the way was the trouble. */
function asMailError(error: unknown): MailError {
  const { code = '', responseCode = 0 } = error as SmtpFailure;
  const message = error instanceof Error ? error.message : String(error);
  const kind: MailErrorCode =
    code === 'EAUTH'
      ? 'auth'
      : responseCode >= 400
        ? 'refused'
        : ['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EDNS', 'ECONNREFUSED', 'ETLS'].includes(code)
          ? 'connection'
          : 'other';
  const retry = kind === 'connection' || (responseCode >= 400 && responseCode < 500);
  return new MailError(kind, retry, message, { cause: error });
}

async function deliver(delivery: MailDelivery, signal: AbortSignal): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const { username, password, secret } = delivery;
  const auth =
    username === ''
      ? {}
      : password === '' && secret !== ''
        ? { auth: { user: username, pass: secret }, authMethod: 'CRAM-MD5' }
        : { auth: { user: username, pass: password } };
  const transport = createTransport({
    host: delivery.host,
    port: delivery.port,
    name: delivery.hello,
    secure: delivery.implicitTls,
    requireTLS: delivery.startTls && !delivery.implicitTls,
    ignoreTLS: !delivery.startTls,
    tls: { servername: delivery.host, ...tlsConnectOptions(delivery.tls, new SecretFiles()) },
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...auth,
  });
  const stop = (): void => transport.close();
  signal.addEventListener('abort', stop);
  try {
    const envelope = { from: delivery.from, to: [...delivery.to] };
    await transport.sendMail({ envelope, raw: delivery.message });
  } catch (error) {
    throw asMailError(error);
  } finally {
    signal.removeEventListener('abort', stop);
    transport.close();
  }
}

export const createMailSender = (): MailSender => ({ send: deliver });
