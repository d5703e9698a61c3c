// SPDX-License-Identifier: Apache-2.0
// The keys of an HTTP client, which stand inline in scrape jobs and in most discovery entries.

import type {
  AuthorizationOptions,
  BasicAuthOptions,
  HttpClientOptions,
  HttpHeaderOptions,
  OAuth2Options,
  ProxyOptions,
  SecretSource,
  TlsOptions,
  TlsVersion,
} from '../base/index.ts';
import { quote } from '../model/index.ts';
import { directoryOf, resolvePath } from './paths.ts';
import {
  ConfigError,
  type ConfigIssue,
  YamlFile,
  YamlMapping,
  type YamlValue,
} from './yaml-value.ts';

/** Headers that requests need for themselves. */
const reservedHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
  'x-prometheus-scrape-timeout-seconds',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

/** `content-type` → `Content-Type`. */
const canonicalHeader = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

/** Reads `key` and `key_file`; reports when both are there. */
function secretSource(
  mapping: YamlMapping,
  key: string,
  directory: string,
  bothMessage: string,
): SecretSource | undefined {
  const value = mapping.text(key) ?? '';
  const file = mapping.text(`${key}_file`) ?? '';
  if (value !== '' && file !== '') mapping.fail(bothMessage);
  if (file !== '') return { file: resolvePath(directory, file) };
  return value === '' ? undefined : { value };
}

/** `{ key: value }`, or nothing: optional properties are absent, never undefined. */
const some = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

/** `basic_auth`; an empty one is allowed and sends empty credentials. */
function readBasicAuth(value: YamlValue, directory: string): BasicAuthOptions {
  const mapping = new YamlMapping(value);
  const both = (key: string): string =>
    `at most one of basic_auth ${key} & ${key}_file must be configured`;
  const options = {
    ...some('username', secretSource(mapping, 'username', directory, both('username'))),
    ...some('password', secretSource(mapping, 'password', directory, both('password'))),
  };
  mapping.finish();
  return options;
}

function readAuthorization(value: YamlValue, directory: string): AuthorizationOptions {
  const mapping = new YamlMapping(value);
  const type = mapping.text('type')?.trim() || 'Bearer';
  if (type.toLowerCase() === 'basic')
    mapping.fail('authorization type cannot be set to "basic", use "basic_auth" instead');
  const both = 'at most one of authorization credentials & credentials_file must be configured';
  const credentials = secretSource(mapping, 'credentials', directory, both) ?? {};
  mapping.finish();
  return { type, credentials };
}

const tlsVersions: readonly TlsVersion[] = ['TLS10', 'TLS11', 'TLS12', 'TLS13'];

function readTlsVersion(value: YamlValue | undefined): TlsVersion | undefined {
  const text = value?.text();
  if (!value || text === undefined) return undefined;
  return (
    tlsVersions.find((version) => version === text) ?? value.fail(`unknown TLS version: ${text}`)
  );
}

/**
 * `tls_config`. Whether the files exist is not asked here: they may appear later, and are read when a
 * connection is made.
 */
export function readTls(value: YamlValue, directory: string): TlsOptions {
  const mapping = new YamlMapping(value);
  const both = (key: string): string => `at most one of ${key} and ${key}_file must be configured`;
  const ca = secretSource(mapping, 'ca', directory, both('ca'));
  const cert = secretSource(mapping, 'cert', directory, both('cert'));
  const key = secretSource(mapping, 'key', directory, both('key'));
  const wants = (what: string, has: string): string =>
    `exactly one of ${what} or ${what}_file must be configured when a client ${has} is configured`;
  if (cert && !key) mapping.fail(wants('key', 'certificate'));
  if (key && !cert) mapping.fail(wants('cert', 'key'));
  const options = {
    ...some('ca', ca),
    ...some('cert', cert),
    ...some('key', key),
    ...some('serverName', mapping.text('server_name') || undefined),
    insecureSkipVerify: mapping.boolean('insecure_skip_verify') ?? false,
    ...some('minVersion', readTlsVersion(mapping.get('min_version'))),
    ...some('maxVersion', readTlsVersion(mapping.get('max_version'))),
  };
  mapping.finish();
  return options;
}

/** A URL that can be asked; reports anything else. */
export function readUrl(value: YamlValue | undefined): string | undefined {
  const text = value?.text();
  if (!value || text === undefined || text === '') return undefined;
  return value.attempt(() => {
    try {
      new URL(text);
    } catch {
      throw new Error(`parse ${quote(text)}: not a valid URL`);
    }
    return text;
  });
}

/** A proxy's URL: as in Go, anything that could be part of one; what is no proxy fails when it is used. */
function readProxyUrl(value: YamlValue | undefined): string | undefined {
  const text = value?.text() ?? '';
  if (value === undefined || text === '') return undefined;
  value.attempt(() => {
    try {
      new URL(text, 'http://proxy');
    } catch {
      throw new Error(`parse ${quote(text)}: not a valid URL`);
    }
  });
  return text;
}

/** The proxy keys, which stand inline beside others. */
function readProxy(mapping: YamlMapping): ProxyOptions {
  const proxyUrl = readProxyUrl(mapping.get('proxy_url'));
  const noProxy = mapping.text('no_proxy') || undefined;
  const fromEnvironment = mapping.boolean('proxy_from_environment') ?? false;
  const connectHeader: Record<string, readonly string[]> = {};
  for (const [name, { value }] of mapping.get('proxy_connect_header')?.entries() ?? [])
    connectHeader[name] = value.texts();
  const hasConnectHeader = Object.keys(connectHeader).length > 0;
  if (hasConnectHeader && !proxyUrl && !fromEnvironment)
    mapping.fail(
      'if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured',
    );
  if (fromEnvironment && proxyUrl)
    mapping.fail('if proxy_from_environment is configured, proxy_url must not be configured');
  if (fromEnvironment && noProxy)
    mapping.fail('if proxy_from_environment is configured, no_proxy must not be configured');
  if (noProxy && !proxyUrl && !fromEnvironment)
    mapping.fail('if no_proxy is configured, proxy_url must also be configured');
  return {
    ...some('proxyUrl', proxyUrl),
    ...some('noProxy', noProxy),
    ...some('proxyFromEnvironment', fromEnvironment || undefined),
    ...some('proxyConnectHeader', hasConnectHeader ? connectHeader : undefined),
  };
}

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

function readGrantType(mapping: YamlMapping): OAuth2Options['grantType'] {
  const text = mapping.text('grant_type') ?? '';
  if (text === '' || text === 'client_credentials') return 'client_credentials';
  if (text === jwtBearer) return jwtBearer;
  mapping.get('grant_type')?.fail(`unsupported grant_type ${quote(text)}`);
  return 'client_credentials';
}

function readAlgorithm(value: YamlValue | undefined): OAuth2Options['signatureAlgorithm'] {
  const text = value?.text();
  if (!value || text === undefined || text === '') return undefined;
  if (text === 'RS256' || text === 'RS384' || text === 'RS512') return text;
  value.fail(`signature_algorithm must be RS256, RS384 or RS512, not ${quote(text)}`);
  return undefined;
}

function readClaims(value: YamlValue | undefined): Readonly<Record<string, unknown>> | undefined {
  if (!value) return undefined;
  const claims: Record<string, unknown> = {};
  for (const [name, entry] of value.entries()) claims[name] = entry.value.toPlain();
  return claims;
}

/** `oauth2`; the certificate keys belong to the JWT bearer grant. */
function readOAuth2(value: YamlValue, directory: string): OAuth2Options {
  const mapping = new YamlMapping(value);
  const both = (key: string): string =>
    `at most one of oauth2 ${key} & ${key}_file must be configured`;
  const secret = secretSource(mapping, 'client_secret', directory, both('client_secret'));
  const keyName = 'client_certificate_key';
  const key = secretSource(mapping, keyName, directory, both(keyName));
  const clientId = mapping.text('client_id') ?? '';
  const tokenUrl = mapping.text('token_url') ?? '';
  const grantType = readGrantType(mapping);
  if (clientId === '') mapping.fail('oauth2 client_id must be configured');
  if (tokenUrl === '') mapping.fail('oauth2 token_url must be configured');
  if (grantType === jwtBearer && !key)
    mapping.fail('oauth2 client_certificate_key or client_certificate_key_file must be configured');
  const tls = mapping.get('tls_config');
  const options = {
    grantType,
    clientId,
    tokenUrl,
    ...some('clientSecret', secret),
    scopes: mapping.get('scopes')?.texts() ?? [],
    endpointParams: Object.fromEntries(mapping.get('endpoint_params')?.textEntries() ?? []),
    ...some('tls', tls && readTls(tls, directory)),
    ...some('clientCertificateKey', key),
    ...some('clientCertificateKeyId', mapping.text('client_certificate_key_id') || undefined),
    ...some('signatureAlgorithm', readAlgorithm(mapping.get('signature_algorithm'))),
    ...some('issuer', mapping.text('iss') || undefined),
    ...some('audience', mapping.text('audience') || undefined),
    ...some('claims', readClaims(mapping.get('claims'))),
    ...readProxy(mapping),
  };
  mapping.finish();
  return options;
}

/** `http_headers`: their names are kept in canonical form, as upstream sends and shows them. */
export function readHeaders(
  value: YamlValue | undefined,
  directory: string,
): Readonly<Record<string, HttpHeaderOptions>> | undefined {
  if (!value) return undefined;
  const headers: Record<string, HttpHeaderOptions> = {};
  for (const [name, { value: header }] of value.entries()) {
    const canonical = canonicalHeader(name);
    if (reservedHeaders.has(name.toLowerCase()))
      header.fail(`setting header ${quote(canonical)} is not allowed`);
    const mapping = new YamlMapping(header);
    headers[canonical] = {
      values: mapping.get('values')?.texts() ?? [],
      secrets: mapping.get('secrets')?.texts() ?? [],
      files: (mapping.get('files')?.texts() ?? []).map((file) => resolvePath(directory, file)),
    };
    mapping.finish();
  }
  return headers;
}

/** The old keys `bearer_token` and `bearer_token_file`, as an authorization. */
function readBearerToken(mapping: YamlMapping, directory: string): SecretSource | undefined {
  const both = 'at most one of bearer_token & bearer_token_file must be configured';
  return secretSource(mapping, 'bearer_token', directory, both);
}

/**
 * Reads the inline HTTP client keys of `mapping`, which then knows them.
 *
 * @param directory what relative paths count from
 */
export function readHttpClient(mapping: YamlMapping, directory: string): HttpClientOptions {
  const basic = mapping.get('basic_auth');
  const authorization = mapping.get('authorization');
  const oauth2 = mapping.get('oauth2');
  const tls = mapping.get('tls_config');
  const bearer = readBearerToken(mapping, directory);
  const report = (message: string): void => mapping.fail(message);
  if ((basic || oauth2) && bearer)
    report(
      'at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured',
    );
  if (authorization && bearer)
    report('authorization is not compatible with bearer_token & bearer_token_file');
  if ([basic, authorization, oauth2].filter((section) => section !== undefined).length > 1)
    report('at most one of basic_auth, oauth2 & authorization must be configured');
  const fromBearer = bearer && { type: 'Bearer', credentials: bearer };
  return {
    ...some('basicAuth', basic && readBasicAuth(basic, directory)),
    ...some(
      'authorization',
      authorization ? readAuthorization(authorization, directory) : fromBearer,
    ),
    ...some('oauth2', oauth2 && readOAuth2(oauth2, directory)),
    ...some('tls', tls && readTls(tls, directory)),
    ...readProxy(mapping),
    ...some('httpHeaders', readHeaders(mapping.get('http_headers'), directory)),
    followRedirects: mapping.boolean('follow_redirects') ?? true,
    enableHttp2: mapping.boolean('enable_http2') ?? true,
  };
}

/**
 * Reads a file that holds nothing but the keys of an HTTP client.
 *
 * @throws ConfigError
 */
export function parseHttpClientFile(text: string, fileName: string): HttpClientOptions {
  const issues: ConfigIssue[] = [];
  const mapping = new YamlMapping(new YamlFile(fileName, text, issues).root());
  const options = readHttpClient(mapping, directoryOf(fileName));
  mapping.finish();
  if (issues.length > 0) throw new ConfigError(issues);
  return options;
}
