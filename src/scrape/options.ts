// SPDX-License-Identifier: Apache-2.0
// What a scrape pool can be told: one field for each key of `scrape_configs` that concerns scraping
// over HTTP. The configuration fills it (globals already merged in), the pools read it.

import type { HttpClientOptions } from '../base/index.ts';
import type { RelabelRule } from '../model/index.ts';

/** Names of the exposition formats, as in `scrape_protocols`. */
export const ScrapeProtocol = {
  protobuf: 'PrometheusProto',
  text004: 'PrometheusText0.0.4',
  text100: 'PrometheusText1.0.0',
  openMetrics001: 'OpenMetricsText0.0.1',
  openMetrics100: 'OpenMetricsText1.0.0',
} as const;
export type ScrapeProtocol = (typeof ScrapeProtocol)[keyof typeof ScrapeProtocol];

/** `scrape_protocols` when neither the job nor `global` sets it. */
export const defaultScrapeProtocols: readonly ScrapeProtocol[] = [
  ScrapeProtocol.openMetrics100,
  ScrapeProtocol.openMetrics001,
  ScrapeProtocol.text100,
  ScrapeProtocol.text004,
];

/** `metric_name_validation_scheme`. */
export type ValidationScheme = 'utf8' | 'legacy';

/** `metric_name_escaping_scheme`. */
export type EscapingScheme = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

/**
 * One job. Limits of 0 mean "no limit". Two option objects that are deeply equal describe the same
 * pool: applying them again changes nothing.
 */
export interface ScrapeOptions {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  /** At most `scrapeIntervalMs`. */
  readonly scrapeTimeoutMs: number;
  /** In order of preference; not empty, no duplicates. */
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** Taken for a target that sends no usable Content-Type; undefined: that fails the scrape. */
  readonly fallbackScrapeProtocol: ScrapeProtocol | undefined;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  /** Query parameters; only the first value of each can be relabelled (`__param_<name>`). */
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  readonly enableCompression: boolean;
  readonly scrapeNativeHistograms: boolean;
  readonly alwaysScrapeClassicHistograms: boolean;
  readonly convertClassicHistogramsToNhcb: boolean;
  readonly nativeHistogramBucketLimit: number;
  readonly nativeHistogramMinBucketFactor: number;
  readonly extraScrapeMetrics: boolean;
  /** Path of the JSON log of failed scrapes (absolute); '' = none. */
  readonly scrapeFailureLogFile: string;
  /** Largest body, uncompressed. */
  readonly bodySizeLimitBytes: number;
  readonly sampleLimit: number;
  readonly targetLimit: number;
  readonly labelLimit: number;
  /** In bytes. */
  readonly labelNameLengthLimit: number;
  /** In bytes. */
  readonly labelValueLengthLimit: number;
  /** How many dropped targets are remembered; 0 = all. */
  readonly keepDroppedTargets: number;
  readonly metricNameValidationScheme: ValidationScheme;
  readonly metricNameEscapingScheme: EscapingScheme;
  /** Authentication, TLS, proxy, redirects (`follow_redirects`, `enable_http2` are in here). */
  readonly httpClient: HttpClientOptions;
  readonly relabelRules: readonly RelabelRule[];
  readonly metricRelabelRules: readonly RelabelRule[];
}

/** Upstream's defaults for everything but the name and the HTTP client. */
export const defaultScrapeOptions: Omit<ScrapeOptions, 'jobName' | 'httpClient'> = {
  scrapeIntervalMs: 60_000,
  scrapeTimeoutMs: 10_000,
  scrapeProtocols: defaultScrapeProtocols,
  fallbackScrapeProtocol: undefined,
  metricsPath: '/metrics',
  scheme: 'http',
  params: {},
  honorLabels: false,
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  enableCompression: true,
  scrapeNativeHistograms: false,
  alwaysScrapeClassicHistograms: false,
  convertClassicHistogramsToNhcb: false,
  nativeHistogramBucketLimit: 0,
  nativeHistogramMinBucketFactor: 0,
  extraScrapeMetrics: false,
  scrapeFailureLogFile: '',
  bodySizeLimitBytes: 0,
  sampleLimit: 0,
  targetLimit: 0,
  labelLimit: 0,
  labelNameLengthLimit: 0,
  labelValueLengthLimit: 0,
  keepDroppedTargets: 0,
  metricNameValidationScheme: 'utf8',
  metricNameEscapingScheme: 'allow-utf-8',
  relabelRules: [],
  metricRelabelRules: [],
};
