// SPDX-License-Identifier: Apache-2.0
// Alertmanager's configuration file.

import type {
  AlertmanagerOptions,
  InhibitRuleOptions,
  ReceiverOptions,
  RouteOptions,
} from '../alertmanager/index.ts';
import { defaultHttpClientOptions } from '../base/index.ts';
import { isValidLabelName, quote } from '../model/index.ts';
import { type IdleSection, readLaterSections } from './alertmanager-later.ts';
import { readReceivers } from './alertmanager-receivers.ts';
import type { RouteReferences } from './alertmanager-route.ts';
import { checkRoot, readMatchers, readRoute } from './alertmanager-route.ts';
import { readTimeIntervals } from './alertmanager-time-interval.ts';
import { readHttpClient } from './http-section.ts';
import { maskSecrets } from './mask-secrets.ts';
import { readReceiverGlobals } from './receiver-fields.ts';
import { directoryOf, resolvePath } from './paths.ts';
import {
  ConfigError,
  type ConfigIssue,
  YamlFile,
  YamlMapping,
  type YamlValue,
} from './yaml-value.ts';

const DEFAULT_RESOLVE_TIMEOUT_MS = 300_000;

/** A whole configuration; receivers are still options. */
export interface AlertmanagerConfig extends Omit<AlertmanagerOptions, 'receivers'> {
  readonly receivers: readonly ReceiverOptions[];
  /** Patterns of template files, resolved. */
  readonly templates: readonly string[];
  /** What was accepted and has no effect in this version: worth a warning each. */
  readonly notYetSupported: readonly IdleSection[];
}

function readInhibitRule(value: YamlValue): InhibitRuleOptions {
  const mapping = new YamlMapping(value);
  const side = (name: string) =>
    readMatchers(mapping, {
      equal: `${name}_match`,
      regexp: `${name}_match_re`,
      list: `${name}_matchers`,
    });
  const equal = mapping.get('equal')?.texts() ?? [];
  for (const name of equal)
    if (!isValidLabelName(name, 'utf8'))
      mapping.get('equal')?.fail(`invalid label name ${quote(name)} in equal list`);
  const rule = {
    name: mapping.text('name') ?? '',
    sourceMatchers: side('source'),
    targetMatchers: side('target'),
    equal,
  };
  mapping.finish();
  return rule;
}

function checkReferences(
  references: RouteReferences,
  receivers: readonly ReceiverOptions[],
  intervals: ReadonlyMap<string, unknown>,
): void {
  const names = new Set(receivers.map(({ name }) => name));
  for (const [name, at] of references.receivers)
    if (!names.has(name)) at.fail(`undefined receiver ${quote(name)} used in route`);
  for (const [name, at] of references.intervals)
    if (!intervals.has(name)) at.fail(`undefined time interval ${quote(name)} used in route`);
}

const emptyRoute: RouteOptions = {
  receiver: '',
  groupBy: undefined,
  groupByAll: false,
  matchers: [],
  continues: false,
  routes: [],
  groupWaitMs: undefined,
  groupIntervalMs: undefined,
  repeatIntervalMs: undefined,
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  labels: {},
};

/**
 * Reads a configuration.
 *
 * @throws ConfigError with everything that is wrong
 */
export function parseAlertmanagerConfig(text: string, fileName: string): AlertmanagerConfig {
  const issues: ConfigIssue[] = [];
  const directory = directoryOf(fileName);
  const mapping = new YamlMapping(new YamlFile(fileName, text, issues).root());
  const globalValue = mapping.get('global');
  const global = globalValue === undefined ? undefined : new YamlMapping(globalValue);
  const httpValue = global?.get('http_config');
  const http = httpValue === undefined ? undefined : new YamlMapping(httpValue);
  const httpClient =
    http === undefined ? defaultHttpClientOptions : readHttpClient(http, directory);
  http?.finish();
  const resolveTimeoutMs = global?.duration('resolve_timeout') ?? DEFAULT_RESOLVE_TIMEOUT_MS;
  const nothing = new YamlMapping(new YamlFile('', '', []).root());
  const globals = readReceiverGlobals(global ?? nothing, directory, httpClient);
  const receivers = readReceivers(mapping.get('receivers'), globals);
  const timeIntervals = readTimeIntervals(mapping);
  const references: RouteReferences = { receivers: [], intervals: [] };
  const routeValue = mapping.get('route');
  if (routeValue === undefined) mapping.fail('no routes provided');
  const route = routeValue === undefined ? emptyRoute : readRoute(routeValue, references);
  if (routeValue !== undefined) checkRoot(route, routeValue);
  checkReferences(references, receivers, timeIntervals);
  const inhibitRules = (mapping.get('inhibit_rules')?.items() ?? []).map(readInhibitRule);
  const templates = (mapping.get('templates')?.texts() ?? []).map((path) =>
    resolvePath(directory, path),
  );
  const notYetSupported = readLaterSections(mapping, directory);
  global?.finish();
  mapping.finish();
  if (issues.length > 0) throw new ConfigError(issues);
  return {
    resolveTimeoutMs,
    route,
    inhibitRules,
    timeIntervals,
    receivers,
    templates,
    notYetSupported,
    original: maskSecrets(text),
  };
}
