// SPDX-License-Identifier: Apache-2.0
// `alerting`: where alerts go.

import type { RelabelRule } from '../model/index.ts';
import { quote } from '../model/index.ts';
import type { AlertmanagerSetOptions, SigV4Options } from '../notifier/index.ts';
import { type DiscoverySection, type NotYetSupported, readDiscovery } from './discovery-section.ts';
import type { GlobalConfig } from './global-section.ts';
import { readHttpClient } from './http-section.ts';
import { readRelabelRules } from './relabel-section.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

const NULL_ALERT_RULE = 'empty or null alert relabeling rule';
const DEFAULT_TIMEOUT_MS = 10_000;

export interface AlertmanagerEntry {
  readonly alertmanager: AlertmanagerSetOptions;
  readonly discovery: DiscoverySection;
}

export interface AlertingConfig {
  readonly alertRelabelRules: readonly RelabelRule[];
  readonly alertmanagers: readonly AlertmanagerEntry[];
}

export const noAlerting: AlertingConfig = { alertRelabelRules: [], alertmanagers: [] };

interface Context {
  readonly global: GlobalConfig;
  readonly directory: string;
  readonly notYetSupported: NotYetSupported[];
}

function readSigV4(value: YamlValue): SigV4Options {
  const mapping = new YamlMapping(value);
  const text = (key: string): string => mapping.text(key) ?? '';
  const [accessKey, secretKey] = [text('access_key'), text('secret_key')];
  if ((accessKey === '') !== (secretKey === ''))
    value.fail(
      'must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config',
    );
  const [roleArn, externalId] = [text('role_arn'), text('external_id')];
  if (externalId !== '' && roleArn === '') value.fail('external_id can only be used with role_arn');
  // Keys that are given are used whatever the profile says.
  if (text('profile') !== '' && accessKey === '')
    mapping
      .get('profile')
      ?.fail(
        'profiles of shared AWS files are not read by this version: give access_key and secret_key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      );
  const region = text('region');
  const useFipsEndpoint = mapping.boolean('use_fips_sts_endpoint') ?? false;
  mapping.finish();
  return { region, accessKey, secretKey, roleArn, externalId, useFipsEndpoint };
}

function readAlertmanager(value: YamlValue, context: Context): AlertmanagerEntry {
  const { global, directory, notYetSupported } = context;
  const mapping = new YamlMapping(value);
  const scheme = mapping.text('scheme') ?? 'http';
  const version = mapping.get('api_version');
  const api = version?.text() ?? 'v2';
  if (api !== 'v2')
    version?.fail(`expected Alertmanager api version to be one of [v2] but got ${api}`);
  const rules = (key: string, nullMessage: string): readonly RelabelRule[] =>
    readRelabelRules(mapping, key, nullMessage, global.metricNameValidationScheme);
  const relabelRules = rules(
    'relabel_configs',
    'empty or null Alertmanager target relabeling rule',
  );
  const httpClient = readHttpClient(mapping, directory);
  const signing = mapping.get('sigv4');
  const sigv4 = signing === undefined ? undefined : readSigV4(signing);
  const { basicAuth, authorization, oauth2 } = httpClient;
  if (sigv4 !== undefined && (basicAuth ?? authorization ?? oauth2) !== undefined)
    signing?.fail('at most one of basic_auth, authorization, oauth2, & sigv4 must be configured');
  const alertmanager: AlertmanagerSetOptions = {
    scheme,
    pathPrefix: mapping.text('path_prefix') ?? '',
    timeoutMs: mapping.duration('timeout') ?? DEFAULT_TIMEOUT_MS,
    relabelRules,
    alertRelabelRules: rules('alert_relabel_configs', NULL_ALERT_RULE),
    httpClient,
    ...(sigv4 === undefined ? {} : { sigv4 }),
  };
  if (scheme !== 'http' && scheme !== 'https')
    mapping.get('scheme')?.fail(`unsupported scheme ${quote(scheme)}: http or https`);
  const discovery = readDiscovery(mapping, directory, relabelRules.length > 0, notYetSupported);
  mapping.finish();
  return { alertmanager, discovery };
}

/** Reads the section; nothing is sent anywhere without it. */
export function readAlerting(value: YamlValue | undefined, context: Context): AlertingConfig {
  if (value === undefined) return noAlerting;
  const mapping = new YamlMapping(value);
  const alertRelabelRules = readRelabelRules(
    mapping,
    'alert_relabel_configs',
    NULL_ALERT_RULE,
    context.global.metricNameValidationScheme,
  );
  const alertmanagers = mapping
    .items('alertmanagers', 'empty or null alertmanager config section')
    .map((item) => readAlertmanager(item, context));
  mapping.finish();
  return { alertRelabelRules, alertmanagers };
}
