// SPDX-License-Identifier: Apache-2.0
// The flags of `hearth server`: upstream's names, defaults and wording.

import { formatByteSize, formatDuration, parseByteSize, parseDuration } from '../model/index.ts';
import type { FlagDefinition, FlagKind } from './flags.ts';

type Extra = Omit<FlagDefinition, 'name' | 'kind' | 'help' | 'byDefault'>;

const define =
  (kind: FlagKind, common: Extra = {}) =>
  (name: string, byDefault: string | undefined, help: string, extra: Extra = {}) => ({
    name,
    kind,
    help,
    ...(byDefault === undefined ? {} : { byDefault }),
    ...common,
    ...extra,
  });

const text = define('text');
const list = define('list');
const onOff = define('switch');
const number = define('number');
const choice = define('choice');
const duration = define('parsed', { normalize: (value) => formatDuration(parseDuration(value)) });
const size = define('parsed', { normalize: (value) => formatByteSize(parseByteSize(value)) });
const float = define('text');

const SERVER = ' Use with server mode only.';
const AGENT = ' Use with agent mode only.';
const later: Extra = { unsupported: true };
const hidden: Extra = { unsupported: true, hidden: true };

const webFlags: readonly FlagDefinition[] = [
  list(
    'web.listen-address',
    '0.0.0.0:9090',
    'Address to listen on for UI, API, and telemetry. Can be repeated.',
  ),
  onOff(
    'auto-gomaxprocs',
    'true',
    'Automatically set GOMAXPROCS to match Linux container CPU quota. Has no effect here.',
  ),
  onOff(
    'auto-gomemlimit',
    'true',
    'Automatically set GOMEMLIMIT to match Linux container or system memory limit. Has no effect here.',
  ),
  float(
    'auto-gomemlimit.ratio',
    '0.9',
    'The ratio of reserved GOMEMLIMIT memory to the detected maximum container or system memory. Has no effect here.',
  ),
  duration(
    'auto-gomemlimit.refresh-interval',
    '0s',
    'How often to look at the memory limit again. Has no effect here.',
  ),
  text(
    'web.config.file',
    '',
    '[EXPERIMENTAL] Path to configuration file that can enable TLS or authentication.',
  ),
  duration(
    'web.read-timeout',
    '5m',
    'Maximum duration before timing out read of the request, and closing idle connections.',
  ),
  number(
    'web.max-connections',
    '512',
    'Maximum number of simultaneous connections across all listeners.',
  ),
  number(
    'web.max-notifications-subscribers',
    '16',
    'Limits the maximum number of subscribers that can concurrently receive live notifications. If the limit is reached, new subscription requests will be denied until existing connections close.',
  ),
  text(
    'web.external-url',
    undefined,
    'The URL under which Prometheus is externally reachable (for example, if Prometheus is served via a reverse proxy). Used for generating relative and absolute links back to Prometheus itself. If the URL has a path portion, it will be used to prefix all HTTP endpoints served by Prometheus. If omitted, relevant URL components will be derived automatically.',
    { placeholder: '<URL>' },
  ),
  text(
    'web.route-prefix',
    undefined,
    'Prefix for the internal routes of web endpoints. Defaults to path of --web.external-url.',
    { placeholder: '<path>' },
  ),
  text('web.user-assets', undefined, 'Path to user asset directory, available at /user.', {
    placeholder: '<path>',
  }),
  onOff('web.enable-lifecycle', 'false', 'Enable shutdown and reload via HTTP request.'),
  onOff('web.enable-admin-api', 'false', 'Enable API endpoints for admin control actions.'),
  onOff(
    'web.enable-remote-write-receiver',
    'false',
    'Enable API endpoint accepting remote write requests.',
    later,
  ),
  list(
    'web.remote-write-receiver.accepted-protobuf-messages',
    undefined,
    'List of the remote write protobuf messages to accept when receiving the remote writes.',
    later,
  ),
  onOff(
    'web.enable-otlp-receiver',
    'false',
    'Enable API endpoint accepting OTLP write requests.',
    later,
  ),
  text(
    'web.console.templates',
    'consoles',
    'Path to the console template directory, available at /consoles.',
  ),
  text('web.console.libraries', 'console_libraries', 'Path to the console library directory.'),
  text(
    'web.page-title',
    'Prometheus Time Series Collection and Processing Server',
    'Document title of Prometheus instance.',
  ),
  text(
    'web.cors.origin',
    '.*',
    "Regex for CORS origin. It is fully anchored. Example: 'https?://(domain1|domain2)\\.com'",
  ),
  number(
    'web.search.max-limit',
    '10000',
    `Maximum limit of the search API; 0 means no limit.${SERVER}`,
    later,
  ),
];

const storageFlags: readonly FlagDefinition[] = [
  text('storage.tsdb.path', 'data/', `Base path for metrics storage.${SERVER}`),
  duration(
    'storage.tsdb.retention.time',
    undefined,
    `[DEPRECATED] How long to retain samples in storage. If neither this flag nor "storage.tsdb.retention.size" is set, the retention time defaults to 15d. Units Supported: y, w, d, h, m, s, ms.${SERVER}`,
  ),
  size(
    'storage.tsdb.retention.size',
    undefined,
    `[DEPRECATED] Maximum number of bytes that can be stored for blocks. A unit is required, supported units: B, KB, MB, GB, TB, PB, EB. Ex: "512MB". Based on powers-of-2, so 1KB is 1024B.${SERVER}`,
  ),
  onOff('storage.tsdb.no-lockfile', 'false', `Do not create lockfile in data directory.${SERVER}`),
  number(
    'storage.tsdb.head-chunks-write-queue-size',
    '0',
    `Size of the queue through which head chunks are written to the disk to be m-mapped, 0 disables the queue completely. Experimental.${SERVER}`,
    later,
  ),
  text(
    'storage.tsdb.delay-compact-file.path',
    '',
    `Path to a JSON file with uploaded TSDB blocks e.g. Thanos shipper meta file. If set TSDB will only compact 1 level blocks that are marked as uploaded in that file.${SERVER}`,
    later,
  ),
  duration(
    'storage.tsdb.min-block-duration',
    '2h',
    `Minimum duration of a data block before being persisted. For use in testing.${SERVER}`,
    { hidden: true },
  ),
  duration(
    'storage.tsdb.max-block-duration',
    undefined,
    `Maximum duration compacted blocks may span. For use in testing.${SERVER}`,
    { hidden: true },
  ),
  size(
    'storage.tsdb.max-block-chunk-segment-size',
    undefined,
    `The maximum size for a single chunk segment in a block.${SERVER}`,
    hidden,
  ),
  size(
    'storage.tsdb.wal-segment-size',
    undefined,
    `Size at which to split the tsdb WAL segment files.${SERVER}`,
    hidden,
  ),
  onOff('storage.tsdb.wal-compression', 'true', `Compress the tsdb WAL.${SERVER}`, {
    hidden: true,
  }),
  choice(
    'storage.tsdb.wal-compression-type',
    'snappy',
    `Compression algorithm for the tsdb WAL.${SERVER}`,
    { ...hidden, choices: ['snappy', 'zstd'] },
  ),
  number(
    'storage.tsdb.samples-per-chunk',
    '120',
    `Target number of samples per chunk.${SERVER}`,
    hidden,
  ),
  onOff(
    'storage.tsdb.allow-overlapping-compaction',
    'true',
    `Allow compaction of overlapping blocks.${SERVER}`,
    { hidden: true },
  ),
  number(
    'storage.tsdb.delayed-compaction.max-percent',
    '10',
    `Upper limit of the random compaction delay.${SERVER}`,
    hidden,
  ),
  duration(
    'storage.tsdb.block-reload-interval',
    '1m',
    `Interval at which to check for new or removed blocks in storage.${SERVER}`,
    hidden,
  ),
  text('storage.agent.path', 'data-agent/', `Base path for metrics storage.${AGENT}`, later),
  onOff('storage.agent.wal-compression', 'true', `Compress the agent WAL.${AGENT}`, later),
  duration(
    'storage.agent.retention.min-time',
    undefined,
    `Minimum age samples may be before being considered for deletion when the WAL is truncated.${AGENT}`,
    later,
  ),
  duration(
    'storage.agent.retention.max-time',
    undefined,
    `Maximum age samples may be before being forcibly deleted when the WAL is truncated.${AGENT}`,
    later,
  ),
  onOff(
    'storage.agent.no-lockfile',
    'false',
    `Do not create lockfile in data directory.${AGENT}`,
    later,
  ),
  duration(
    'storage.remote.flush-deadline',
    '1m',
    'How long to wait flushing sample on shutdown or config reload.',
    later,
  ),
  float(
    'storage.remote.read-sample-limit',
    '5e7',
    `Maximum overall number of samples to return via the remote read interface, in a single query. 0 means no limit. This limit is ignored for streamed response types.${SERVER}`,
    later,
  ),
  number(
    'storage.remote.read-concurrent-limit',
    '10',
    `Maximum number of concurrent remote read calls. 0 means no limit.${SERVER}`,
    later,
  ),
  number(
    'storage.remote.read-max-bytes-in-frame',
    '1048576',
    `Maximum number of bytes in a single frame for streaming remote read response types before marshalling. Note that client might have limit on frame size as well. 1MB as recommended by protobuf by default.${SERVER}`,
    later,
  ),
];

const ruleFlags: readonly FlagDefinition[] = [
  duration(
    'rules.alert.for-outage-tolerance',
    '1h',
    `Max time to tolerate prometheus outage for restoring "for" state of alert.${SERVER}`,
  ),
  duration(
    'rules.alert.for-grace-period',
    '10m',
    `Minimum duration between alert and restored "for" state. This is maintained only for alerts with configured "for" time greater than grace period.${SERVER}`,
  ),
  duration(
    'rules.alert.resend-delay',
    '1m',
    `Minimum amount of time to wait before resending an alert to Alertmanager.${SERVER}`,
  ),
  number(
    'rules.max-concurrent-evals',
    '4',
    `Global concurrency limit for independent rules that can run concurrently. When set, "query.max-concurrency" may need to be adjusted accordingly.${SERVER}`,
  ),
  number(
    'alertmanager.notification-queue-capacity',
    '10000',
    `The capacity of the queue for pending Alertmanager notifications.${SERVER}`,
  ),
  number(
    'alertmanager.notification-batch-size',
    '256',
    `The maximum number of notifications per batch to send to the Alertmanager.${SERVER}`,
  ),
  onOff(
    'alertmanager.drain-notification-queue-on-shutdown',
    'true',
    `Send any outstanding Alertmanager notifications when shutting down.${SERVER}`,
  ),
];

const queryFlags: readonly FlagDefinition[] = [
  duration(
    'query.lookback-delta',
    '5m',
    `The maximum lookback duration for retrieving metrics during expression evaluations and federation.${SERVER}`,
  ),
  duration('query.timeout', '2m', `Maximum time a query may take before being aborted.${SERVER}`),
  number(
    'query.max-concurrency',
    '20',
    `Maximum number of queries executed concurrently.${SERVER}`,
  ),
  number(
    'query.max-samples',
    '50000000',
    `Maximum number of samples a single query can load into memory. Note that queries will fail if they try to load more samples than this into memory, so this also limits the number of samples a query can return.${SERVER}`,
  ),
  size(
    'query.max-bytes',
    '2GB',
    `Memory that the results of a single query may take while it runs.${SERVER}`,
    { hidden: true },
  ),
  number(
    'query.max-estimated-samples',
    '0',
    `Maximum number of samples a single query may be estimated to read; one that would read more is not begun. 0 means no limit.${SERVER}`,
    { hidden: true },
  ),
  number(
    'query.max-total-estimated-samples',
    '0',
    `Maximum number of samples that the queries running together may be estimated to read; what does not fit waits, the most expensive the longest. 0 means no limit.${SERVER}`,
    { hidden: true },
  ),
];

/** In the order of --help. */
export const serverFlags: readonly FlagDefinition[] = [
  text('config.file', 'prometheus.yml', 'Prometheus configuration file path.'),
  onOff(
    'config.auto-reload',
    'false',
    'Enable automatic configuration file reloading: the file is looked at each interval and loaded when it changed.',
  ),
  duration(
    'config.auto-reload-interval',
    '30s',
    'Specifies the interval for checking and automatically reloading the Prometheus configuration file upon detecting changes.',
  ),
  ...webFlags,
  ...storageFlags,
  ...ruleFlags,
  ...queryFlags,
  duration(
    'scrape.discovery-reload-interval',
    '5s',
    'Interval used by scrape manager to throttle target groups updates.',
    hidden,
  ),
  onOff(
    'scrape.adjust-timestamps',
    'true',
    'Adjust scrape timestamps by up to scrape.timestamp-tolerance to align them to the intended schedule.',
    { hidden: true },
  ),
  duration(
    'scrape.timestamp-tolerance',
    '2ms',
    'Timestamp tolerance. See scrape.adjust-timestamps.',
    { hidden: true },
  ),
  onOff('agent', 'false', 'Run Prometheus in agent mode.', later),
  list('enable-feature', undefined, 'Comma separated feature names to enable.'),
  choice(
    'log.level',
    'info',
    'Only log messages with the given severity or above. One of: [debug, info, warn, error]',
    { choices: ['debug', 'info', 'warn', 'error'] },
  ),
  choice('log.format', 'logfmt', 'Output format of log messages. One of: [logfmt, json]', {
    choices: ['logfmt', 'json'],
  }),
];

/** Flags that only the other mode has. */
export const agentOnlyFlags: readonly string[] = storageFlags
  .map(({ name }) => name)
  .filter((name) => name.startsWith('storage.agent.'));
