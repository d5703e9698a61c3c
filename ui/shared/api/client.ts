// SPDX-License-Identifier: Apache-2.0
// Requests to the server's HTTP API v1 and the errors they end with.

import type { ApiResponse } from '../../../src/apitypes/index.ts';

/** An answer that is not a success. `errorType` is the API's word, or `network` when none came. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly errorType: string;
  /** 0 when there was no answer. */
  readonly httpStatus: number;
  constructor(errorType: string, httpStatus: number, message: string) {
    super(message);
    this.errorType = errorType;
    this.httpStatus = httpStatus;
  }
}

export type ApiParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ApiRequest {
  readonly method?: 'GET' | 'POST';
  readonly parameters?: ApiParameters;
  readonly signal?: AbortSignal;
}

function encodeParameters(parameters: ApiParameters): URLSearchParams {
  const encoded = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (typeof value === 'string') encoded.append(name, value);
    else for (const one of value) encoded.append(name, one);
  }
  return encoded;
}

/** The text of a failure that is no JSON envelope: a proxy's page, `Service Unavailable`. */
const plainFailure = (status: number, statusText: string, text: string): ApiError => {
  const line = text.startsWith('<') ? '' : (text.trim().split('\n', 1)[0] ?? '');
  const what = `${status}${statusText === '' ? '' : ` ${statusText}`}`;
  const message = line === '' || line === statusText ? what : `${what}: ${line.slice(0, 300)}`;
  return new ApiError(status === 503 ? 'unavailable' : 'http', status, message);
};

/** One server. `prefix` is the part of every path before `/api`, without a trailing slash. */
export class ApiClient {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Sends a request, settles when the answer's head is there. @throws ApiError `network` */
  async send(path: string, request: ApiRequest = {}): Promise<Response> {
    const parameters = encodeParameters(request.parameters ?? {});
    const isPost = request.method === 'POST';
    const query = isPost || parameters.size === 0 ? '' : `?${parameters}`;
    const init: RequestInit = { method: request.method ?? 'GET', cache: 'no-store' };
    if (isPost) init.body = parameters;
    if (request.signal !== undefined) init.signal = request.signal;
    try {
      return await fetch(`${this.prefix}${path}${query}`, init);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new ApiError('network', 0, 'The server cannot be reached.');
    }
  }

  /** The text of an answer's body. @throws ApiError `network` when the connection breaks */
  async text(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new ApiError('network', response.status, 'The connection broke during the answer.');
    }
  }

  /**
   * The `data` of an answer of /api/v1.
   * @throws ApiError
   */
  async data<Data>(path: string, request: ApiRequest = {}): Promise<Data> {
    const response = await this.send(`/api/v1${path}`, request);
    return readEnvelope<Data>(response, await this.text(response));
  }
}

/** @throws ApiError */
function readEnvelope<Data>(response: Response, text: string): Data {
  let envelope: ApiResponse<Data>;
  try {
    envelope = JSON.parse(text) as ApiResponse<Data>;
  } catch {
    throw plainFailure(response.status, response.statusText, text);
  }
  if (envelope.status === 'success') return envelope.data;
  if (envelope.status === 'error') {
    throw new ApiError(envelope.errorType, response.status, envelope.error);
  }
  throw plainFailure(response.status, response.statusText, text);
}

/** The failure of an answer whose text was read. */
export function failureOf(response: Response, text: string): ApiError {
  try {
    readEnvelope(response, text);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  return plainFailure(response.status, response.statusText, '');
}
