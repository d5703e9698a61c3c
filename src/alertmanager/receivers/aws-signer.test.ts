// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { FileError, type HttpClient, type HttpRequest } from '../../base/index.ts';
import { createAwsSigner } from './aws-signer.ts';
import { signedHeaders } from './sigv4.ts';

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const clock = {
  now: () => nowMs,
  monotonicMs: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
};
const options = {
  region: '',
  accessKey: '',
  secretKey: '',
  roleArn: '',
  externalId: '',
  useFipsEndpoint: false,
};
const request = {
  method: 'POST',
  url: 'https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/w/alertmanager/api/v2/alerts',
  headers: { 'content-type': 'application/json' },
  body: '[]',
};
const { signal } = new AbortController();
const keys = { accessKey: 'AK', secretKey: 'SK', sessionToken: '' };

function signer(over: Partial<typeof options>, environment: Record<string, string> = {}) {
  const asked: HttpRequest[] = [];
  const answer =
    '<AccessKeyId>RK</AccessKeyId><SecretAccessKey>RS</SecretAccessKey><SessionToken>RT</SessionToken>';
  const client: HttpClient = {
    request: async (sent) => {
      asked.push(sent);
      const body = new TextEncoder().encode(answer);
      return { status: 200, headers: {}, body, url: sent.url };
    },
    close: async () => undefined,
  };
  const readSecret = ({ file = '' }): string => {
    throw new FileError('ENOENT', file, 'no such file');
  };
  const context = { clock, environment, userAgent: 'x', readSecret };
  return { asked, sign: createAwsSigner({ ...options, ...over }, 'aps', client, context) };
}

test('with given keys', async () => {
  const { sign } = signer({ region: 'eu-west-1', accessKey: 'AK', secretKey: 'SK' });
  const scope = { credentials: keys, region: 'eu-west-1', service: 'aps', nowMs };
  expect(await sign(request, signal)).toEqual(signedHeaders(request, scope));
});

test('with those of the environment, or of a role', async () => {
  const environment = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AK',
    AWS_SECRET_ACCESS_KEY: 'SK',
  };
  const own = await signer({}, environment).sign(request, signal);
  expect(own.authorization).toContain('Credential=AK/20260102/us-east-1/aps/aws4_request');
  const role = signer({ roleArn: 'arn:aws:iam::1:role/r' }, environment);
  const headers = await role.sign(request, signal);
  expect(headers['x-amz-security-token']).toBe('RT');
  expect(headers.authorization).toContain('Credential=RK/');
  expect(String(role.asked[0]?.body)).toContain('Action=AssumeRole');
});

test('without a region or keys there is no signature', async () => {
  await expect(signer({ accessKey: 'AK', secretKey: 'SK' }).sign(request, signal)).rejects.toThrow(
    'region not configured in sigv4.region',
  );
  const nowhere = signer({ region: 'r' }, { AWS_EC2_METADATA_DISABLED: 'true' });
  await expect(nowhere.sign(request, signal)).rejects.toThrow('no AWS credentials');
});
