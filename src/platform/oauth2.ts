// SPDX-License-Identifier: Apache-2.0
// OAuth 2.0 for machines: client credentials (RFC 6749, 4.4) and JWT bearer assertions (RFC 7523).

import {
  type HttpClient,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  type OAuth2Options,
} from '../base/index.ts';
import type { SecretFiles } from './http-secrets.ts';

/** A token is renewed this long before it ends. */
const EXPIRY_MARGIN_MS = 10_000;
const TOKEN_BODY_BYTES_MAX = 1 << 20;
const ASSERTION_LIFE_SECONDS = 3600;

interface Token {
  readonly authorization: string;
  /** Infinity when the server names no end. */
  readonly expiresAtMs: number;
  /** The secret it was got with: another secret means another token. */
  readonly secret: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const base64Url = (text: string): string => Buffer.from(text).toString('base64url');

const cannotFetch = (why: string, options?: { cause?: unknown }): HttpError =>
  new HttpError('auth', `oauth2: cannot fetch token: ${why}`, options);

/** A token endpoint's answer (RFC 6749, 5.1 and 5.2). @throws HttpError `auth` */
function parseToken(response: HttpResponse, nowMs: number, secret: string): Token {
  const text = Buffer.from(response.body).toString('utf8');
  if (response.status < 200 || response.status > 299) {
    const status = `${response.status} ${response.statusText ?? ''}`.trim();
    throw cannotFetch(`${status}\nResponse: ${text}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw cannotFetch('the answer is not JSON', { cause: error });
  }
  if (!isRecord(answer) || typeof answer.access_token !== 'string' || answer.access_token === '')
    throw cannotFetch('server response missing access_token');
  const type = typeof answer.token_type === 'string' ? answer.token_type : '';
  const lifeSeconds = Number(answer.expires_in ?? 0);
  return {
    authorization: `${/^bearer$/i.test(type) || !type ? 'Bearer' : type} ${answer.access_token}`,
    expiresAtMs: lifeSeconds > 0 ? nowMs + lifeSeconds * 1000 : Infinity,
    secret,
  };
}

/** Gets, keeps and renews the token of one client. Requests at the same time share one fetch. */
export class OAuth2Tokens {
  private token: Token | undefined;
  private fetching: Promise<Token> | undefined;
  /** Servers differ in where they want the client's secret; the way that worked is remembered. */
  private secretInBody = false;
  private readonly options: OAuth2Options;
  private readonly client: HttpClient;
  private readonly files: SecretFiles;
  private readonly now: () => number;

  constructor(options: OAuth2Options, client: HttpClient, files: SecretFiles, now: () => number) {
    this.options = options;
    this.client = client;
    this.files = files;
    this.now = now;
  }

  /** The Authorization header for a request that must be done in its time. @throws HttpError */
  async authorization(request: HttpRequest): Promise<string> {
    const secret = this.secretText();
    const known = this.token;
    const isFresh = known && known.expiresAtMs - EXPIRY_MARGIN_MS > this.now();
    if (isFresh && known.secret === secret) return known.authorization;
    this.fetching ??= this.fetch(secret, request.timeoutMs).finally(() => {
      this.fetching = undefined;
    });
    this.token = await this.fetching;
    return this.token.authorization;
  }

  /** All that proves who we are: when it changes, tokens got with the old one are not used. */
  private secretText(): string {
    const { clientSecret, clientCertificateKey } = this.options;
    const key = this.files.value(clientCertificateKey, 'client certificate key');
    return this.files.value(clientSecret, 'client secret') + key;
  }

  /** Tries the other place for the secret when the usual one is refused (as Go's oauth2 does). */
  private async fetch(secret: string, timeoutMs: number): Promise<Token> {
    if (this.options.grantType !== 'client_credentials')
      return parseToken(await this.postAssertion(timeoutMs), this.now(), secret);
    let response = await this.postCredentials(this.secretInBody, timeoutMs);
    if (response.status >= 400 && response.status < 500) {
      const other = await this.postCredentials(!this.secretInBody, timeoutMs);
      if (other.status < 300) {
        this.secretInBody = !this.secretInBody;
        response = other;
      }
    }
    return parseToken(response, this.now(), secret);
  }

  private postCredentials(secretInBody: boolean, timeoutMs: number): Promise<HttpResponse> {
    const { clientId, clientSecret, scopes, endpointParams } = this.options;
    const secret = this.files.value(clientSecret, 'client secret');
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    for (const [name, value] of Object.entries(endpointParams)) form.set(name, value);
    if (secretInBody) {
      form.set('client_id', clientId);
      if (secret) form.set('client_secret', secret);
      return this.post(form, {}, timeoutMs);
    }
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    return this.post(form, { authorization }, timeoutMs);
  }

  /** Signs a statement about ourselves with the client's key and trades it for a token. */
  private postAssertion(timeoutMs: number): Promise<HttpResponse> {
    const { options } = this;
    const algorithm = options.signatureAlgorithm ?? 'RS256';
    const issuedAt = Math.floor(this.now() / 1000);
    const keyId = options.clientCertificateKeyId;
    const header = { alg: algorithm, typ: 'JWT', ...(keyId && { kid: keyId }) };
    const claims = {
      iss: options.issuer || options.clientId,
      sub: options.clientId,
      aud: options.audience || options.tokenUrl,
      ...(options.scopes.length > 0 && { scope: options.scopes.join(' ') }),
      iat: issuedAt,
      exp: issuedAt + ASSERTION_LIFE_SECONDS,
      ...options.claims,
    };
    const signed = `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(claims))}`;
    let signature: string;
    try {
      // Loaded when needed: small programs never do.
      signature = process
        .getBuiltinModule('node:crypto')
        .createSign(`RSA-SHA${algorithm.slice(2)}`)
        .update(signed)
        .sign(
          this.files.value(options.clientCertificateKey, 'client certificate key'),
          'base64url',
        );
    } catch (error) {
      throw cannotFetch('the client certificate key cannot sign', { cause: error });
    }
    const form = new URLSearchParams({
      grant_type: options.grantType,
      assertion: `${signed}.${signature}`,
    });
    for (const [name, value] of Object.entries(options.endpointParams)) form.set(name, value);
    return this.post(form, {}, timeoutMs);
  }

  private async post(
    form: URLSearchParams,
    headers: Record<string, string>,
    timeoutMs: number,
  ): Promise<HttpResponse> {
    return this.client.request({
      method: 'POST',
      url: this.options.tokenUrl,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      timeoutMs,
      bodyLimitBytes: TOKEN_BODY_BYTES_MAX,
    });
  }
}
