// SPDX-License-Identifier: Apache-2.0
// The flags of `hearth pushgateway`: upstream's names and defaults, and --push.ttl of ours.

import { formatDuration, parseDuration } from '../model/index.ts';
import type { FlagDefinition } from './flags.ts';

const text = (name: string, byDefault: string, help: string): FlagDefinition => ({
  name,
  kind: 'text',
  byDefault,
  help,
});
const onOff = (name: string, help: string): FlagDefinition => ({
  name,
  kind: 'switch',
  byDefault: 'false',
  help,
});
const duration = (name: string, byDefault: string, help: string): FlagDefinition => ({
  name,
  kind: 'parsed',
  byDefault,
  help,
  normalize: (given) => formatDuration(parseDuration(given)),
});

export const pushgatewayFlags: readonly FlagDefinition[] = [
  onOff(
    'web.systemd-socket',
    'Use systemd socket activation listeners instead of port listeners (Linux only).',
  ),
  {
    name: 'web.listen-address',
    kind: 'list',
    byDefault: ':9091',
    help: 'Addresses on which to expose metrics and web interface. Repeatable for multiple addresses.',
  },
  text('web.config.file', '', 'Path to configuration file that can enable TLS or authentication.'),
  text('web.telemetry-path', '/metrics', 'Path under which to expose metrics.'),
  text('web.external-url', '', 'The URL under which the Pushgateway is externally reachable.'),
  text(
    'web.route-prefix',
    '',
    'Prefix for the internal routes of web endpoints. Defaults to the path of --web.external-url.',
  ),
  onOff('web.enable-lifecycle', 'Enable shutdown via HTTP request.'),
  onOff('web.enable-admin-api', 'Enable API endpoints for admin control actions.'),
  text(
    'persistence.file',
    '',
    'File to persist metrics. If empty, metrics are only kept in memory.',
  ),
  duration(
    'persistence.interval',
    '5m',
    'The minimum interval at which to write out the persistence file.',
  ),
  onOff('push.disable-consistency-check', 'Do not check consistency of pushed metrics. DANGEROUS.'),
  onOff('push.enable-utf8-names', 'Allow UTF-8 characters in metric and label names.'),
  duration(
    'push.ttl',
    '0s',
    'Remove a group this long after its last push, unless the push says otherwise (?ttl=, Hearth-TTL). 0s keeps groups for ever. Not in upstream.',
  ),
  {
    name: 'log.level',
    kind: 'choice',
    byDefault: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    help: 'Only log messages with the given severity or above. One of: [debug, info, warn, error]',
  },
  {
    name: 'log.format',
    kind: 'choice',
    byDefault: 'logfmt',
    choices: ['logfmt', 'json'],
    help: 'Output format of log messages. One of: [logfmt, json]',
  },
];
