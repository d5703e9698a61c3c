// SPDX-License-Identifier: Apache-2.0
// A server's query API as Go's client library speaks to it, with its error texts.

import type { HttpClient, HttpResponse } from '../../base/index.ts';
import { HttpError } from '../../base/index.ts';
import { quote } from '../../model/index.ts';
import { CommandError } from '../command.ts';

const TIMEOUT_MS = 120_000;

interface Envelope {
  readonly status: string;
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
}

/** The address of a server as it is given. @throws CommandError */
export function serverUrl(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.test(text);
  if (!scheme && (text.split('/')[0] ?? '').includes(':')) {
    const why = `invalid URL: parse ${quote(text)}: first path segment in URL cannot contain colon`;
    throw new CommandError(`promtool: error: ${why}, try --help`);
  }
  return (scheme ? text : `http://${text}`).replace(/\/+$/, '');
}

const statusError = (status: number): string => {
  if (status >= 400 && status < 500) return `client_error: client error: ${status}`;
  if (status >= 500 && status < 600) return `server_error: server error: ${status}`;
  return `bad_response: bad response code ${status}`;
};

export class QueryApi {
  private readonly http: HttpClient;
  private readonly server: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(http: HttpClient, server: string, headers: Readonly<Record<string, string>> = {}) {
    this.http = http;
    this.server = server;
    this.headers = headers;
  }

  /** As a form, or, where the server does not take it, in the URL. @throws CommandError */
  async post(path: string, parameters: URLSearchParams): Promise<unknown> {
    const response = await this.send('POST', path, parameters);
    if (response.status !== 405 && response.status !== 501) return this.dataOf(response);
    return this.get(path, parameters);
  }

  /** @throws CommandError */
  async get(path: string, parameters: URLSearchParams): Promise<unknown> {
    return this.dataOf(await this.send('GET', path, parameters));
  }

  private async send(
    method: 'GET' | 'POST',
    path: string,
    parameters: URLSearchParams,
  ): Promise<HttpResponse> {
    const pairs = [...parameters].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const query = new URLSearchParams(pairs).toString();
    const target = `${this.server}/api/v1${path}`;
    const url = method === 'GET' && query !== '' ? `${target}?${query}` : target;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const scheme = /^([^:]+):/.exec(target)?.[1] ?? '';
    const verb = method === 'GET' ? 'Get' : 'Post';
    if (!/^https?$/i.test(scheme)) {
      const why = `unsupported protocol scheme ${quote(scheme)}`;
      throw new CommandError(`query error: ${verb} ${quote(url)}: ${why}`);
    }
    try {
      return await this.http.request({
        method,
        url,
        headers: method === 'POST' ? { ...this.headers, ...form } : this.headers,
        ...(method === 'POST' ? { body: query } : {}),
        timeoutMs: TIMEOUT_MS,
        bodyLimitBytes: 0,
      });
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const told = error.message.startsWith(`${verb} "`);
      const text = told ? error.message : `${verb} ${quote(url)}: ${error.message}`;
      throw new CommandError(`query error: ${text}`, { cause: error });
    }
  }

  private dataOf({ status, body }: HttpResponse): unknown {
    const text = new TextDecoder().decode(body);
    const isAnswer = Math.floor(status / 100) === 2 || status === 400 || status === 422;
    if (!isAnswer) {
      const detail = text.trim();
      const shown = text === '' ? '' : ` (detail: ${detail})`;
      throw new CommandError(`query error: ${statusError(status)}${shown}`);
    }
    let answer: Envelope;
    try {
      answer = JSON.parse(text) as Envelope;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new CommandError(`query error: bad_response: ${why}`, { cause: error });
    }
    if (answer.status !== 'success') {
      throw new CommandError(`query error: ${answer.errorType ?? ''}: ${answer.error ?? ''}`);
    }
    return answer.data;
  }
}
