// SPDX-License-Identifier: Apache-2.0
// The configuration as YAML again, as `/api/v1/status/config` shows it: upstream's order of keys,
// defaults filled in where upstream fills them, secrets hidden.

import { Document, isScalar, isSeq, visit } from 'yaml';
import type {
  HttpClientOptions,
  OAuth2Options,
  ProxyOptions,
  SecretSource,
  TlsOptions,
} from '../base/index.ts';
import type { FileSdOptions, HttpSdOptions, StaticConfig } from '../discovery/index.ts';
import {
  compareText,
  formatByteSize,
  formatDuration,
  labelsToObject,
  type RelabelRule,
} from '../model/index.ts';
import type { Config } from './config.ts';
import type { GlobalConfig } from './global-section.ts';
import type { ScrapeJob } from './job-section.ts';

const SECRET = '<secret>';

type Plain = Record<string, unknown>;

/** Go prints mappings that are no structs in order of their keys. */
const sortedByKey = <V>(entries: readonly (readonly [string, V])[]): Record<string, V> =>
  Object.fromEntries([...entries].sort(([a], [b]) => compareText(a, b)));

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** Leaves out what is zero, empty or undefined: Go's `omitempty`. */
function compact(fields: Plain): Plain {
  const kept: Plain = {};
  for (const [key, value] of Object.entries(fields)) {
    const isZero = value === undefined || value === '' || value === 0 || value === false;
    if (!isZero && !isEmptyObject(value)) kept[key] = value;
  }
  return kept;
}

const durationOrNothing = (ms: number): string | undefined =>
  ms === 0 ? undefined : formatDuration(ms);
const sizeOrNothing = (bytes: number): string | undefined =>
  bytes === 0 ? undefined : formatByteSize(bytes);

const hidden = (source: SecretSource | undefined): string | undefined =>
  source?.value === undefined ? undefined : SECRET;

/** A URL's password is a secret too. */
const redacted = (url: string): string =>
  url.replace(/^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/@:]*:)[^/@]*@/, '$1xxxxx@');

/** The values of CONNECT headers are secrets upstream; their names are not. */
function proxyFields(options: ProxyOptions): Plain {
  const headers = Object.keys(options.proxyConnectHeader ?? {}).map((name): [string, string[]] => [
    name,
    [SECRET],
  ]);
  return compact({
    proxy_url: options.proxyUrl === undefined ? undefined : redacted(options.proxyUrl),
    no_proxy: options.noProxy,
    proxy_from_environment: options.proxyFromEnvironment,
    proxy_connect_header: sortedByKey(headers),
  });
}

/** Undefined for settings that say nothing: Go leaves out a zero struct. */
function tlsFields(tls: TlsOptions | undefined): Plain | undefined {
  if (!tls) return undefined;
  const { ca, cert, key } = tls;
  const others = compact({
    ca: ca?.value,
    cert: cert?.value,
    key: hidden(key),
    ca_file: ca?.file,
    cert_file: cert?.file,
    key_file: key?.file,
    server_name: tls.serverName,
  });
  const versions = compact({ min_version: tls.minVersion, max_version: tls.maxVersion });
  const isZero = isEmptyObject({ ...others, ...versions }) && !tls.insecureSkipVerify;
  if (isZero) return undefined;
  return { ...others, insecure_skip_verify: tls.insecureSkipVerify, ...versions };
}

/** The client's id and the URL are shown even when empty, as the struct has them. */
function oauth2Fields(oauth2: OAuth2Options | undefined): Plain | undefined {
  if (!oauth2) return undefined;
  return {
    client_id: oauth2.clientId,
    ...compact({
      grant_type: oauth2.grantType === 'client_credentials' ? undefined : oauth2.grantType,
      client_secret: hidden(oauth2.clientSecret),
      client_secret_file: oauth2.clientSecret?.file,
      client_certificate_key_id: oauth2.clientCertificateKeyId,
      client_certificate_key: hidden(oauth2.clientCertificateKey),
      client_certificate_key_file: oauth2.clientCertificateKey?.file,
      signature_algorithm: oauth2.signatureAlgorithm,
      iss: oauth2.issuer,
      audience: oauth2.audience,
      claims: oauth2.claims,
      scopes: oauth2.scopes,
    }),
    token_url: oauth2.tokenUrl,
    ...compact({
      endpoint_params: sortedByKey(Object.entries(oauth2.endpointParams)),
      tls_config: tlsFields(oauth2.tls),
      ...proxyFields(oauth2),
    }),
  };
}

/** The inline keys of an HTTP client. The two switches are always shown, so that `false` is seen. */
function httpFields(options: HttpClientOptions): Plain {
  const { basicAuth, authorization } = options;
  const headers = Object.entries(options.httpHeaders ?? {}).map(
    ([name, header]): [string, Plain] => [
      name,
      compact({
        values: header.values,
        secrets: header.secrets.map(() => SECRET),
        files: header.files,
      }),
    ],
  );
  return {
    ...compact({
      basic_auth: basicAuth && {
        username: basicAuth.username?.value ?? '',
        ...compact({
          username_file: basicAuth.username?.file,
          password: hidden(basicAuth.password),
          password_file: basicAuth.password?.file,
        }),
      },
      authorization:
        authorization &&
        compact({
          type: authorization.type,
          credentials: hidden(authorization.credentials),
          credentials_file: authorization.credentials.file,
        }),
      oauth2: oauth2Fields(options.oauth2),
      tls_config: tlsFields(options.tls),
    }),
    follow_redirects: options.followRedirects,
    enable_http2: options.enableHttp2,
    ...compact({ ...proxyFields(options), http_headers: sortedByKey(headers) }),
  };
}

/** All defaults filled in, so that a rule reads without knowing them. */
export function relabelFields(rule: RelabelRule): Plain {
  const isPlainLabelAction = rule.action === 'labeldrop' || rule.action === 'labelkeep';
  return {
    ...compact({ source_labels: rule.sourceLabels }),
    separator: rule.separator,
    ...compact({ regex: rule.regex.source, modulus: rule.modulus, target_label: rule.targetLabel }),
    ...(isPlainLabelAction && rule.replacement === '' ? {} : { replacement: rule.replacement }),
    action: rule.action,
  };
}

const staticFields = (config: StaticConfig): Plain => ({
  targets: config.targets,
  ...compact({ labels: labelsToObject(config.labels) }),
});

const fileSdFields = (options: FileSdOptions): Plain => ({
  files: options.files,
  ...compact({ refresh_interval: durationOrNothing(options.refreshIntervalMs) }),
});

const httpSdFields = (options: HttpSdOptions): Plain => ({
  ...httpFields(options.httpClient),
  ...compact({ refresh_interval: durationOrNothing(options.refreshIntervalMs) }),
  url: redacted(options.url),
});

/** Keys under which sections that are only kept may hold secrets; paths of files are none. */
const secretKey =
  /^(?:.*_)?(?:password|secret|secrets|token|credentials|passphrase|secret_key|api_key|key|application_key|consumer_key|connection_string)$/;
const openKey = /^(?:access_key|routing_key)$/;

/** A section that is only kept, with whatever looks like a secret hidden. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === 'string') return redacted(value);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Plain = {};
  for (const [key, inner] of Object.entries(value)) {
    const isSecret = secretKey.test(key) && !openKey.test(key);
    if (isSecret && Array.isArray(inner)) copy[key] = inner.map(() => SECRET);
    else copy[key] = isSecret && typeof inner !== 'object' ? SECRET : masked(inner);
  }
  return copy;
}

/**
 * A job: upstream's struct order, then its discovery sections by name, which is where upstream's generic
 * marshalling puts them.
 */
function jobFields({ scrape, discovery }: ScrapeJob): Plain {
  const discoveries: Plain = {
    ...discovery.later,
    static_configs: discovery.staticConfigs.map(staticFields),
    file_sd_configs: discovery.fileSdConfigs.map(fileSdFields),
    http_sd_configs: discovery.httpSdConfigs.map(httpSdFields),
  };
  const later = new Set(Object.keys(discovery.later));
  const sorted: Plain = {};
  for (const key of Object.keys(discoveries).sort((a, b) => (a < b ? -1 : 1)))
    sorted[key] = later.has(key) ? masked(discoveries[key]) : discoveries[key];
  return {
    job_name: scrape.jobName,
    ...compact({ honor_labels: scrape.honorLabels }),
    honor_timestamps: scrape.honorTimestamps,
    track_timestamps_staleness: scrape.trackTimestampsStaleness,
    ...compact({ params: sortedByKey(Object.entries(scrape.params)) }),
    scrape_interval: formatDuration(scrape.scrapeIntervalMs),
    scrape_timeout: formatDuration(scrape.scrapeTimeoutMs),
    scrape_protocols: scrape.scrapeProtocols,
    ...compact({ fallback_scrape_protocol: scrape.fallbackScrapeProtocol }),
    scrape_native_histograms: scrape.scrapeNativeHistograms,
    always_scrape_classic_histograms: scrape.alwaysScrapeClassicHistograms,
    convert_classic_histograms_to_nhcb: scrape.convertClassicHistogramsToNhcb,
    ...compact({
      scrape_failure_log_file: scrape.scrapeFailureLogFile,
      metrics_path: scrape.metricsPath,
      scheme: scrape.scheme,
    }),
    enable_compression: scrape.enableCompression,
    ...compact({
      body_size_limit: sizeOrNothing(scrape.bodySizeLimitBytes),
      sample_limit: scrape.sampleLimit,
      target_limit: scrape.targetLimit,
      label_limit: scrape.labelLimit,
      label_name_length_limit: scrape.labelNameLengthLimit,
      label_value_length_limit: scrape.labelValueLengthLimit,
      native_histogram_bucket_limit: scrape.nativeHistogramBucketLimit,
      native_histogram_min_bucket_factor: scrape.nativeHistogramMinBucketFactor,
      keep_dropped_targets: scrape.keepDroppedTargets,
    }),
    metric_name_validation_scheme: scrape.metricNameValidationScheme,
    metric_name_escaping_scheme: scrape.metricNameEscapingScheme,
    extra_scrape_metrics: scrape.extraScrapeMetrics,
    ...httpFields(scrape.httpClient),
    ...compact({
      relabel_configs: scrape.relabelRules.map(relabelFields),
      metric_relabel_configs: scrape.metricRelabelRules.map(relabelFields),
      ...sorted,
    }),
  };
}

function globalFields(global: GlobalConfig): Plain {
  return {
    ...compact({
      scrape_interval: formatDuration(global.scrapeIntervalMs),
      scrape_timeout: formatDuration(global.scrapeTimeoutMs),
      scrape_protocols: global.scrapeProtocols,
      evaluation_interval: formatDuration(global.evaluationIntervalMs),
      rule_query_offset: durationOrNothing(global.ruleQueryOffsetMs),
      query_log_file: global.queryLogFile,
      scrape_failure_log_file: global.scrapeFailureLogFile,
      external_labels: labelsToObject(global.externalLabels),
      body_size_limit: sizeOrNothing(global.bodySizeLimitBytes),
      sample_limit: global.sampleLimit,
      target_limit: global.targetLimit,
      label_limit: global.labelLimit,
      label_name_length_limit: global.labelNameLengthLimit,
      label_value_length_limit: global.labelValueLengthLimit,
      keep_dropped_targets: global.keepDroppedTargets,
      metric_name_validation_scheme: global.metricNameValidationScheme,
      metric_name_escaping_scheme: global.metricNameEscapingScheme,
    }),
    scrape_native_histograms: global.scrapeNativeHistograms,
    ...compact({
      convert_classic_histograms_to_nhcb: global.convertClassicHistogramsToNhcb,
      always_scrape_classic_histograms: global.alwaysScrapeClassicHistograms,
      extra_scrape_metrics: global.extraScrapeMetrics,
    }),
  };
}

const defaultRuntime: Plain = { gogc: 75 };
const defaultOtlp: Plain = {
  translation_strategy: 'UnderscoreEscapingWithSuffixes',
  label_name_underscore_sanitization: true,
  label_name_preserve_multiple_underscores: true,
};

/** A section of a later version over upstream's defaults for it. */
function section(defaults: Plain, value: unknown): Plain {
  const own = masked(value);
  return typeof own === 'object' && own !== null ? { ...defaults, ...own } : defaults;
}

const defaultAlertmanager: Plain = {
  follow_redirects: true,
  enable_http2: true,
  scheme: 'http',
  timeout: '10s',
  api_version: 'v2',
};

/** `alerting` over upstream's defaults for each entry. */
function alertingFields(value: unknown): Plain | undefined {
  const own = masked(value) as Plain | undefined | null;
  if (own === undefined || own === null) return undefined;
  const { alertmanagers } = own;
  if (!Array.isArray(alertmanagers)) return own;
  return { ...own, alertmanagers: alertmanagers.map((each) => section(defaultAlertmanager, each)) };
}

/** Texts that a YAML 1.1 reader would take for something else. Upstream puts them in double quotes. */
function looksTyped(text: string): boolean {
  if (/^(?:|~|null|y|n|yes|no|on|off|true|false|[-+]?\.inf|\.nan|<<|=)$/i.test(text)) return true;
  return /^[-+.0-9]/.test(text) && !Number.isNaN(Number(text.replaceAll('_', '')));
}

function stringify(fields: Plain): string {
  // YAML 1.1 decides what needs quotes, as in upstream: its readers take `on` and `no` for booleans.
  const document = new Document(fields, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, pair) {
      if (isScalar(pair.key) && pair.key.value === 'source_labels' && isSeq(pair.value))
        pair.value.flow = true;
    },
    Scalar(_, scalar) {
      const { value } = scalar;
      if (typeof value === 'string' && looksTyped(value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document
    .toString({
      indentSeq: false,
      lineWidth: 0,
      flowCollectionPadding: false,
      directives: false,
      singleQuote: true,
    })
    .replace(/^---\n/, '');
}

/** One scrape job as upstream prints it. */
export const marshalJob = (job: ScrapeJob): string => stringify(jobFields(job));

/** The configuration as upstream prints it: the main file's part, defaults filled in. */
export function marshalConfig(config: Config): string {
  const { later } = config;
  return stringify({
    global: globalFields(config.global),
    runtime: section(defaultRuntime, later.runtime),
    ...compact({
      alerting: alertingFields(later.alerting),
      rule_files: config.ruleFiles,
      scrape_config_files: config.scrapeConfigFiles,
      scrape_configs: config.jobs.slice(0, config.mainJobCount).map(jobFields),
      storage: masked(later.storage),
      tracing: masked(later.tracing),
      remote_write: masked(later.remote_write),
      remote_read: masked(later.remote_read),
    }),
    otlp: section(defaultOtlp, later.otlp),
  });
}
