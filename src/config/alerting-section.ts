// SPDX-License-Identifier: Apache-2.0
// `alerting`: where alerts go.

import type { RelabelRule } from '../model/index.ts';
import { quote } from '../model/index.ts';
import type { AlertmanagerSetOptions } from '../notifier/index.ts';
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
  const sigv4 = mapping.get('sigv4');
  if (sigv4 !== undefined)
    notYetSupported.push({ file: sigv4.file.name, path: sigv4.path, line: sigv4.line });
  const alertmanager: AlertmanagerSetOptions = {
    scheme,
    pathPrefix: mapping.text('path_prefix') ?? '',
    timeoutMs: mapping.duration('timeout') ?? DEFAULT_TIMEOUT_MS,
    relabelRules,
    alertRelabelRules: rules('alert_relabel_configs', NULL_ALERT_RULE),
    httpClient: readHttpClient(mapping, directory),
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
