// SPDX-License-Identifier: Apache-2.0
// `global`: what jobs inherit.

import {
  isValidLabelName,
  type Labels,
  type NameScheme,
  labelsFrom,
  quote,
} from '../model/index.ts';
import type { EscapingScheme, ScrapeProtocol } from '../scrape/index.ts';
import { resolvePath } from './paths.ts';
import { readProtocols } from './protocols.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  /** Undefined: chosen for each job. */
  readonly scrapeProtocols: readonly ScrapeProtocol[] | undefined;
  readonly evaluationIntervalMs: number;
  readonly ruleQueryOffsetMs: number;
  /** '' = none. */
  readonly queryLogFile: string;
  readonly scrapeFailureLogFile: string;
  readonly externalLabels: Labels;
  readonly bodySizeLimitBytes: number;
  readonly sampleLimit: number;
  readonly targetLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly keepDroppedTargets: number;
  readonly metricNameValidationScheme: NameScheme;
  /** Undefined: follows from the validation scheme. */
  readonly metricNameEscapingScheme: EscapingScheme | undefined;
  readonly scrapeNativeHistograms: boolean;
  readonly convertClassicHistogramsToNhcb: boolean;
  readonly alwaysScrapeClassicHistograms: boolean;
  readonly extraScrapeMetrics: boolean;
}

export const defaultGlobalConfig: GlobalConfig = {
  scrapeIntervalMs: 60_000,
  scrapeTimeoutMs: 10_000,
  scrapeProtocols: undefined,
  evaluationIntervalMs: 60_000,
  ruleQueryOffsetMs: 0,
  queryLogFile: '',
  scrapeFailureLogFile: '',
  externalLabels: [],
  bodySizeLimitBytes: 0,
  sampleLimit: 0,
  targetLimit: 0,
  labelLimit: 0,
  labelNameLengthLimit: 0,
  labelValueLengthLimit: 0,
  keepDroppedTargets: 0,
  metricNameValidationScheme: 'utf8',
  metricNameEscapingScheme: 'allow-utf-8',
  scrapeNativeHistograms: false,
  convertClassicHistogramsToNhcb: false,
  alwaysScrapeClassicHistograms: false,
  extraScrapeMetrics: false,
};

/** `metric_name_validation_scheme`; undefined when not given. */
export function readNameScheme(value: YamlValue | undefined): NameScheme | undefined {
  const text = value?.text();
  if (!value || text === undefined || text === '') return undefined;
  if (text === 'utf8' || text === 'legacy') return text;
  return value.fail(`unrecognized ValidationScheme: ${quote(text)}`);
}

const escapingSchemes: readonly EscapingScheme[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

/** `metric_name_escaping_scheme`; undefined when not given. */
export function readEscapingScheme(
  value: YamlValue | undefined,
  where: 'global' | 'scrape config',
): EscapingScheme | undefined {
  const text = value?.text();
  if (!value || text === undefined || text === '') return undefined;
  const known = escapingSchemes.map((scheme) => `'${scheme}'`);
  const listed = `${known.slice(0, -1).join(', ')}, or ${known[known.length - 1]}`;
  return (
    escapingSchemes.find((scheme) => scheme === text) ??
    value.fail(
      `unknown ${where} name escaping method specified, must be one of ${listed}, got ${quote(text)}`,
    )
  );
}

/** What `$name`, `${name}` and `$$` stand for in external labels. */
export interface Expansion {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of variables that are empty or not set. */
  readonly onEmpty: (name: string) => void;
}

const shellName = /\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*|[*#$@!?\-0-9])|(\{))/g;

/** As Go's os.Expand: a `$` that no name follows stays as it is. */
function expand(text: string, { environment, onEmpty }: Expansion): string {
  return text.replace(shellName, (_whole, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    if (name === '$') return '$';
    if (name === '') return '';
    const value = environment[name] ?? '';
    if (value === '') onEmpty(name);
    return value;
  });
}

/** Labels whose variables turn out empty vanish, since an empty label is no label. */
function readExternalLabels(
  value: YamlValue | undefined,
  scheme: NameScheme,
  expansion: Expansion,
): Labels {
  const pairs: [string, string][] = [];
  for (const [name, entry] of value?.entries() ?? []) {
    if (!isValidLabelName(name, scheme))
      entry.value.fail(`${quote(name)} is not a valid label name`);
    const text = entry.value.isNull ? '' : entry.value.text();
    if (text !== undefined) pairs.push([name, expand(text, expansion)]);
  }
  return labelsFrom(pairs);
}

/** The interval and a timeout that fits into it. */
function readTiming(mapping: YamlMapping): { interval: number; timeout: number } {
  const interval = mapping.duration('scrape_interval') || defaultGlobalConfig.scrapeIntervalMs;
  const timeoutValue = mapping.get('scrape_timeout');
  const timeout = timeoutValue?.duration() ?? 0;
  if (timeout > interval) timeoutValue?.fail('global scrape timeout greater than scrape interval');
  const fitting = Math.min(defaultGlobalConfig.scrapeTimeoutMs, interval);
  return { interval, timeout: timeout || fitting };
}

/** Reads `global`; absent and empty sections give the defaults. */
export function readGlobal(
  value: YamlValue | undefined,
  directory: string,
  expansion: Expansion,
): GlobalConfig {
  if (!value || value.isNull) return defaultGlobalConfig;
  const mapping = new YamlMapping(value);
  const { interval, timeout } = readTiming(mapping);
  const scheme = readNameScheme(mapping.get('metric_name_validation_scheme')) ?? 'utf8';
  const count = (key: string): number => mapping.count(key) ?? 0;
  const flag = (key: string): boolean => mapping.boolean(key) ?? false;
  const config: GlobalConfig = {
    scrapeIntervalMs: interval,
    scrapeTimeoutMs: timeout,
    scrapeProtocols: readProtocols(mapping.get('scrape_protocols'), 'for global config'),
    evaluationIntervalMs:
      mapping.duration('evaluation_interval') || defaultGlobalConfig.evaluationIntervalMs,
    ruleQueryOffsetMs: mapping.duration('rule_query_offset') ?? 0,
    queryLogFile: resolvePath(directory, mapping.text('query_log_file') ?? ''),
    scrapeFailureLogFile: resolvePath(directory, mapping.text('scrape_failure_log_file') ?? ''),
    externalLabels: readExternalLabels(mapping.get('external_labels'), scheme, expansion),
    bodySizeLimitBytes: mapping.byteSize('body_size_limit') ?? 0,
    sampleLimit: count('sample_limit'),
    targetLimit: count('target_limit'),
    labelLimit: count('label_limit'),
    labelNameLengthLimit: count('label_name_length_limit'),
    labelValueLengthLimit: count('label_value_length_limit'),
    keepDroppedTargets: count('keep_dropped_targets'),
    metricNameValidationScheme: scheme,
    metricNameEscapingScheme: readEscapingScheme(
      mapping.get('metric_name_escaping_scheme'),
      'global',
    ),
    scrapeNativeHistograms: flag('scrape_native_histograms'),
    convertClassicHistogramsToNhcb: flag('convert_classic_histograms_to_nhcb'),
    alwaysScrapeClassicHistograms: flag('always_scrape_classic_histograms'),
    extraScrapeMetrics: flag('extra_scrape_metrics'),
  };
  mapping.finish();
  return config;
}
