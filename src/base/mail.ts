// SPDX-License-Identifier: Apache-2.0
// Mail as core code sees it: a finished message and whom to hand it to.

import type { TlsOptions } from './http-options.ts';

/** One message for one mail server. */
export interface MailDelivery {
  readonly host: string;
  readonly port: number;
  /** Our name in EHLO. */
  readonly hello: string;
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  /** STARTTLS, or nothing is sent; false: never. */
  readonly startTls: boolean;
  readonly tls: TlsOptions | undefined;
  /** '' = no authentication. */
  readonly username: string;
  readonly password: string;
  /** For CRAM-MD5, used when there is no password. */
  readonly secret: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body. */
  readonly message: string;
}

export type MailErrorCode = 'connection' | 'auth' | 'refused' | 'canceled' | 'other';

/** A message that was not taken. */
export class MailError extends Error {
  override name = 'MailError';
  readonly code: MailErrorCode;
  /** Worth another try: the trouble is with the way, not with the message. */
  readonly retry: boolean;
  constructor(code: MailErrorCode, retry: boolean, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retry = retry;
  }
}

export interface MailSender {
  /** Settles when the server has taken the message. @throws MailError */
  send(delivery: MailDelivery, signal: AbortSignal): Promise<void>;
}
