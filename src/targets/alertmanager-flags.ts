// SPDX-License-Identifier: Apache-2.0
// The flags of `hearth alertmanager`, under upstream's names and with its defaults.

import { formatDuration, parseDuration } from '../model/index.ts';
import { logFormats, logLevels } from '../platform/index.ts';
import type { FlagDefinition } from './flags.ts';

type More = Partial<FlagDefinition>;

const text = (name: string, byDefault: string, help: string, more: More = {}): FlagDefinition => ({
  name,
  kind: 'text',
  byDefault,
  help,
  ...more,
});
const number = (
  name: string,
  byDefault: string,
  help: string,
  more: More = {},
): FlagDefinition => ({
  name,
  kind: 'number',
  byDefault,
  help,
  ...more,
});
const onOff = (name: string, help: string, more: More = {}): FlagDefinition => ({
  name,
  kind: 'switch',
  byDefault: 'false',
  help,
  ...more,
});
const list = (
  name: string,
  byDefault: string | undefined,
  help: string,
  more: More = {},
): FlagDefinition => ({
  name,
  kind: 'list',
  ...(byDefault === undefined ? {} : { byDefault }),
  help,
  ...more,
});
const duration = (
  name: string,
  byDefault: string,
  help: string,
  more: More = {},
): FlagDefinition => ({
  name,
  kind: 'parsed',
  byDefault,
  help,
  normalize: (given) => formatDuration(parseDuration(given)),
  ...more,
});

/** Accepted, and without effect in this version. */
const later: More = { unsupported: true };

const clusterFlags: readonly FlagDefinition[] = [
  text(
    'cluster.listen-address',
    '0.0.0.0:9094',
    'Listen address for cluster. Set to empty string to disable HA mode.',
    later,
  ),
  text('cluster.advertise-address', '', 'Explicit address to advertise in cluster.', later),
  list('cluster.peer', undefined, 'Initial peers (may be repeated).', later),
  duration(
    'cluster.peer-timeout',
    '15s',
    'Time to wait between peers to send notifications.',
    later,
  ),
  duration('cluster.peers-resolve-timeout', '15s', 'Time to resolve peers.', later),
  duration(
    'cluster.gossip-interval',
    '200ms',
    'Interval between sending gossip messages. By lowering this value (more frequent) gossip messages are propagated across the cluster more quickly at the expense of increased bandwidth usage.',
    later,
  ),
  duration(
    'cluster.pushpull-interval',
    '1m',
    'Interval for gossip state syncs. Setting this interval lower (more frequent) will increase convergence speeds across larger clusters at the expense of increased bandwidth usage.',
    later,
  ),
  duration(
    'cluster.tcp-timeout',
    '10s',
    'Timeout for establishing a stream connection with a remote node for a full state sync, and for stream read and write operations.',
    later,
  ),
  duration(
    'cluster.probe-timeout',
    '500ms',
    'Timeout to wait for an ack from a probed node before assuming it is unhealthy. This should be set to 99-percentile of RTT (round-trip time) on your network.',
    later,
  ),
  duration(
    'cluster.probe-interval',
    '1s',
    'Interval between random node probes. Setting this lower (more frequent) will cause the cluster to detect failed nodes more quickly at the expense of increased bandwidth usage.',
    later,
  ),
  duration(
    'cluster.settle-timeout',
    '1m',
    'Maximum time to wait for cluster connections to settle before evaluating notifications.',
    later,
  ),
  duration(
    'cluster.reconnect-interval',
    '10s',
    'Interval between attempting to reconnect to lost peers.',
    later,
  ),
  duration(
    'cluster.reconnect-timeout',
    '6h',
    'Length of time to attempt to reconnect to a lost peer.',
    later,
  ),
  text(
    'cluster.peer-name',
    '',
    'Explicit name of the peer, rather than generating a random one.',
    later,
  ),
  text(
    'cluster.label',
    '',
    'The cluster label is an optional string to include on each packet and stream. It uniquely identifies the cluster and prevents cross-communication issues when sending gossip messages.',
    later,
  ),
  text(
    'cluster.tls-config',
    '',
    '[EXPERIMENTAL] Path to config yaml file that can enable mutual TLS within the gossip protocol.',
    later,
  ),
  onOff(
    'cluster.allow-insecure-public-advertise-address-discovery',
    '[EXPERIMENTAL] Allow alertmanager to discover and listen on a public IP address.',
    later,
  ),
];

export const alertmanagerFlags: readonly FlagDefinition[] = [
  text('config.file', 'alertmanager.yml', 'Alertmanager configuration file name.'),
  text('storage.path', 'data/', 'Base path for data storage.'),
  duration('data.retention', '120h', 'How long to keep data for.'),
  duration(
    'data.maintenance-interval',
    '15m',
    'Interval between garbage collection and snapshotting to disk of the silences and the notification logs.',
  ),
  number(
    'silences.max-silences',
    '0',
    'Maximum number of silences, including expired silences. If negative or zero, no limit is set.',
  ),
  number(
    'silences.max-silence-size-bytes',
    '0',
    'Maximum silence size in bytes. If negative or zero, no limit is set.',
  ),
  onOff('log.silences', 'Log silence changes.'),
  duration('alerts.gc-interval', '30m', 'Interval between alert GC.'),
  number(
    'alerts.per-alertname-limit',
    '0',
    'Maximum number of alerts per alertname. If negative or zero, no limit is set.',
  ),
  duration(
    'dispatch.maintenance-interval',
    '30s',
    'Interval between maintenance of aggregation groups in the dispatcher.',
  ),
  duration(
    'dispatch.start-delay',
    '0s',
    'Minimum amount of time to wait before dispatching alerts.',
    later,
  ),
  onOff(
    'web.systemd-socket',
    'Use systemd socket activation listeners instead of port listeners (Linux only).',
  ),
  list(
    'web.listen-address',
    ':9093',
    'Addresses on which to expose metrics and web interface. Repeatable for multiple addresses.',
  ),
  text('web.config.file', '', 'Path to configuration file that can enable TLS or authentication.'),
  text(
    'web.external-url',
    '',
    'The URL under which Alertmanager is externally reachable (for example, if Alertmanager is served via a reverse proxy). Used for generating relative and absolute links back to Alertmanager itself. If the URL has a path portion, it will be used to prefix all HTTP endpoints served by Alertmanager. If omitted, relevant URL components will be derived automatically.',
  ),
  text(
    'web.route-prefix',
    '',
    'Prefix for the internal routes of web endpoints. Defaults to path of --web.external-url.',
  ),
  number(
    'web.get-concurrency',
    '0',
    'Maximum number of GET requests processed concurrently. If negative or zero, the limit is GOMAXPROC or 8, whichever is larger.',
  ),
  duration(
    'web.timeout',
    '0s',
    'Timeout for HTTP requests. If negative or zero, no timeout is set.',
    later,
  ),
  number(
    'auto-gomemlimit.ratio',
    '0.9',
    'The ratio of reserved GOMEMLIMIT memory to the detected maximum container or system memory.',
    later,
  ),
  list('enable-feature', undefined, 'Comma-separated experimental features to enable.'),
  ...clusterFlags,
  {
    name: 'log.level',
    kind: 'choice',
    byDefault: 'info',
    help: 'Only log messages with the given severity or above.',
    choices: [...logLevels],
  },
  {
    name: 'log.format',
    kind: 'choice',
    byDefault: 'logfmt',
    help: 'Output format of log messages.',
    choices: [...logFormats],
  },
];
