// SPDX-License-Identifier: Apache-2.0
// One request and its answer over a connection that somebody else provides.

import { STATUS_CODES } from 'node:http';
import { type BodyInflater, type BodySink, HttpError } from '../base/index.ts';
import { type BodyReceiver, bodyReceiver, type Flow } from './http-decoding.ts';
import type { ExchangeControl, ExchangeHandler } from './http1-client.ts';

export interface ExchangeOptions {
  /** After decompression; 0 = no limit. */
  readonly bodyLimitBytes: number;
  readonly followRedirects: boolean;
  readonly inflater: BodyInflater | undefined;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Lower-case names, first values. */
  readonly headers: Readonly<Record<string, string>>;
}

const discard: BodySink = { write: () => undefined };

const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308;

const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));

type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

const isSingle = (raw: RawHeaders): raw is Readonly<Record<string, string>> => {
  for (const name in raw) if (typeof raw[name] !== 'string') return false;
  return true;
};

function firstValues(raw: RawHeaders): Readonly<Record<string, string>> {
  if (isSingle(raw)) return raw;
  const headers: Record<string, string> = {};
  for (const name in raw) {
    const value = raw[name];
    const first = typeof value === 'string' ? value : value?.[0];
    if (first !== undefined) headers[name] = first;
  }
  return headers;
}

/**
 * The handler of one exchange. The outcome is told once, through `answer`; the body has then
 * gone to the sink. Bodies of redirects that are followed go nowhere.
 */
export class Exchange implements ExchangeHandler, Flow {
  readonly answer: Promise<ExchangeAnswer>;
  /** Whether the answer's head has arrived. */
  started = false;
  private resolve!: (answer: ExchangeAnswer) => void;
  private reject!: (error: Error) => void;
  private controller: ExchangeControl | undefined;
  private failure: Error | undefined;
  private receiver: BodyReceiver | undefined;
  private head: ExchangeAnswer | undefined;
  private readonly method: string;
  private readonly sink: BodySink;
  private readonly options: ExchangeOptions;

  constructor(method: string, sink: BodySink, options: ExchangeOptions) {
    this.method = method;
    this.sink = sink;
    this.options = options;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Gives up now, also while the connection is still being made. */
  fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.receiver?.abandon();
    this.controller?.abort(error);
    this.reject(error);
  }

  onRequestStart(controller: ExchangeControl): void {
    this.controller = controller;
    if (this.failure) controller.abort(this.failure);
  }

  pause(): void {
    this.controller?.pause();
  }

  resume(): void {
    this.controller?.resume();
  }

  onResponseStart(
    _controller: ExchangeControl,
    status: number,
    raw: RawHeaders,
    statusText = '',
  ): void {
    if (status < 200) return;
    this.started = true;
    const headers = firstValues(raw);
    // HTTP/2 has no reason phrases; Go shows the usual ones then.
    this.head = { status, statusText: statusText || (STATUS_CODES[status] ?? ''), headers };
    const { bodyLimitBytes, followRedirects } = this.options;
    const dropped = followRedirects && isRedirect(status) && headers.location !== undefined;
    const hasBody = this.method !== 'HEAD' && status !== 204 && status !== 304;
    const encoding = dropped || !hasBody ? '' : (headers['content-encoding'] ?? '');
    // The announced length spares reading a body that is too large anyway. Compressed, it says nothing:
    // small bodies can become longer.
    const announced = encoding === '' ? Number(headers['content-length'] ?? 0) : 0;
    if (!dropped && hasBody && bodyLimitBytes > 0 && announced > bodyLimitBytes) {
      this.fail(new HttpError('body_too_large', 'body size limit exceeded'));
      return;
    }
    this.receiver = bodyReceiver(
      encoding,
      dropped ? discard : this.sink,
      dropped ? 0 : bodyLimitBytes,
      this,
      this.options.inflater,
    );
  }

  onResponseData(_controller: ExchangeControl, chunk: Uint8Array): void {
    if (this.failure) return;
    try {
      this.receiver?.receive(chunk);
    } catch (error) {
      this.fail(toError(error));
    }
  }

  onResponseEnd(): void {
    if (this.failure || !this.head) return;
    const head = this.head;
    try {
      this.receiver?.finish(() => this.resolve(head));
    } catch (error) {
      this.fail(toError(error));
    }
  }

  onResponseError(_controller: ExchangeControl, error: Error): void {
    this.fail(error);
  }
}
