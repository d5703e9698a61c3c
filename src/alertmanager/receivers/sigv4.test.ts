// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { hmacSha256, type SigningScope, signedHeaders } from './sigv4.ts';

/** What AWS's published test suite signs with. */
const scope: SigningScope = {
  credentials: {
    accessKey: 'AKIDEXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: '',
  },
  region: 'us-east-1',
  service: 'service',
  nowMs: Date.UTC(2015, 7, 30, 12, 36, 0),
};
const url = 'https://example.amazonaws.com/';

const signature = (headers: Readonly<Record<string, string>>): string =>
  /Signature=(\w+)$/.exec(headers.authorization ?? '')?.[1] ?? '';

test('get-vanilla of the published test suite', () => {
  expect(signedHeaders({ method: 'GET', url, headers: {}, body: '' }, scope)).toEqual({
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  });
});

test('post-vanilla, post-x-www-form-urlencoded and get-vanilla-query-order-key-case', () => {
  const post = { method: 'POST', url, headers: {}, body: '' };
  expect(signature(signedHeaders(post, scope))).toBe(
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  );
  const form = {
    ...post,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Param1=value1',
  };
  expect(signature(signedHeaders(form, scope))).toBe(
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  );
  const query = { method: 'GET', url: `${url}?Param2=value2&Param1=value1`, headers: {}, body: '' };
  expect(signature(signedHeaders(query, scope))).toBe(
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  );
});

test('the example of the documentation: listing users of IAM', () => {
  const headers = signedHeaders(
    {
      method: 'GET',
      url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: '',
    },
    { ...scope, service: 'iam' },
  );
  expect(signature(headers)).toBe(
    '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});

test('a session token is sent and signed', () => {
  const credentials = { ...scope.credentials, sessionToken: 'token' };
  const headers = signedHeaders(
    { method: 'POST', url, headers: {}, body: '' },
    { ...scope, credentials },
  );
  expect(headers['x-amz-security-token']).toBe('token');
  expect(headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
});

test('HMAC with short and long keys', () => {
  for (const length of [0, 1, 63, 64, 65, 200]) {
    const key = new Uint8Array(length).map((_, i) => i * 7);
    const message = new TextEncoder().encode('x'.repeat(length * 3));
    const expected = createHmac('sha256', key).update(message).digest('hex');
    expect(Buffer.from(hmacSha256(key, message)).toString('hex')).toBe(expected);
  }
});
