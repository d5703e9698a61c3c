// SPDX-License-Identifier: Apache-2.0
// Where AWS's keys are looked for, in the order of AWS's own programs: the environment, the shared files
// in ~/.aws, the container's service, the instance's service.

import type { HttpClient, HttpRequest } from '../../base/index.ts';
import { FileError, HttpError } from '../../base/index.ts';
import type { ReceiverContext } from './context.ts';
import type { AwsCredentials } from './sigv4.ts';

/** What is needed around requests to AWS. */
export type AwsContext = Pick<
  ReceiverContext,
  'clock' | 'environment' | 'userAgent' | 'readSecret'
>;

/** Keys, and until when they hold; those of the environment and of files hold for one use. */
export interface FoundKeys {
  readonly credentials: AwsCredentials;
  readonly untilMs: number;
}

/** Both services are on this machine: they answer at once, or are not there. */
const SERVICE_TIMEOUT_MS = 1000;
const SERVICE_BYTES_MAX = 64 << 10;
const CONTAINER_SERVICE = 'http://169.254.170.2';
const INSTANCE_SERVICE = 'http://169.254.169.254';
const TOKEN_SECONDS = '21600';

/** The sections of an INI file. */
export function readIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*\[([^\]]+)\]/.exec(line);
    if (head !== null) {
      section = new Map();
      sections.set((head[1] ?? '').trim(), section);
      continue;
    }
    const pair = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair !== null) section.set(pair[1] ?? '', pair[2] ?? '');
  }
  return sections;
}

/** A file's text; '' where there is none. @throws FileError */
function textOf(context: AwsContext, file: string): string {
  try {
    return context.readSecret({ file });
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** What the shared files say of a profile: the credentials file's word counts before the other's. */
export function sharedProfile(context: AwsContext, profile: string): Map<string, string> {
  const { HOME = '', AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE } = context.environment;
  const config = readIni(textOf(context, AWS_CONFIG_FILE ?? `${HOME}/.aws/config`));
  const keys = readIni(textOf(context, AWS_SHARED_CREDENTIALS_FILE ?? `${HOME}/.aws/credentials`));
  const inConfig = config.get(`profile ${profile}`) ?? config.get(profile);
  return new Map([...(inConfig ?? []), ...(keys.get(profile) ?? [])]);
}

function ofEnvironment({ environment }: AwsContext): AwsCredentials | undefined {
  const {
    AWS_ACCESS_KEY_ID = '',
    AWS_SECRET_ACCESS_KEY = '',
    AWS_SESSION_TOKEN = '',
  } = environment;
  if (AWS_ACCESS_KEY_ID === '' || AWS_SECRET_ACCESS_KEY === '') return undefined;
  return {
    accessKey: AWS_ACCESS_KEY_ID,
    secretKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  };
}

function ofProfile(context: AwsContext, profile: string): AwsCredentials | undefined {
  const values = sharedProfile(context, profile);
  const accessKey = values.get('aws_access_key_id') ?? '';
  const secretKey = values.get('aws_secret_access_key') ?? '';
  if (accessKey === '' || secretKey === '') return undefined;
  return { accessKey, secretKey, sessionToken: values.get('aws_session_token') ?? '' };
}

/** Asks a service of the machine; undefined where it is not there or says no. */
async function ask(
  client: HttpClient,
  request: Pick<HttpRequest, 'method' | 'url'> & { readonly headers?: Record<string, string> },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { status, body } = await client.request({
      headers: {},
      ...request,
      timeoutMs: SERVICE_TIMEOUT_MS,
      bodyLimitBytes: SERVICE_BYTES_MAX,
      signal,
    });
    return status === 200 ? new TextDecoder().decode(body) : undefined;
  } catch (error) {
    if (error instanceof HttpError) return undefined;
    throw error;
  }
}

/** The JSON of both services. @throws Error where it is none, or lacks the keys */
function keysIn(text: string, service: string): FoundKeys {
  let answer: Readonly<Record<string, unknown>>;
  try {
    answer = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw new Error(`the ${service} answered no JSON`);
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string')
    throw new Error(`the ${service} answered without keys`);
  const endMs = typeof Expiration === 'string' ? Date.parse(Expiration) : Number.NaN;
  return {
    credentials: {
      accessKey: AccessKeyId,
      secretKey: SecretAccessKey,
      sessionToken: typeof Token === 'string' ? Token : '',
    },
    untilMs: Number.isNaN(endMs) ? 0 : endMs,
  };
}

async function ofContainer(
  context: AwsContext,
  client: HttpClient,
  signal: AbortSignal,
): Promise<FoundKeys | undefined> {
  const { environment } = context;
  const relative = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ?? '';
  const url =
    relative === ''
      ? (environment.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? '')
      : `${CONTAINER_SERVICE}${relative}`;
  if (url === '') return undefined;
  const file = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ?? '';
  const token =
    file === ''
      ? (environment.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '')
      : textOf(context, file).trim();
  const headers = token === '' ? {} : { authorization: token };
  const text = await ask(client, { method: 'GET', url, headers }, signal);
  return text === undefined ? undefined : keysIn(text, 'credentials service of the container');
}

/** The second version of the instance's service: with a token, which no page can be tricked into asking. */
async function ofInstance(
  context: AwsContext,
  client: HttpClient,
  signal: AbortSignal,
): Promise<FoundKeys | undefined> {
  const { environment } = context;
  if (environment.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') return undefined;
  const base = (environment.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? INSTANCE_SERVICE).replace(
    /\/+$/,
    '',
  );
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS };
  const url = `${base}/latest/api/token`;
  const token = await ask(client, { method: 'PUT', url, headers: ttl }, signal);
  if (token === undefined) return undefined;
  const headers = { 'x-aws-ec2-metadata-token': token };
  const place = `${base}/latest/meta-data/iam/security-credentials/`;
  const role = (await ask(client, { method: 'GET', url: place, headers }, signal))
    ?.split('\n')[0]
    ?.trim();
  if (role === undefined || role === '') return undefined;
  const text = await ask(client, { method: 'GET', url: `${place}${role}`, headers }, signal);
  return text === undefined ? undefined : keysIn(text, 'metadata service of the instance');
}

/**
 * The first keys there are. @param profile of the shared files; '' = not configured
 * @throws Error where there are none, or a file or service cannot be read
 */
export async function findKeys(
  profile: string,
  context: AwsContext,
  client: HttpClient,
  signal: AbortSignal,
): Promise<FoundKeys> {
  if (profile !== '') {
    const named = ofProfile(context, profile);
    if (named === undefined)
      throw new Error(
        `no AWS credentials: the profile ${JSON.stringify(profile)} has no aws_access_key_id and aws_secret_access_key in the shared files`,
      );
    return { credentials: named, untilMs: 0 };
  }
  const { AWS_PROFILE = 'default' } = context.environment;
  const here = ofEnvironment(context) ?? ofProfile(context, AWS_PROFILE);
  if (here !== undefined) return { credentials: here, untilMs: 0 };
  const found =
    (await ofContainer(context, client, signal)) ?? (await ofInstance(context, client, signal));
  if (found !== undefined) return found;
  throw new Error(
    'no AWS credentials: set sigv4.access_key and sigv4.secret_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials; no container or instance has any',
  );
}
