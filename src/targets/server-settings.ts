// SPDX-License-Identifier: Apache-2.0
// What the server's flags come to, checked: URLs, prefixes, durations as numbers.

import { hostname } from 'node:os';
import { compileRegexp, parseByteSize, parseDuration } from '../model/index.ts';
import { splitAddress } from '../platform/index.ts';
import type { FlagRetention } from './retention-limits.ts';
import { retentionLimits } from './retention-limits.ts';
import { featureNames } from './feature-flags.ts';
import type { FlagValues } from './flags.ts';

/** A flag whose value cannot be used; exit code 2. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

export interface ServerSettings {
  readonly configFile: string;
  readonly autoReloadMs: number | undefined;
  readonly listenAddresses: readonly string[];
  readonly webConfigFile: string;
  readonly readTimeoutMs: number;
  readonly connectionsMax: number;
  /** Of `/api/v1/notifications/live`. */
  readonly notificationSubscribersMax: number;
  readonly externalUrl: string;
  readonly routePrefix: string;
  readonly userAssets: string;
  /** Directories of console templates and of their libraries. */
  readonly consoles: { readonly templates: string; readonly libraries: string };
  readonly lifecycleEnabled: boolean;
  readonly pageTitle: string;
  readonly allowedOrigin: (origin: string) => string | undefined;
  readonly dataPath: string;
  readonly useLockfile: boolean;
  readonly lookbackDeltaMs: number;
  readonly queryTimeoutMs: number;
  readonly queryConcurrencyMax: number;
  readonly querySamplesMax: number;
  /** Of the results of one query, while it runs. */
  readonly queryBytesMax: number;
  /** That one query may be estimated to read; 0 = no limit. */
  readonly queryEstimatedSamplesMax: number;
  /** That the queries which run together may; 0 = no limit. */
  readonly queryTotalEstimatedSamplesMax: number;
  /** Names of --enable-feature. */
  readonly features: readonly string[];
  readonly forOutageToleranceMs: number;
  readonly forGracePeriodMs: number;
  readonly resendDelayMs: number;
  /** Rules that run beside those which run anyway, with `concurrent-rule-eval`. */
  readonly ruleConcurrencyMax: number;
  readonly notificationQueueCapacity: number;
  readonly notificationBatchSize: number;
  readonly drainNotifications: boolean;
  /** 0: scrape timestamps are stored as they are. */
  readonly timestampToleranceMs: number;
  readonly walCompression: 'none' | 'snappy' | 'zstd';
  /** Of blocks written from the head. */
  readonly blockDurationMinMs: number;
  /** Of compacted blocks. */
  readonly blockDurationMaxMs: number;
  readonly overlappingCompaction: boolean;
  /** Of the flags; 0 = no limit. */
  readonly retention: FlagRetention;
  readonly adminApiEnabled: boolean;
  readonly flags: Readonly<Record<string, string>>;
}

const AUTO_RELOAD_MIN_MS = 1000;

/** The URL under which we are reached, without a slash at its end. @throws SettingsError */
export function externalUrl(text: string, listenAddress: string): string {
  if (text === '') return `http://${hostname()}:${splitAddress(listenAddress).port}`;
  if (/^["']|["']$/.test(text)) {
    throw new SettingsError('parse external URL: URL must not begin or end with quotes');
  }
  try {
    const url = new URL(text);
    return url.origin === 'null'
      ? text.replace(/\/+$/, '')
      : url.origin + url.pathname.replace(/\/+$/, '');
  } catch {
    throw new SettingsError(`parse external URL ${JSON.stringify(text)}: not an absolute URL`);
  }
}

/** `/prefix`, or '' at the root. */
export function routePrefix(flag: string, external: string): string {
  const path = flag === '' ? new URL(external).pathname : flag;
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? '' : `/${trimmed}`;
}

/** Access-Control-Allow-Origin by --web.cors.origin; `.*` allows all. */
function originRule(pattern: string): (origin: string) => string | undefined {
  if (pattern === '.*') return () => '*';
  const regexp = compileRegexp(pattern);
  return (origin) => (regexp.test(origin) ? origin : undefined);
}

const DAY_MS = 24 * 3600 * 1000;
const BLOCK_DURATION_MAX_MS = 31 * DAY_MS;

/** Sizes of blocks and how long they stay. @throws SettingsError */
function blockSettings(
  values: FlagValues,
): Pick<
  ServerSettings,
  'blockDurationMinMs' | 'blockDurationMaxMs' | 'overlappingCompaction' | 'retention'
> {
  const text = (name: string): string => values.text(`storage.tsdb.${name}`);
  const sizeText = text('retention.size');
  const sizeBytes = sizeText === '' ? 0 : parseByteSize(sizeText);
  const timeText = text('retention.time');
  const timeMs = timeText === '' ? undefined : parseDuration(timeText);
  const { durationMs } = retentionLimits({ timeMs, sizeBytes }, undefined);
  const blockDurationMinMs = parseDuration(text('min-block-duration'));
  if (blockDurationMinMs <= 0) {
    throw new SettingsError('--storage.tsdb.min-block-duration must be positive');
  }
  const maxText = text('max-block-duration');
  // A tenth of the retention: so much more than it says is kept at most.
  const tenth = durationMs === 0 ? BLOCK_DURATION_MAX_MS : durationMs / 10;
  const max = maxText === '' ? Math.min(BLOCK_DURATION_MAX_MS, tenth) : parseDuration(maxText);
  return {
    blockDurationMinMs,
    blockDurationMaxMs: Math.max(blockDurationMinMs, max),
    overlappingCompaction: values.flag('storage.tsdb.allow-overlapping-compaction'),
    retention: { timeMs, sizeBytes },
  };
}

/** @throws SettingsError */
export function serverSettings(values: FlagValues): ServerSettings {
  const ms = (name: string): number => parseDuration(values.text(name));
  const listenAddresses = values.list('web.listen-address');
  const external = externalUrl(values.text('web.external-url'), listenAddresses[0] ?? '');
  let allowedOrigin: ServerSettings['allowedOrigin'];
  try {
    allowedOrigin = originRule(values.text('web.cors.origin'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError(`could not compile CORS regex string: ${why}`);
  }
  const autoReload = values.flag('config.auto-reload');
  return {
    configFile: values.text('config.file'),
    autoReloadMs: autoReload
      ? Math.max(AUTO_RELOAD_MIN_MS, ms('config.auto-reload-interval'))
      : undefined,
    listenAddresses,
    webConfigFile: values.text('web.config.file'),
    readTimeoutMs: ms('web.read-timeout'),
    connectionsMax: values.number('web.max-connections'),
    notificationSubscribersMax: values.number('web.max-notifications-subscribers'),
    externalUrl: external,
    routePrefix: routePrefix(values.text('web.route-prefix'), external),
    userAssets: values.text('web.user-assets'),
    consoles: {
      templates: values.text('web.console.templates'),
      libraries: values.text('web.console.libraries'),
    },
    lifecycleEnabled: values.flag('web.enable-lifecycle'),
    pageTitle: values.text('web.page-title'),
    allowedOrigin,
    dataPath: values.text('storage.tsdb.path'),
    useLockfile: !values.flag('storage.tsdb.no-lockfile'),
    lookbackDeltaMs: ms('query.lookback-delta'),
    queryTimeoutMs: ms('query.timeout'),
    queryConcurrencyMax: Math.max(1, values.number('query.max-concurrency')),
    querySamplesMax: values.number('query.max-samples'),
    queryBytesMax: parseByteSize(values.text('query.max-bytes')),
    queryEstimatedSamplesMax: Math.max(0, values.number('query.max-estimated-samples')),
    queryTotalEstimatedSamplesMax: Math.max(0, values.number('query.max-total-estimated-samples')),
    features: featureNames(values.list('enable-feature')),
    forOutageToleranceMs: ms('rules.alert.for-outage-tolerance'),
    forGracePeriodMs: ms('rules.alert.for-grace-period'),
    resendDelayMs: ms('rules.alert.resend-delay'),
    ruleConcurrencyMax: Math.max(0, values.number('rules.max-concurrent-evals')),
    notificationQueueCapacity: values.number('alertmanager.notification-queue-capacity'),
    notificationBatchSize: values.number('alertmanager.notification-batch-size'),
    drainNotifications: values.flag('alertmanager.drain-notification-queue-on-shutdown'),
    timestampToleranceMs: values.flag('scrape.adjust-timestamps')
      ? ms('scrape.timestamp-tolerance')
      : 0,
    walCompression: !values.flag('storage.tsdb.wal-compression')
      ? 'none'
      : values.text('storage.tsdb.wal-compression-type') === 'zstd'
        ? 'zstd'
        : 'snappy',
    ...blockSettings(values),
    adminApiEnabled: values.flag('web.enable-admin-api'),
    flags: values.all(),
  };
}
