// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configuration texts look like that
import { expect, test } from 'vitest';
import { FileError } from '../base/index.ts';
import { labelsToObject } from '../model/index.ts';
import {
  type Config,
  ConfigError,
  marshalConfig,
  type ParseOptions,
  parseConfig,
} from './index.ts';

/** Files that exist only here, by path. */
function parse(
  text: string,
  files: Record<string, string> = {},
  more: Partial<ParseOptions> = {},
): Config {
  return parseConfig(text, {
    fileName: '/etc/p/prometheus.yml',
    files: {
      existsSync: (path) => path in files,
      listSync: (folder) =>
        Object.keys(files)
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1)),
      readTextSync: (path) => {
        const content = files[path];
        if (content === undefined) throw new FileError('ENOENT', path, 'no such file');
        return content;
      },
    },
    environment: { REGION: 'eu', EMPTY: '' },
    ...more,
  });
}

function errors(text: string, files?: Record<string, string>): string[] {
  try {
    parse(text, files);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message.split('\n').map((line) => line.replace('/etc/p/prometheus.yml:', ''));
    throw error;
  }
  return [];
}

/** A job with these further lines, indented by two. */
const job = (...lines: string[]): string =>
  ['scrape_configs:', '- job_name: j', ...lines.map((line) => `  ${line}`)].join('\n');
const scrapeOf = (...lines: string[]) => parse(job(...lines)).jobs[0]?.scrape;

test('an empty file is valid and has the defaults', () => {
  for (const text of ['', '# nothing\n', 'global:\n']) {
    const config = parse(text);
    expect(config.jobs).toEqual([]);
    expect(config.global.scrapeIntervalMs).toBe(60_000);
    expect(config.global.scrapeTimeoutMs).toBe(10_000);
    expect(config.notYetSupported).toEqual([]);
  }
});

test('jobs inherit from global, and say otherwise', () => {
  const config = parse(`
global:
  scrape_interval: 5s
  sample_limit: 10
  body_size_limit: 1KB
  scrape_failure_log_file: fail.log
scrape_configs:
- job_name: a
- job_name: b
  scrape_interval: 1m
  scrape_timeout: 20s
  sample_limit: 20
  scrape_failure_log_file: /var/b.log
`);
  const [a, b] = config.jobs.map(({ scrape }) => scrape);
  expect(a).toMatchObject({
    scrapeIntervalMs: 5000,
    scrapeTimeoutMs: 5000,
    sampleLimit: 10,
    bodySizeLimitBytes: 1024,
    scrapeFailureLogFile: '/etc/p/fail.log',
    metricsPath: '/metrics',
    scheme: 'http',
    honorTimestamps: true,
    enableCompression: true,
    httpClient: { followRedirects: true, enableHttp2: true },
  });
  expect(b).toMatchObject({
    scrapeIntervalMs: 60_000,
    scrapeTimeoutMs: 20_000,
    sampleLimit: 20,
    scrapeFailureLogFile: '/var/b.log',
  });
});

test('native histograms bring protobuf to the front, unless protocols are given', () => {
  expect(scrapeOf('scrape_native_histograms: true')?.scrapeProtocols[0]).toBe('PrometheusProto');
  expect(scrapeOf()?.scrapeProtocols[0]).toBe('OpenMetricsText1.0.0');
  const given = ['scrape_native_histograms: true', 'scrape_protocols: [PrometheusText0.0.4]'];
  expect(scrapeOf(...given)?.scrapeProtocols).toEqual(['PrometheusText0.0.4']);
});

test('names: legacy validation brings underscores', () => {
  const legacy = scrapeOf('metric_name_validation_scheme: legacy');
  expect(legacy?.metricNameEscapingScheme).toBe('underscores');
  expect(scrapeOf()?.metricNameEscapingScheme).toBe('allow-utf-8');
});

test('external labels take variables, nothing else does', () => {
  const config = parse(`
global:
  external_labels: {region: "$REGION-\${REGION}", cost: "$$5", none: "\${NONE}", e: "x$EMPTY"}
scrape_configs:
- job_name: $REGION
`);
  expect(labelsToObject(config.global.externalLabels)).toEqual({
    region: 'eu-eu',
    cost: '$5',
    e: 'x',
  });
  expect(config.emptyVariables).toEqual(['NONE', 'EMPTY']);
  expect(config.jobs[0]?.scrape.jobName).toBe('$REGION');
});

test('all HTTP client settings', () => {
  const client = scrapeOf(
    'authorization: {type: Token, credentials_file: t}',
    'tls_config: {ca: CA, cert_file: c, key_file: k, server_name: s, min_version: TLS13}',
    'proxy_url: http://proxy:1',
    'no_proxy: a,b',
    'proxy_connect_header: {X: [y]}',
    'http_headers: {x-tenant: {values: [v], secrets: [s], files: [f]}}',
    'follow_redirects: no',
    'enable_http2: off',
  )?.httpClient;
  expect(client).toEqual({
    authorization: { type: 'Token', credentials: { file: '/etc/p/t' } },
    tls: {
      ca: { value: 'CA' },
      cert: { file: '/etc/p/c' },
      key: { file: '/etc/p/k' },
      serverName: 's',
      insecureSkipVerify: false,
      minVersion: 'TLS13',
    },
    proxyUrl: 'http://proxy:1',
    noProxy: 'a,b',
    proxyConnectHeader: { X: ['y'] },
    httpHeaders: { 'X-Tenant': { values: ['v'], secrets: ['s'], files: ['/etc/p/f'] } },
    followRedirects: false,
    enableHttp2: false,
  });
  const oauth2 = scrapeOf(
    'oauth2: {client_id: i, client_secret: s, token_url: "http://t", scopes: [a]}',
  )?.httpClient.oauth2;
  expect(oauth2).toEqual({
    grantType: 'client_credentials',
    clientId: 'i',
    clientSecret: { value: 's' },
    tokenUrl: 'http://t',
    scopes: ['a'],
    endpointParams: {},
  });
  const bearer = scrapeOf('bearer_token: x')?.httpClient.authorization;
  expect(bearer).toEqual({ type: 'Bearer', credentials: { value: 'x' } });
});

test('static, file and HTTP discovery', () => {
  const discovery = parse(
    job(
      'static_configs: [{targets: [a:1, 5], labels: {x: 1, y: yes}}]',
      'file_sd_configs: [{files: [sd/*.json]}]',
      'http_sd_configs: [{url: "http://h/x", refresh_interval: 5s}]',
    ),
  ).jobs[0]?.discovery;
  expect(discovery?.staticConfigs).toEqual([
    {
      targets: ['a:1', '5'],
      labels: [
        { name: 'x', value: '1' },
        { name: 'y', value: 'yes' },
      ],
    },
  ]);
  expect(discovery?.fileSdConfigs).toEqual([
    { files: ['/etc/p/sd/*.json'], refreshIntervalMs: 300_000 },
  ]);
  expect(discovery?.httpSdConfigs[0]).toMatchObject({ url: 'http://h/x', refreshIntervalMs: 5000 });
});

test('what is not built yet is kept and listed', () => {
  const config = parse(`rule_files: [r/*.yml]
alerting:
  alertmanagers: []
storage: {tsdb: {out_of_order_time_window: 5m, stale_series_compaction_threshold: 0.5}}
${job('kubernetes_sd_configs: [{role: pod}]')}
`);
  expect(config.notYetSupported.map(({ path, line }) => `${line} ${path}`)).toEqual([
    '4 storage.tsdb.stale_series_compaction_threshold',
    '7 scrape_configs[0].kubernetes_sd_configs',
  ]);
  expect(config.ruleFiles).toEqual(['/etc/p/r/*.yml']);
  expect(config.jobs[0]?.discovery.later).toEqual({ kubernetes_sd_configs: [{ role: 'pod' }] });
});

test('storage: the window of late samples, retention, exemplars', () => {
  const storage = (text: string) => parse(`storage: ${text}\n`).storage;
  const defaults = {
    outOfOrderWindowMs: 0,
    retention: undefined,
    exemplarsMax: 100_000,
    floatEncoding: undefined,
  };
  expect(parse('').storage).toEqual(defaults);
  expect(storage('{tsdb: {out_of_order_time_window: 5m}}')).toEqual({
    ...defaults,
    outOfOrderWindowMs: 300_000,
  });
  expect(storage('{tsdb: {retention: {time: 3d, size: 2GB, percentage: 0.5}}}').retention).toEqual({
    timeMs: 259_200_000,
    sizeBytes: 2 * 1024 ** 3,
    percentage: 0.5,
  });
  expect(storage('{tsdb: {retention: {time: 0}}}').retention).toEqual({ timeMs: 0 });
  expect(storage('{exemplars: {max_exemplars: 7}}').exemplarsMax).toBe(7);
  expect(storage('{exemplars: {max_exemplars: -1}}').exemplarsMax).toBe(0);
  const whole = parse('storage: {tsdb: {chunk_encoding: {floats: xor}, retention: {size: 1GB}}}\n');
  expect(whole.notYetSupported).toEqual([]);
  expect(whole.storage.floatEncoding).toBe('xor');
  expect(storage('{tsdb: {chunk_encoding: {floats: xor2}}}').floatEncoding).toBe('xor2');
  expect(storage('{tsdb: {chunk_encoding: {}}}').floatEncoding).toBeUndefined();
});

test('start times of counters: protobuf first, and XOR2 where they are stored', () => {
  const parsed = (text: string, needsXor2: boolean, floatEncoding: 'xor' | 'xor2' = 'xor') =>
    parse(text, {}, { startTimes: { protobufFirst: true, needsXor2, floatEncoding } });
  const [first] = parsed(job(), false).jobs;
  expect(first?.scrape.scrapeProtocols[0]).toBe('PrometheusProto');
  expect(parse(job()).jobs[0]?.scrape.scrapeProtocols[0]).toBe('OpenMetricsText1.0.0');
  expect(() => parsed('', true)).toThrow(
    /st-storage needs storage.tsdb.chunk_encoding.floats: xor2/,
  );
  const xor = 'storage: {tsdb: {chunk_encoding: {floats: xor}}}\n';
  expect(() => parsed(xor, true, 'xor2')).toThrow(/st-storage needs/);
  expect(parsed(xor.replace('xor', 'xor2'), true).storage.floatEncoding).toBe('xor2');
  expect(parsed('', true, 'xor2').storage.floatEncoding).toBeUndefined();
});

test('storage: what is wrong with it', () => {
  const wrong = (text: string, message: RegExp) =>
    expect(() => parse(`storage: ${text}\n`)).toThrow(message);
  wrong('{tsdb: {out_of_order_time_window: soon}}', /duration/);
  wrong('{tsdb: {chunk_encoding: {floats: XOR}}}', /storage.tsdb.chunk_encoding.floats: unknown/);
  wrong('{tsdb: {retention: {size: -1GB}}}', /must not be negative/);
  wrong('{tsdb: {retention: {time: -1h}}}', /not a valid duration/);
  wrong('{tsdb: {retention: {percentage: 100.5}}}', /in the range \[0, 100\]/);
  wrong('{tsdb: {stale_series_compaction_threshold: 1.5}}', /in the range \[0, 1\]/);
  wrong('{tsdb: {retentoin: {}}}', /did you mean "retention"/);
  wrong('{exemplars: {max_exemplars: 100000000}}', /at most 10000000/);
});

test('included files: paths count from there, names are unique over all', () => {
  const main = `scrape_config_files: [more/*.yml]\n${job()}`;
  const included = 'scrape_configs:\n- job_name: k\n  basic_auth: {password_file: pw}\n';
  const config = parse(main, { '/etc/p/more/a.yml': included });
  expect(config.jobs.map(({ scrape }) => scrape.jobName)).toEqual(['j', 'k']);
  expect(config.jobs[1]?.scrape.httpClient.basicAuth?.password).toEqual({
    file: '/etc/p/more/pw',
  });
  expect(errors(main, { '/etc/p/more/a.yml': job() })).toEqual([
    '/etc/p/more/a.yml:2:3: scrape_configs[0]: found multiple scrape configs with job name "j", first found in main config file',
  ]);
  expect(errors(main, { '/etc/p/more/a.yml': 'global: {}' })).toEqual([
    '/etc/p/more/a.yml:1:1: global: unknown key',
  ]);
});

test('anchors, aliases and merge keys', () => {
  const config = parse(`
global: &g {scrape_interval: 7s}
scrape_configs:
- &first
  job_name: a
  <<: *g
  honor_labels: true
- <<: *first
  job_name: b
`);
  expect(config.jobs.map(({ scrape }) => [scrape.jobName, scrape.scrapeIntervalMs])).toEqual([
    ['a', 7000],
    ['b', 7000],
  ]);
  expect(config.jobs[1]?.scrape.honorLabels).toBe(true);
});

const bad = (name: string, text: string, expected: readonly string[]): void =>
  test(`refuses ${name}`, () => expect(errors(text)).toEqual(expected));

bad('several things at once', 'globl: {}\nscrape_configs:\n- job_nam: x\n  scrape_interval: 1x\n', [
  '3:3: scrape_configs[0]: job_name is empty',
  '4:20: scrape_configs[0].scrape_interval: unknown unit "x" in duration "1x"',
  '3:3: scrape_configs[0].job_nam: unknown key (did you mean "job_name"?)',
  '1:1: globl: unknown key (did you mean "global"?)',
]);
bad('an unknown key far from all', 'zzzzzz: 1', ['1:1: zzzzzz: unknown key']);
bad('a repeated key', 'global: {}\nglobal: {}', [
  '2:1: global: key "global" already set in this mapping',
]);
bad('a list for a mapping', 'global: [1]', ['1:9: global: expected a mapping, not a list']);
bad('a text for a list', 'scrape_configs: x', ['1:17: scrape_configs: expected a list, not "x"']);
bad('a quoted boolean', job('honor_labels: "true"'), [
  '3:17: scrape_configs[0].honor_labels: expected true or false, not "true"',
]);
bad('a negative limit', job('sample_limit: -1'), [
  '3:17: scrape_configs[0].sample_limit: must be at least 0, not -1',
]);
bad('a word for a count', job('sample_limit: many'), [
  '3:17: scrape_configs[0].sample_limit: expected a whole number, not "many"',
]);
bad('broken YAML', 'global: {', [
  '1:10: Flow map in block collection must be sufficiently indented and end with a }',
]);
bad('a timeout longer than the interval', job('scrape_interval: 5s', 'scrape_timeout: 6s'), [
  '4:19: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "j"',
]);
bad('the same for all', 'global: {scrape_interval: 5s, scrape_timeout: 6s}', [
  '1:47: global.scrape_timeout: global scrape timeout greater than scrape interval',
]);
bad('two ways of authorization', job('basic_auth: {}', 'authorization: {}'), [
  '2:3: scrape_configs[0]: at most one of basic_auth, oauth2 & authorization must be configured',
]);
bad('basic as a type', job('authorization: {type: Basic}'), [
  '3:18: scrape_configs[0].authorization: authorization type cannot be set to "basic", use "basic_auth" instead',
]);
bad('a certificate without its key', job('tls_config: {cert_file: c}'), [
  '3:15: scrape_configs[0].tls_config: exactly one of key or key_file must be configured when a client certificate is configured',
]);
bad('a TLS version that is none', job('tls_config: {min_version: SSL3}'), [
  '3:29: scrape_configs[0].tls_config.min_version: unknown TLS version: SSL3',
]);
bad('a reserved header', job('http_headers: {content-type: {values: [x]}}'), [
  '3:32: scrape_configs[0].http_headers.content-type: setting header "Content-Type" is not allowed',
]);
bad('no_proxy alone', job('no_proxy: x'), [
  '2:3: scrape_configs[0]: if no_proxy is configured, proxy_url must also be configured',
]);
bad('a URL as target', job('static_configs: [{targets: ["http://x"]}]'), [
  '3:31: scrape_configs[0].static_configs[0].targets[0]: "http://x" is not a valid hostname',
]);
bad('a file pattern of the wrong kind', job('file_sd_configs: [{files: [a.txt]}]'), [
  '3:30: scrape_configs[0].file_sd_configs[0].files[0]: path name "a.txt" is not valid for file discovery',
]);
bad('no files', job('file_sd_configs: [{files: []}]'), [
  '3:21: scrape_configs[0].file_sd_configs[0]: file service discovery config must contain at least one path name',
]);
bad('a pattern that is no RE2', job('relabel_configs: [{target_label: x, regex: "(a"}]'), [
  '3:46: scrape_configs[0].relabel_configs[0].regex: error parsing regexp: missing closing ): `^(?s:(a)$`',
]);
bad('an unknown action', job('relabel_configs: [{target_label: x, action: replaec}]'), [
  '3:47: scrape_configs[0].relabel_configs[0].action: unknown relabel action "replaec"',
]);

test('a bomb of aliases is refused quickly', () => {
  const lines = ['tracing:', '  a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++)
    lines.push(
      `  a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  expect(errors(lines.join('\n'))[0]).toMatch(/too large after aliases are filled in/);
  expect(errors('tracing: &a [*a]')[0]).toMatch(/nested too deeply/);
});

test('prints itself as upstream does', () => {
  const config = parse(`
global: {scrape_interval: 15s, external_labels: {b: "1", a: x}}
remote_write: [{url: "http://u:p@h/", basic_auth: {username: u, password: secret}}]
scrape_configs:
- job_name: j
  params: {b: ["yes"], a: ["1"]}
  body_size_limit: 15MB
  basic_auth: {username: u, password: hush}
  proxy_url: http://u:hush@proxy
  static_configs: [{targets: ["a:1"], labels: {odd: "a: b # c"}}]
  relabel_configs:
  - {source_labels: [a, b], target_label: c, separator: ""}
  consul_sd_configs: [{token: hush, server: x}]
`);
  const printed = marshalConfig(config);
  expect(printed).not.toMatch(/hush/);
  expect(printed).toMatchInlineSnapshot(`
    "global:
      scrape_interval: 15s
      scrape_timeout: 10s
      evaluation_interval: 1m
      external_labels:
        a: x
        b: "1"
      metric_name_validation_scheme: utf8
      scrape_native_histograms: false
    runtime:
      gogc: 75
    scrape_configs:
    - job_name: j
      honor_timestamps: true
      track_timestamps_staleness: false
      params:
        a:
        - "1"
        b:
        - "yes"
      scrape_interval: 15s
      scrape_timeout: 10s
      scrape_protocols:
      - OpenMetricsText1.0.0
      - OpenMetricsText0.0.1
      - PrometheusText1.0.0
      - PrometheusText0.0.4
      scrape_native_histograms: false
      always_scrape_classic_histograms: false
      convert_classic_histograms_to_nhcb: false
      metrics_path: /metrics
      scheme: http
      enable_compression: true
      body_size_limit: 15MiB
      metric_name_validation_scheme: utf8
      metric_name_escaping_scheme: allow-utf-8
      extra_scrape_metrics: false
      basic_auth:
        username: u
        password: <secret>
      follow_redirects: true
      enable_http2: true
      proxy_url: http://u:xxxxx@proxy
      relabel_configs:
      - source_labels: [a, b]
        separator: ""
        regex: (.*)
        target_label: c
        replacement: $1
        action: replace
      consul_sd_configs:
      - token: <secret>
        server: x
      static_configs:
      - targets:
        - a:1
        labels:
          odd: 'a: b # c'
    remote_write:
    - url: http://u:xxxxx@h/
      basic_auth:
        username: u
        password: <secret>
    otlp:
      translation_strategy: UnderscoreEscapingWithSuffixes
      label_name_underscore_sanitization: true
      label_name_preserve_multiple_underscores: true
    "
  `);
  // What is printed can be read again and prints the same.
  expect(marshalConfig(parse(printed))).toBe(printed);
});
