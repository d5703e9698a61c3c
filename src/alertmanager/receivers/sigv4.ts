// SPDX-License-Identifier: Apache-2.0
// AWS's Signature Version 4: a request says who sends it by a keyed hash over what it says.

import { sha256, sha256Bytes } from './group-hash.ts';

export interface AwsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary credentials; '' otherwise. */
  readonly sessionToken: string;
}

/** What is signed. */
export interface SignableRequest {
  readonly method: string;
  readonly url: string;
  /** Sent and signed; names in lower case. `host`, `x-amz-date` and the token are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where and when a signature holds. */
export interface SigningScope {
  readonly credentials: AwsCredentials;
  readonly region: string;
  /** `sns`. */
  readonly service: string;
  readonly nowMs: number;
}

const BLOCK_BYTES = 64;
const ALGORITHM = 'AWS4-HMAC-SHA256';
const encoder = new TextEncoder();

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** HMAC with SHA-256, 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const short = key.length > BLOCK_BYTES ? sha256Bytes(key) : key;
  const keyed = (pad: number, rest: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(BLOCK_BYTES + rest.length).fill(pad, 0, BLOCK_BYTES);
    for (let i = 0; i < short.length; i++) bytes[i] = short[i]! ^ pad;
    bytes.set(rest, BLOCK_BYTES);
    return sha256Bytes(bytes);
  };
  return keyed(0x5c, keyed(0x36, message));
}

/** Percent-encoding as AWS wants it: all but letters, digits and `-._~`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const ordered = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The parameters, encoded, by name and then by value. */
const canonicalQuery = (params: URLSearchParams): string =>
  [...params]
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort((a, b) => ordered(a[0], b[0]) || ordered(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** The path, each of its already encoded segments encoded once more. */
const canonicalPath = (path: string): string => path.split('/').map(encoded).join('/') || '/';

function signingKey({ credentials, region, service }: SigningScope, day: string): Uint8Array {
  let key: Uint8Array = encoder.encode(`AWS4${credentials.secretKey}`);
  for (const part of [day, region, service, 'aws4_request'])
    key = hmacSha256(key, encoder.encode(part));
  return key;
}

/**
 * The headers to send a request with, its signature among them (`authorization`). `host` is signed, and left
 * to the client to send.
 */
export function signedHeaders(
  request: SignableRequest,
  scope: SigningScope,
): Readonly<Record<string, string>> {
  const { credentials, region, service, nowMs } = scope;
  const url = new URL(request.url);
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const sent: Record<string, string> = { ...request.headers, 'x-amz-date': time };
  if (credentials.sessionToken !== '') sent['x-amz-security-token'] = credentials.sessionToken;
  const signed = Object.entries({ ...sent, host: url.host }).sort((a, b) => ordered(a[0], b[0]));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    canonicalPath(url.pathname),
    canonicalQuery(url.searchParams),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
  const place = `${day}/${region}/${service}/aws4_request`;
  const toSign = [ALGORITHM, time, place, sha256(canonical)].join('\n');
  const signature = hex(hmacSha256(signingKey(scope, day), encoder.encode(toSign)));
  return {
    ...sent,
    authorization: `${ALGORITHM} Credential=${credentials.accessKey}/${place}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
