// SPDX-License-Identifier: Apache-2.0
// With which keys AWS is spoken to: configured ones, those that are found, or those of a role.

import type { HttpClient } from '../../base/index.ts';
import type { NotifyOutcome } from '../notify/integration.ts';
import type { AwsContext, FoundKeys } from './aws-keys.ts';
import { findKeys, sharedProfile } from './aws-keys.ts';
import type { SnsOptions } from './options.ts';
import { send } from './sender.ts';
import { type AwsCredentials, signedHeaders } from './sigv4.ts';

const FORM = 'application/x-www-form-urlencoded; charset=utf-8';
const SESSION_NAME = 'hearth-alertmanager';
/** Keys of a role are renewed this long before they end. */
const MARGIN_MS = 300_000;

/** AWS says that there is too much, with a status that says that we are wrong. */
const throttled = /<Code>(?:Throttl\w*|RequestThrottl\w*|RequestLimitExceeded|TooManyRequests\w*)</;

export type AwsOptions = SnsOptions['sigv4'];

export type AwsAnswer =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly outcome: NotifyOutcome };

/** One element's text in AWS's XML; '' where there is none. */
const element = (xml: string, name: string): string =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim() ?? '';

/** AWS's reason in place of its whole document, and whether it asks for patience. */
function understood(outcome: NotifyOutcome): NotifyOutcome {
  if (outcome.ok) return outcome;
  const said = element(outcome.message, 'Message');
  const message = said === '' ? outcome.message : outcome.message.replace(/<[\s\S]*$/, said);
  return throttled.test(outcome.message)
    ? { ...outcome, retry: true, reason: 'rateLimited', message }
    : { ...outcome, message };
}

/** Sends a signed request of AWS's Query API. */
export async function askAws(
  client: HttpClient,
  { url, params }: { readonly url: string; readonly params: URLSearchParams },
  scope: {
    readonly credentials: AwsCredentials;
    readonly region: string;
    readonly service: string;
  },
  context: AwsContext,
  signal: AbortSignal,
): Promise<AwsAnswer> {
  const body = params.toString();
  const request = { method: 'POST' as const, url, headers: { 'content-type': FORM }, body };
  const signed = signedHeaders(request, { ...scope, nowMs: context.clock.now() });
  const headers = { ...signed, 'user-agent': context.userAgent };
  const { secretKey, sessionToken } = scope.credentials;
  const sent = await send(client, { ...request, headers }, signal, {
    retryStatuses: [429],
    secrets: [secretKey, sessionToken],
  });
  return sent.ok
    ? { ok: true, text: new TextDecoder().decode(sent.response.body) }
    : { ok: false, outcome: understood(sent.outcome) };
}

/** `https://sns.eu-west-1.amazonaws.com/`. */
export const awsUrl = (service: string, region: string): string =>
  `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;

/** Finds the keys; those of a role are kept as long as they hold. */
export class CredentialSource {
  private readonly options: AwsOptions;
  private readonly client: HttpClient;
  private readonly context: AwsContext;
  private readonly regionKey: string;
  private found: FoundKeys | undefined;
  private kept: { readonly credentials: AwsCredentials; readonly untilMs: number } | undefined;

  /** @param regionKey where the configuration says the region, for messages */
  constructor(
    options: AwsOptions,
    client: HttpClient,
    context: AwsContext,
    regionKey = 'sns.sigv4.region',
  ) {
    this.options = options;
    this.client = client;
    this.context = context;
    this.regionKey = regionKey;
  }

  /** @throws Error where nobody says which */
  region(): string {
    const { environment } = this.context;
    const profile = this.options.profile || environment.AWS_PROFILE || 'default';
    const region =
      this.options.region ||
      environment.AWS_REGION ||
      environment.AWS_DEFAULT_REGION ||
      sharedProfile(this.context, profile).get('region') ||
      '';
    if (region === '')
      throw new Error(
        `region not configured in ${this.regionKey} or in default credentials chain: set sigv4.region or AWS_REGION`,
      );
    return region;
  }

  /** @throws Error where there are no keys */
  async credentials(
    signal: AbortSignal,
  ): Promise<{ ok: true; credentials: AwsCredentials } | { ok: false; outcome: NotifyOutcome }> {
    if (this.options.roleArn === '') return { ok: true, credentials: await this.own(signal) };
    if (this.kept !== undefined && this.context.clock.now() < this.kept.untilMs)
      return { ok: true, credentials: this.kept.credentials };
    return this.assumeRole(signal);
  }

  /** Configured keys, or the first that are found; those of a service are kept as long as they hold. */
  private async own(signal: AbortSignal): Promise<AwsCredentials> {
    const { accessKey, secretKey, profile = '' } = this.options;
    if (accessKey !== '') return { accessKey, secretKey, sessionToken: '' };
    if (this.found !== undefined && this.context.clock.now() < this.found.untilMs - MARGIN_MS)
      return this.found.credentials;
    this.found = await findKeys(profile, this.context, this.client, signal);
    return this.found.credentials;
  }

  private async assumeRole(
    signal: AbortSignal,
  ): Promise<{ ok: true; credentials: AwsCredentials } | { ok: false; outcome: NotifyOutcome }> {
    const { roleArn, externalId, useFipsEndpoint } = this.options;
    const region = this.region();
    const params = new URLSearchParams({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: SESSION_NAME,
    });
    if (externalId !== '') params.set('ExternalId', externalId);
    const url = awsUrl(useFipsEndpoint ? 'sts-fips' : 'sts', region);
    const scope = { credentials: await this.own(signal), region, service: 'sts' };
    const answer = await askAws(this.client, { url, params }, scope, this.context, signal);
    if (!answer.ok) return answer;
    const credentials = {
      accessKey: element(answer.text, 'AccessKeyId'),
      secretKey: element(answer.text, 'SecretAccessKey'),
      sessionToken: element(answer.text, 'SessionToken'),
    };
    if (credentials.accessKey === '' || credentials.secretKey === '')
      throw new Error(`AWS STS answered without credentials for role ${roleArn}`);
    const endMs = Date.parse(element(answer.text, 'Expiration'));
    this.kept = Number.isNaN(endMs) ? undefined : { credentials, untilMs: endMs - MARGIN_MS };
    return { ok: true, credentials };
  }
}
