// SPDX-License-Identifier: Apache-2.0
// amtool's conversation with an Alertmanager.

import { defaultHttpClientOptions, type HttpClient, HttpError } from '../../base/index.ts';
import { ConfigError, parseHttpClientFile } from '../../config/index.ts';
import { CommandError, type CommandHost, type CommandValues } from '../command.ts';
import { parseGoDuration } from '../go-text.ts';
import type { ApiStatus } from './api-types.ts';

const BODY_LIMIT_BYTES = 256 * 1024 * 1024;

/** The operations that amtool knows, with the names that its errors show; ours last. */
const operations = {
  getAlerts: ['GET', '/alerts'],
  postAlerts: ['POST', '/alerts'],
  getSilences: ['GET', '/silences'],
  postSilences: ['POST', '/silences'],
  getSilence: ['GET', '/silence/{silenceID}'],
  deleteSilence: ['DELETE', '/silence/{silenceID}'],
  getStatus: ['GET', '/status'],
  whatIf: ['POST', '/what-if'],
} as const;
/** Of our own API, which stands beside upstream's. */
const own: ReadonlySet<Operation> = new Set(['whatIf']);
export type Operation = keyof typeof operations;

/** The answers that the API's specification gives an operation. */
const failures: ReadonlyMap<number, string> = new Map([
  [400, 'BadRequest'],
  [404, 'NotFound'],
  [500, 'InternalServerError'],
]);

export interface Call {
  readonly id?: string;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
}

/** An answer that is no success. */
export class ApiError extends CommandError {
  override name = 'ApiError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The message as the generated Go client writes it. */
function failureText(operation: Operation, status: number, body: string): string {
  const [method, path] = operations[operation];
  const kind = failures.get(status);
  if (kind === undefined) {
    const prefix = 'response status code does not match any response statuses defined for';
    return `${prefix} this endpoint in the swagger spec (status ${status}): {}`;
  }
  let payload = body;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'string') payload = parsed;
  } catch (error) {
    // Not JSON: a proxy's page, perhaps. Shown as it is.
    if (!(error instanceof SyntaxError)) throw error;
  }
  const shown = payload.trim();
  return `[${method} ${path}][${status}] ${operation}${kind} ${shown === '' ? '' : ` ${shown}`}`;
}

const minorOf = (version: string): string => /^\d+\.\d+/.exec(version)?.[0] ?? version;

export class Connection {
  private readonly base: string;
  private readonly authorization: string | undefined;
  private readonly client: HttpClient;
  private readonly host: CommandHost;
  private readonly deadlineMs: number;

  /** @throws CommandError */
  constructor(values: CommandValues, host: CommandHost) {
    const text = values.text('alertmanager.url');
    if (text === '') throw new CommandError('required flag --alertmanager.url not provided');
    let url: URL;
    try {
      url = new URL(text.includes('://') ? text : `http://${text}`);
    } catch {
      throw new CommandError(`parse ${JSON.stringify(text)}: not a valid URL`);
    }
    this.base = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}/api`;
    const file = values.text('http.config.file');
    if (url.username !== '' && file !== '') {
      const what = 'basic authentication and http.config.file';
      throw new CommandError(`${what} are mutually exclusive`);
    }
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    this.authorization = url.username === '' ? undefined : `Basic ${encodeBase64(user)}`;
    this.host = host;
    this.deadlineMs = host.clock.now() + parseGoDuration(values.text('timeout'));
    this.client = host.createHttpClient(file === '' ? defaultHttpClientOptions : load(file, host));
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** @returns the JSON of the answer, undefined when it is empty. @throws ApiError, CommandError */
  async call(operation: Operation, { id, query, body }: Call = {}): Promise<unknown> {
    const [method, path] = operations[operation];
    const place = path.replace('{silenceID}', encodeURIComponent(id ?? ''));
    const search = query?.toString() ?? '';
    const url = `${this.base}${own.has(operation) ? '/v1' : '/v2'}${place}${search === '' ? '' : `?${search}`}`;
    const { status, text } = await this.send(method, url, body);
    if (status !== 200) throw new ApiError(status, failureText(operation, status, text));
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new CommandError(`${method} ${url}: the answer is not JSON: ${error.message}`);
    }
  }

  private async send(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    body: unknown,
  ): Promise<{ status: number; text: string }> {
    const timeoutMs = this.deadlineMs - this.host.clock.now();
    const verb = method.charAt(0) + method.slice(1).toLowerCase();
    if (timeoutMs <= 0) throw new CommandError(`${verb} "${url}": context deadline exceeded`);
    try {
      const response = await this.client.request({
        method,
        url,
        headers: {
          accept: 'application/json',
          'user-agent': 'amtool',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(this.authorization === undefined ? {} : { authorization: this.authorization }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        timeoutMs,
        bodyLimitBytes: BODY_LIMIT_BYTES,
      });
      return { status: response.status, text: new TextDecoder().decode(response.body) };
    } catch (error) {
      if (error instanceof HttpError) throw new CommandError(error.message);
      throw error;
    }
  }

  /** Warns on the error output when the Alertmanager is of another version than this program. */
  async checkVersion(): Promise<void> {
    try {
      const status = (await this.call('getStatus')) as ApiStatus;
      const theirs = status.versionInfo.version;
      const own = this.host.alertmanagerVersion;
      if (minorOf(theirs) !== minorOf(own)) {
        const versions = `amtool version (${own}) and alertmanager version (${theirs})`;
        this.host.err(`Warning: ${versions} are different.\n`);
      }
    } catch (error) {
      // The command itself reports an Alertmanager that does not answer.
      if (!(error instanceof CommandError)) throw error;
    }
  }
}

function encodeBase64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function load(file: string, host: CommandHost) {
  requireFile(file, host);
  try {
    return parseHttpClientFile(host.files.readTextSync(file), file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandError(`failed to load HTTP config file: ${error.message}`);
  }
}

/** @throws CommandError when there is no such file */
export function requireFile(path: string, host: CommandHost): void {
  if (!host.files.existsSync(path)) throw new CommandError(`path '${path}' does not exist`);
}

/** Runs `use` with a connection and closes it. */
export async function connected<Result>(
  values: CommandValues,
  host: CommandHost,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = new Connection(values, host);
  try {
    if (values.flag('version-check')) await connection.checkVersion();
    return await use(connection);
  } finally {
    await connection.close();
  }
}
