// SPDX-License-Identifier: Apache-2.0
// One entry of `scrape_configs`.

import { type NameScheme, quote } from '../model/index.ts';
import {
  defaultScrapeProtocols,
  type EscapingScheme,
  type ScrapeOptions,
  ScrapeProtocol,
} from '../scrape/index.ts';
import { type DiscoverySection, type NotYetSupported, readDiscovery } from './discovery-section.ts';
import { type GlobalConfig, readEscapingScheme, readNameScheme } from './global-section.ts';
import { readHttpClient } from './http-section.ts';
import { resolvePath } from './paths.ts';
import { readFallbackProtocol, readProtocols } from './protocols.ts';
import { readRelabelRules } from './relabel-section.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** One scrape job: how its targets are scraped and how they are found. */
export interface ScrapeJob {
  readonly scrape: ScrapeOptions;
  readonly discovery: DiscoverySection;
  /** The file that holds it. */
  readonly file: string;
}

/** What reading a job needs to know of the whole. */
export interface JobContext {
  readonly global: GlobalConfig;
  /** What the job's relative paths count from. */
  readonly directory: string;
  readonly notYetSupported: NotYetSupported[];
  /** The flags want start times of counters. */
  readonly protobufFirst?: boolean;
}

/** Protobuf goes first where native histograms are wanted: only it carries them. */
const protoFirstProtocols: readonly ScrapeProtocol[] = [
  ScrapeProtocol.protobuf,
  ...defaultScrapeProtocols,
];

interface NameSchemes {
  readonly validation: NameScheme;
  readonly escaping: EscapingScheme;
}

const naturalEscaping = (validation: NameScheme): EscapingScheme =>
  validation === 'legacy' ? 'underscores' : 'allow-utf-8';

/** Validation and escaping: own, else global, else what fits the other one. */
function readNameSchemes(mapping: YamlMapping, global: GlobalConfig): NameSchemes {
  const own = readNameScheme(mapping.get('metric_name_validation_scheme'));
  const validation = own ?? global.metricNameValidationScheme;
  const inherited =
    global.metricNameEscapingScheme ?? naturalEscaping(global.metricNameValidationScheme);
  const ownEscaping = readEscapingScheme(
    mapping.get('metric_name_escaping_scheme'),
    'scrape config',
  );
  const escaping = ownEscaping ?? (own === undefined ? inherited : naturalEscaping(own));
  if (escaping === 'allow-utf-8' && validation === 'legacy')
    mapping.fail('utf8 metric names requested but validation scheme is not set to UTF8');
  return { validation, escaping };
}

/** An interval of 0 means "not set", as upstream has it; the inherited timeout shrinks to fit. */
function readTiming(
  mapping: YamlMapping,
  global: GlobalConfig,
  where: string,
): Pick<ScrapeOptions, 'scrapeIntervalMs' | 'scrapeTimeoutMs'> {
  const scrapeIntervalMs = mapping.duration('scrape_interval') || global.scrapeIntervalMs;
  const timeout = mapping.get('scrape_timeout');
  const own = timeout?.duration() ?? 0;
  if (own > scrapeIntervalMs) timeout?.fail(`scrape timeout greater than scrape interval ${where}`);
  const scrapeTimeoutMs = own || Math.min(global.scrapeTimeoutMs, scrapeIntervalMs);
  return { scrapeIntervalMs, scrapeTimeoutMs };
}

type Limits = Pick<
  ScrapeOptions,
  | 'bodySizeLimitBytes'
  | 'sampleLimit'
  | 'targetLimit'
  | 'labelLimit'
  | 'labelNameLengthLimit'
  | 'labelValueLengthLimit'
  | 'keepDroppedTargets'
  | 'nativeHistogramBucketLimit'
  | 'nativeHistogramMinBucketFactor'
>;

/** 0 in a job does not lift the global limit: upstream cannot tell it from "not set" either. */
function readLimits(mapping: YamlMapping, global: GlobalConfig): Limits {
  const count = (key: string, inherited: number): number => mapping.count(key) || inherited;
  return {
    bodySizeLimitBytes: mapping.byteSize('body_size_limit') || global.bodySizeLimitBytes,
    sampleLimit: count('sample_limit', global.sampleLimit),
    targetLimit: count('target_limit', global.targetLimit),
    labelLimit: count('label_limit', global.labelLimit),
    labelNameLengthLimit: count('label_name_length_limit', global.labelNameLengthLimit),
    labelValueLengthLimit: count('label_value_length_limit', global.labelValueLengthLimit),
    keepDroppedTargets: count('keep_dropped_targets', global.keepDroppedTargets),
    nativeHistogramBucketLimit: count('native_histogram_bucket_limit', 0),
    nativeHistogramMinBucketFactor:
      mapping.get('native_histogram_min_bucket_factor')?.number() ?? 0,
  };
}

type Histograms = Pick<
  ScrapeOptions,
  | 'scrapeNativeHistograms'
  | 'alwaysScrapeClassicHistograms'
  | 'convertClassicHistogramsToNhcb'
  | 'extraScrapeMetrics'
  | 'scrapeProtocols'
>;

/** What to make of histograms, and the protocols that follow from it. */
function readHistograms(
  mapping: YamlMapping,
  { global, protobufFirst }: JobContext,
  where: string,
): Histograms {
  const native = mapping.boolean('scrape_native_histograms') ?? global.scrapeNativeHistograms;
  const chosen =
    global.scrapeProtocols ??
    (native || protobufFirst ? protoFirstProtocols : defaultScrapeProtocols);
  return {
    scrapeNativeHistograms: native,
    alwaysScrapeClassicHistograms:
      mapping.boolean('always_scrape_classic_histograms') ?? global.alwaysScrapeClassicHistograms,
    convertClassicHistogramsToNhcb:
      mapping.boolean('convert_classic_histograms_to_nhcb') ??
      global.convertClassicHistogramsToNhcb,
    extraScrapeMetrics: mapping.boolean('extra_scrape_metrics') ?? global.extraScrapeMetrics,
    scrapeProtocols: readProtocols(mapping.get('scrape_protocols'), where) ?? chosen,
  };
}

function readScheme(value: YamlValue | undefined): 'http' | 'https' {
  const text = value?.text() || 'http';
  if (text === 'http' || text === 'https') return text;
  value?.fail(`scheme must be http or https, not ${quote(text)}`);
  return 'http';
}

/** Each parameter is a list: only then can one be given twice. */
function readParams(value: YamlValue | undefined): Readonly<Record<string, readonly string[]>> {
  const params: Record<string, readonly string[]> = {};
  for (const [name, entry] of value?.entries() ?? []) params[name] = entry.value.texts();
  return params;
}

/** Reads one job; what is wrong is reported. */
export function readJob(value: YamlValue, context: JobContext): ScrapeJob {
  const { global, directory } = context;
  const mapping = new YamlMapping(value);
  const jobName = mapping.text('job_name') ?? '';
  if (jobName === '') mapping.fail('job_name is empty');
  const where = `for scrape config with job name ${quote(jobName)}`;
  const { validation, escaping } = readNameSchemes(mapping, global);
  const rules = (key: string, kind: string) =>
    readRelabelRules(
      mapping,
      key,
      `empty or null ${kind} relabeling rule in scrape config`,
      validation,
    );
  const logFile = resolvePath(directory, mapping.text('scrape_failure_log_file') ?? '');
  const scrape: ScrapeOptions = {
    jobName,
    ...readTiming(mapping, global, where),
    ...readHistograms(mapping, context, where),
    fallbackScrapeProtocol: readFallbackProtocol(mapping.get('fallback_scrape_protocol'), where),
    metricsPath: mapping.text('metrics_path') ?? '/metrics',
    scheme: readScheme(mapping.get('scheme')),
    params: readParams(mapping.get('params')),
    honorLabels: mapping.boolean('honor_labels') ?? false,
    honorTimestamps: mapping.boolean('honor_timestamps') ?? true,
    trackTimestampsStaleness: mapping.boolean('track_timestamps_staleness') ?? false,
    enableCompression: mapping.boolean('enable_compression') ?? true,
    scrapeFailureLogFile: logFile || global.scrapeFailureLogFile,
    ...readLimits(mapping, global),
    metricNameValidationScheme: validation,
    metricNameEscapingScheme: escaping,
    httpClient: readHttpClient(mapping, directory),
    relabelRules: rules('relabel_configs', 'target'),
    metricRelabelRules: rules('metric_relabel_configs', 'metric'),
  };
  const relabels = (mapping.get('relabel_configs')?.items().length ?? 0) > 0;
  const discovery = readDiscovery(mapping, directory, relabels, context.notYetSupported);
  mapping.finish();
  return { scrape, discovery, file: value.file.name };
}
