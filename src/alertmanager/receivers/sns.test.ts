// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../base/index.ts';
import type { SnsOptions } from './options.ts';
import {
  answered,
  FIXTURE_NOW_MS,
  fakeContext,
  notificationOf,
} from '../../../test/alertmanager/receiver-fixtures.ts';
import { signedHeaders } from './sigv4.ts';
import { createSns } from './sns.ts';

const keys = {
  region: 'eu-west-1',
  accessKey: 'AK',
  secretKey: 'hush',
  profile: '',
  roleArn: '',
  externalId: '',
  useFipsEndpoint: false,
};

const options = (
  texts: Partial<SnsOptions['texts']> = { topicArn: 'arn:aws:sns:eu-west-1:1:t' },
  changes: Partial<SnsOptions> = {},
): SnsOptions => ({
  type: 'sns',
  sendResolved: true,
  httpClient: {} as SnsOptions['httpClient'],
  sigv4: keys,
  attributes: {},
  ...changes,
  texts: {
    apiUrl: '',
    topicArn: '',
    phoneNumber: '',
    targetArn: '',
    subject: '{{ template "sns.default.subject" . }}',
    message: '{{ template "sns.default.message" . }}',
    ...texts,
  },
});

const firing = notificationOf([{ alertname: 'Down', team: 'OPS' }], false);
const { signal } = new AbortController();
const fine = answered(200, '<PublishResponse/>');

async function told(
  given: SnsOptions,
  answers = [fine],
  environment: Readonly<Record<string, string>> = {},
  notification = firing,
) {
  const { context, requests } = fakeContext(answers, environment);
  const outcome = await createSns(given, 0, context).notify(notification, signal);
  return { outcome, requests, params: new URLSearchParams(String(requests.at(-1)?.body ?? '')) };
}

/** Whether a request's signature is that of its own contents under these keys. */
function isSignedBy(request: HttpRequest | undefined, accessKey: string, token = ''): boolean {
  if (request === undefined) return false;
  const credentials = { accessKey, secretKey: 'hush', sessionToken: token };
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const service = /\/\/(\w+)/.exec(request.url)?.[1] ?? '';
  const signed = signedHeaders(
    { method: request.method, url: request.url, headers, body: String(request.body) },
    { credentials, region: 'eu-west-1', service, nowMs: FIXTURE_NOW_MS },
  );
  return signed.authorization === request.headers.authorization;
}

test('a topic is told, signed with the configured keys', async () => {
  const given = options(undefined, {
    attributes: { severity: 'Sev2', team: '{{ .CommonLabels.team }}' },
  });
  const { outcome, requests, params } = await told(given);
  expect(outcome).toEqual({ ok: true });
  expect(requests[0]?.url).toBe('https://sns.eu-west-1.amazonaws.com/');
  expect(requests[0]?.headers['x-amz-date']).toBe('20260102T030405Z');
  expect(isSignedBy(requests[0], 'AK')).toBe(true);
  const { Message: message, ...rest } = Object.fromEntries(params);
  expect(message).toContain('Alerts Firing:');
  expect(rest).toEqual({
    Action: 'Publish',
    Version: '2010-03-31',
    TopicArn: 'arn:aws:sns:eu-west-1:1:t',
    Subject: '[FIRING:1]  (Down OPS)',
    'MessageAttributes.entry.1.Name': 'severity',
    'MessageAttributes.entry.1.Value.DataType': 'String',
    'MessageAttributes.entry.1.Value.StringValue': 'Sev2',
    'MessageAttributes.entry.2.Name': 'team',
    'MessageAttributes.entry.2.Value.DataType': 'String',
    'MessageAttributes.entry.2.Value.StringValue': 'OPS',
  });
});

test('a FIFO topic gets the group', async () => {
  const { params } = await told(options({ topicArn: 'arn:t.fifo', subject: '' }));
  expect(params.get('MessageGroupId')).toMatch(/^[0-9a-f]{64}$/);
  expect(params.get('MessageDeduplicationId')).toBe(params.get('MessageGroupId'));
  expect(params.has('Subject')).toBe(false);
});

test('long messages are cut between characters, and say so', async () => {
  const sms = await told(options({ phoneNumber: '+491', message: `a${'é'.repeat(900)}` }));
  expect(sms.params.get('Message')).toBe(`a${'é'.repeat(799)}`);
  expect(sms.params.get('MessageAttributes.entry.1.Name')).toBe('truncated');
  expect(sms.params.get('MessageAttributes.entry.1.Value.StringValue')).toBe('true');
  const endpoint = await told(options({ targetArn: 'arn:e', message: 'x'.repeat(300_000) }));
  expect(endpoint.params.get('Message')).toHaveLength(256 * 1024);
});

describe('keys', () => {
  const bare = { ...keys, region: '', accessKey: '', secretKey: '' };
  test('of the environment', async () => {
    const { requests } = await told(options(undefined, { sigv4: bare }), [fine], {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'ENV',
      AWS_SECRET_ACCESS_KEY: 'hush',
      AWS_SESSION_TOKEN: 'token',
    });
    expect(requests[0]?.headers['x-amz-security-token']).toBe('token');
    expect(isSignedBy(requests[0], 'ENV', 'token')).toBe(true);
  });

  const files = {
    '/home/me/.aws/credentials':
      '# keys\n[default]\naws_access_key_id = DEF\naws_secret_access_key = hush\n[ops]\naws_access_key_id=OPS\naws_secret_access_key=hush\naws_session_token=tok\n',
    '/home/me/.aws/config': '[profile ops]\nregion = eu-west-1\n[default]\nregion=eu-west-1\n',
  };
  const notified = async (
    answers: Parameters<typeof fakeContext>[0],
    environment: Readonly<Record<string, string>>,
    sigv4 = bare,
    times = 1,
  ) => {
    const { context, requests } = fakeContext(answers, environment, files);
    const integration = createSns(options(undefined, { sigv4 }), 0, context);
    let outcome = await integration.notify(firing, signal);
    for (let i = 1; i < times; i++) outcome = await integration.notify(firing, signal);
    return { outcome, requests };
  };

  test('of a profile in the shared files, which counts before the environment', async () => {
    const home = { HOME: '/home/me', AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'hush' };
    const named = await notified([fine], home, { ...bare, profile: 'ops' });
    expect(named.outcome).toEqual({ ok: true });
    expect(isSignedBy(named.requests[0], 'OPS', 'tok')).toBe(true);
    const { requests } = await notified([fine], { HOME: '/home/me' });
    expect(isSignedBy(requests[0], 'DEF')).toBe(true);
    const missing = await notified([], home, { ...bare, region: 'eu-west-1', profile: 'no' });
    expect(JSON.stringify(missing.outcome)).toContain('the profile \\"no\\" has no');
  });

  const granted = answered(200, {
    AccessKeyId: 'ROLE',
    SecretAccessKey: 'hush',
    Token: 'tok',
    Expiration: '2026-01-02T09:04:05Z',
  });

  test('of the container, asked once while they hold', async () => {
    const { outcome, requests } = await notified(
      [granted, fine, fine],
      {
        AWS_REGION: 'eu-west-1',
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/x',
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'auth',
      },
      bare,
      2,
    );
    expect(outcome).toEqual({ ok: true });
    expect(requests.map(({ url }) => url)).toEqual([
      'http://169.254.170.2/v2/credentials/x',
      'https://sns.eu-west-1.amazonaws.com/',
      'https://sns.eu-west-1.amazonaws.com/',
    ]);
    expect(requests[0]?.headers.authorization).toBe('auth');
    expect(isSignedBy(requests[2], 'ROLE', 'tok')).toBe(true);
  });

  test('of the instance, by a token', async () => {
    const { outcome, requests } = await notified(
      [answered(200, 'TOKEN'), answered(200, 'my-role\n'), granted, fine],
      { AWS_REGION: 'eu-west-1' },
    );
    expect(outcome).toEqual({ ok: true });
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PUT http://169.254.169.254/latest/api/token',
      'GET http://169.254.169.254/latest/meta-data/iam/security-credentials/',
      'GET http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role',
      'POST https://sns.eu-west-1.amazonaws.com/',
    ]);
    expect(requests[1]?.headers['x-aws-ec2-metadata-token']).toBe('TOKEN');
    expect(isSignedBy(requests[3], 'ROLE', 'tok')).toBe(true);
  });

  test('nowhere', async () => {
    const noRegion = await told(options(undefined, { sigv4: bare }));
    expect(noRegion.outcome).toMatchObject({ ok: false, retry: false });
    expect(JSON.stringify(noRegion.outcome)).toContain('region not configured in sns.sigv4.region');
    const noKeys = await told(options(undefined, { sigv4: { ...bare, region: 'eu-west-1' } }), [
      answered(404, ''),
    ]);
    expect(JSON.stringify(noKeys.outcome)).toContain('no AWS credentials');
    // Only the instance's service was asked.
    expect(noKeys.requests).toHaveLength(1);
    const off = await told(options(undefined, { sigv4: { ...bare, region: 'eu-west-1' } }), [], {
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    expect(off.requests).toHaveLength(0);
  });

  test('of a role, kept while they hold', async () => {
    const role = answered(
      200,
      '<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>hush</SecretAccessKey><SessionToken>tok/en==</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>',
    );
    const sigv4 = { ...keys, roleArn: 'arn:aws:iam::1:role/r', externalId: 'ext' };
    const { context, requests } = fakeContext([role, fine, fine]);
    const integration = createSns(options(undefined, { sigv4 }), 0, context);
    expect(await integration.notify(firing, signal)).toEqual({ ok: true });
    expect(await integration.notify(firing, signal)).toEqual({ ok: true });
    expect(requests.map(({ url }) => url)).toEqual([
      'https://sts.eu-west-1.amazonaws.com/',
      'https://sns.eu-west-1.amazonaws.com/',
      'https://sns.eu-west-1.amazonaws.com/',
    ]);
    expect(String(requests[0]?.body)).toContain('RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr');
    expect(String(requests[0]?.body)).toContain('ExternalId=ext');
    expect(isSignedBy(requests[0], 'AK')).toBe(true);
    expect(isSignedBy(requests[1], 'ROLE', 'tok/en==')).toBe(true);
  });
});

test('what AWS refuses', async () => {
  const refused = (code: string): string =>
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no, because</Message></Error></ErrorResponse>`;
  const outcomeOf = async (status: number, code: string) =>
    (await told(options(), [answered(status, refused(code))])).outcome;
  expect(await outcomeOf(400, 'InvalidParameter')).toEqual({
    ok: false,
    retry: false,
    reason: 'clientError',
    message: 'unexpected status code 400: no, because',
  });
  expect(await outcomeOf(403, 'SignatureDoesNotMatch')).toMatchObject({ reason: 'authError' });
  expect(await outcomeOf(400, 'Throttling')).toMatchObject({ retry: true, reason: 'rateLimited' });
  expect(await outcomeOf(500, 'InternalFailure')).toMatchObject({ retry: true });
});
