// SPDX-License-Identifier: Apache-2.0
// What the readers of the integrations share: defaults of `global`, secrets, HTTP clients.

import type { HttpClientOptions, SecretSource, TlsOptions } from '../base/index.ts';
import { readHttpClient, readTls } from './http-section.ts';
import { resolvePath } from './paths.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** Mail settings of `global`. */
export interface SmtpGlobals {
  readonly from: string;
  readonly hello: string;
  readonly smarthost: string;
  readonly username: string;
  readonly password: SecretSource | undefined;
  readonly secret: SecretSource | undefined;
  readonly requireTls: boolean;
  readonly tls: TlsOptions | undefined;
  readonly implicitTls: boolean | undefined;
}

/** `host:port`; reports anything else. */
export function readHostPort(mapping: YamlMapping, key: string, absent: string): string {
  const value = mapping.get(key);
  const text = value?.text() ?? '';
  if (value === undefined || text === '') return absent;
  if (!/^.+:\d+$/.test(text)) value.fail(`address ${text}: missing port in address`);
  return text;
}

/** `…tls_config`. */
export function readTlsSection(
  mapping: YamlMapping,
  key: string,
  directory: string,
): TlsOptions | undefined {
  const value = mapping.get(key);
  return value === undefined ? undefined : readTls(value, directory);
}

function readSmtpGlobals(mapping: YamlMapping, directory: string): SmtpGlobals {
  mapping.text('smtp_auth_identity');
  return {
    from: mapping.text('smtp_from') ?? '',
    hello: mapping.text('smtp_hello') ?? 'localhost',
    smarthost: readHostPort(mapping, 'smtp_smarthost', ''),
    username: mapping.text('smtp_auth_username') ?? '',
    password: readSecret(mapping, 'smtp_auth_password', directory),
    secret: readSecret(mapping, 'smtp_auth_secret', directory),
    requireTls: mapping.boolean('smtp_require_tls') ?? true,
    tls: readTlsSection(mapping, 'smtp_tls_config', directory),
    implicitTls: mapping.boolean('smtp_force_implicit_tls'),
  };
}

/** The part of `global` that receivers fall back to. '' and undefined: not set. */
export interface ReceiverGlobals {
  readonly directory: string;
  readonly httpClient: HttpClientOptions;
  readonly smtp: SmtpGlobals;
  readonly slackApiUrl: SecretSource | undefined;
  readonly slackAppToken: SecretSource | undefined;
  readonly slackAppUrl: string;
  readonly pagerdutyUrl: string;
  readonly opsgenieApiKey: SecretSource | undefined;
  readonly opsgenieApiUrl: string;
  readonly victoropsApiKey: SecretSource | undefined;
  readonly victoropsApiUrl: string;
  readonly wechatApiUrl: string;
  readonly wechatApiSecret: SecretSource | undefined;
  readonly wechatCorpId: string;
  readonly telegramApiUrl: string;
  readonly telegramBotToken: SecretSource | undefined;
  readonly webexApiUrl: string;
  readonly rocketchatApiUrl: string;
  readonly rocketchatToken: SecretSource | undefined;
  readonly rocketchatTokenId: SecretSource | undefined;
  readonly jiraApiUrl: string;
  readonly mattermostWebhookUrl: SecretSource | undefined;
}

const slashed = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/** A secret under `key`, or in the file under `key_file`. */
export function readSecret(
  mapping: YamlMapping,
  key: string,
  directory: string,
): SecretSource | undefined {
  const value = mapping.text(key) ?? '';
  const file = mapping.text(`${key}_file`) ?? '';
  if (value !== '' && file !== '')
    mapping.fail(`at most one of ${key} & ${key}_file must be configured`);
  if (file !== '') return { file: resolvePath(directory, file) };
  return value === '' ? undefined : { value };
}

/** A URL, or `absent`; reports what is none. */
export function readHttpUrl(mapping: YamlMapping, key: string, absent: string): string {
  const value = mapping.get(key);
  const url = value?.text() ?? '';
  if (value === undefined || url === '') return absent;
  if (!/^https?:\/\/./i.test(url)) {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] ?? '';
    value.fail(`unsupported scheme ${JSON.stringify(scheme)} for URL`);
  }
  return url;
}

/** A secret URL, in place or in a file. */
export function readSecretUrl(
  mapping: YamlMapping,
  key: string,
  directory: string,
): SecretSource | undefined {
  const secret = readSecret(mapping, key, directory);
  if (secret?.value !== undefined) readHttpUrl(mapping, key, '');
  return secret;
}

/** Reads `global`'s receiver keys. */
export function readReceiverGlobals(
  mapping: YamlMapping,
  directory: string,
  httpClient: HttpClientOptions,
): ReceiverGlobals {
  const secret = (key: string): SecretSource | undefined => readSecret(mapping, key, directory);
  const url = (key: string, absent: string): string => readHttpUrl(mapping, key, absent);
  const slackApiUrl = readSecretUrl(mapping, 'slack_api_url', directory);
  const slackAppToken = secret('slack_app_token');
  const slackAppUrl = url('slack_app_url', 'https://slack.com/api/chat.postMessage');
  // An old way to say "use the API" is to name its URL in place of a webhook's.
  const isWebhook = slackApiUrl !== undefined && slackApiUrl.value !== slackAppUrl;
  if (isWebhook && slackAppToken !== undefined)
    mapping.fail(
      'at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured',
    );
  return {
    directory,
    httpClient,
    smtp: readSmtpGlobals(mapping, directory),
    slackApiUrl,
    slackAppToken,
    slackAppUrl,
    pagerdutyUrl: url('pagerduty_url', 'https://events.pagerduty.com/v2/enqueue'),
    opsgenieApiKey: secret('opsgenie_api_key'),
    opsgenieApiUrl: slashed(url('opsgenie_api_url', 'https://api.opsgenie.com/')),
    victoropsApiKey: secret('victorops_api_key'),
    victoropsApiUrl: slashed(
      url('victorops_api_url', 'https://alert.victorops.com/integrations/generic/20131114/alert/'),
    ),
    wechatApiUrl: slashed(url('wechat_api_url', 'https://qyapi.weixin.qq.com/cgi-bin/')),
    wechatApiSecret: secret('wechat_api_secret'),
    wechatCorpId: mapping.text('wechat_api_corp_id') ?? '',
    telegramApiUrl: url('telegram_api_url', 'https://api.telegram.org'),
    telegramBotToken: secret('telegram_bot_token'),
    webexApiUrl: url('webex_api_url', 'https://webexapis.com/v1/messages'),
    rocketchatApiUrl: url('rocketchat_api_url', 'https://open.rocket.chat/'),
    rocketchatToken: secret('rocketchat_token'),
    rocketchatTokenId: secret('rocketchat_token_id'),
    jiraApiUrl: url('jira_api_url', ''),
    mattermostWebhookUrl: readSecretUrl(mapping, 'mattermost_webhook_url', directory),
  };
}

/** One entry of a `…_configs` list being read. */
export class IntegrationReader {
  readonly mapping: YamlMapping;
  readonly globals: ReceiverGlobals;

  constructor(value: YamlValue, globals: ReceiverGlobals) {
    this.mapping = new YamlMapping(value);
    this.globals = globals;
  }

  /** What every integration has. */
  base(sendResolved: boolean): { sendResolved: boolean; httpClient: HttpClientOptions } {
    return {
      sendResolved: this.mapping.boolean('send_resolved') ?? sendResolved,
      httpClient: this.httpClient(),
    };
  }

  private httpClient(): HttpClientOptions {
    const value = this.mapping.get('http_config');
    if (value === undefined) return this.globals.httpClient;
    const own = new YamlMapping(value);
    const options = readHttpClient(own, this.globals.directory);
    own.finish();
    return options;
  }

  text(key: string, absent = ''): string {
    // `key: ""` says "nothing", which is not the default.
    const value = this.mapping.getOrNull(key);
    return value === undefined || value.isNull ? absent : (value.text() ?? absent);
  }

  boolean(key: string): boolean {
    return this.mapping.boolean(key) ?? false;
  }

  duration(key: string, absentMs = 0): number {
    return this.mapping.duration(key) ?? absentMs;
  }

  texts(key: string, absent: readonly string[] = []): readonly string[] {
    return this.mapping.get(key)?.texts() ?? absent;
  }

  map(key: string): Record<string, string> {
    return Object.fromEntries(this.mapping.get(key)?.textEntries() ?? []);
  }

  secret(key: string): SecretSource | undefined {
    return readSecret(this.mapping, key, this.globals.directory);
  }

  secretUrl(key: string): SecretSource | undefined {
    return readSecretUrl(this.mapping, key, this.globals.directory);
  }

  url(key: string, absent: string): string {
    return readHttpUrl(this.mapping, key, absent);
  }

  /** A list of mappings, each read by `read`. */
  list<Item>(key: string, read: (item: IntegrationReader) => Item): Item[] {
    return this.mapping.items(key, `empty or null entry in ${key}`).map((value) => {
      const item = new IntegrationReader(value, this.globals);
      const result = read(item);
      item.finish();
      return result;
    });
  }

  /** A mapping that may be missing. */
  inner<Item>(key: string, read: (item: IntegrationReader) => Item): Item | undefined {
    const value = this.mapping.get(key);
    if (value === undefined) return undefined;
    const item = new IntegrationReader(value, this.globals);
    const result = read(item);
    item.finish();
    return result;
  }

  finish(): void {
    this.mapping.finish();
  }
}
