// SPDX-License-Identifier: Apache-2.0
// `hearth alertmanager`: takes alerts and tells people.

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertmanagerOptions, ReceiverContext, RouteOptions } from '../alertmanager/index.ts';
import {
  Alertmanager,
  AlertmanagerApi,
  createReceivers,
  defaultTemplates,
} from '../alertmanager/index.ts';
import type { Clock, FileSystem, Logger, ServerRequest, ServerResponse } from '../base/index.ts';
import { seededPrng } from '../base/index.ts';
import type { AlertmanagerConfig } from '../config/index.ts';
import { parseAlertmanagerConfig } from '../config/index.ts';
import { glob } from '../discovery/index.ts';
import {
  negotiateExposition,
  Registry,
  registerProcessMetrics,
  registerRuntimeMetrics,
} from '../metrics/index.ts';
import { parseDuration } from '../model/index.ts';
import type { HttpServerOptions } from '../platform/index.ts';
import {
  createHttpClient,
  createMailSender,
  createNodeClock,
  createNodeFileSystem,
  createRuntime,
  hostInfo,
  onSignals,
} from '../platform/index.ts';
import { alertFunctions, TemplateSet } from '../template/index.ts';
import { AlertmanagerHttpMetrics } from './alertmanager-http-metrics.ts';
import { idleAlertmanagerFeatures } from './alertmanager-features.ts';
import { alertmanagerFlags } from './alertmanager-flags.ts';
import { alertmanagerPage, buildInfo } from './build-info.ts';
import { cannotStart, EXIT_OK, loggerFor, readFlags, warnUnsupported } from './command-line.ts';
import type { FlagValues } from './flags.ts';
import { listen, listenSettings } from './listen.ts';
import { externalUrl, routePrefix } from './server-settings.ts';

const summary = 'The Alertmanager';
const STOP_GRACE_MS = 5000;
const CONNECTIONS_MAX = 4096;
const READ_TIMEOUT_MS = 300_000;
const BODY_LIMIT_BYTES = 64 << 20;

export interface AlertmanagerTargetParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
}

/** Where the configuration is read from, at each reload. */
export interface ConfigText {
  /** For messages; relative paths in the configuration start beside it. */
  readonly name: string;
  /** @throws FileError */
  read(): string;
}

/** An Alertmanager with its HTTP side. */
export interface RunningAlertmanager {
  /** The route prefix; '' = none. */
  readonly prefix: string;
  handle(request: ServerRequest): Promise<ServerResponse>;
  /** Reads the configuration again. @throws Error: the old one stays */
  reload(): void;
  stop(): void;
}

const plain = (
  status: number,
  body: string,
  more: Record<string, string> = {},
): ServerResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...more },
  body,
});

/** Receivers that some route names; the others are not built. */
function usedReceivers(route: RouteOptions): Set<string> {
  const names = new Set<string>(route.receiver === undefined ? [] : [route.receiver]);
  for (const child of route.routes) for (const name of usedReceivers(child)) names.add(name);
  return names;
}

/** The template set of a configuration. @throws TemplateError, FileError */
function loadTemplates(config: AlertmanagerConfig, parts: AlertmanagerTargetParts): TemplateSet {
  const set = new TemplateSet(alertFunctions(() => parts.clock.now()));
  set.parse('default', defaultTemplates);
  for (const pattern of config.templates)
    for (const path of glob(parts.files, pattern)) set.parse(path, parts.files.readTextSync(path));
  return set;
}

class ConfigState {
  readonly success;
  readonly successTime;
  readonly hash;
  constructor(registry: Registry) {
    this.hash = registry.gauge(
      'alertmanager_config_hash',
      'Hash of the currently loaded alertmanager configuration. Note that this is not a cryptographically strong hash.',
    );
    this.success = registry.gauge(
      'alertmanager_config_last_reload_successful',
      'Whether the last configuration reload attempt was successful.',
    );
    this.successTime = registry.gauge(
      'alertmanager_config_last_reload_success_timestamp_seconds',
      'Timestamp of the last successful configuration reload.',
    );
  }

  /** As upstream: the first six bytes of the MD5, least significant first. */
  loaded(text: string, nowMs: number): void {
    const digest = createHash('md5').update(text).digest();
    this.hash.set(digest.readUIntLE(0, 6));
    this.success.set(1);
    this.successTime.set(nowMs / 1000);
  }
}

function registerBuild(registry: Registry): void {
  const { version, revision, branch, goVersion } = buildInfo('alertmanager');
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  registry.gaugeFunction(
    'alertmanager_build_info',
    'A metric with a constant "1" value labeled by version, revision, branch, goversion from which alertmanager was built, and the goos and goarch for the build.',
    () => 1,
    {
      version,
      revision,
      branch,
      goversion: goVersion,
      goarch: arch,
      goos: process.platform,
      tags: '',
    },
  );
  registry.gaugeFunction(
    'alertmanager_cluster_enabled',
    'Indicates whether the clustering is enabled or not.',
    () => 0,
  );
}

function createManager(
  values: FlagValues,
  parts: AlertmanagerTargetParts,
  registry: Registry,
): Alertmanager {
  const ms = (name: string): number => parseDuration(values.text(name));
  return new Alertmanager({
    ...parts,
    registry,
    prng: seededPrng(process.pid),
    newId: randomUUID,
    directory: values.text('storage.path').replace(/(.)\/+$/, '$1'),
    retentionMs: ms('data.retention'),
    maintenanceIntervalMs: ms('data.maintenance-interval'),
    alertsGcIntervalMs: ms('alerts.gc-interval'),
    silencesMax: Math.max(0, values.number('silences.max-silences')),
    silenceSizeMaxBytes: Math.max(0, values.number('silences.max-silence-size-bytes')),
    logSilences: values.flag('log.silences'),
    perAlertnameMax: Math.max(0, values.number('alerts.per-alertname-limit')),
  });
}

/** Reads the file and makes what it says. @throws ConfigError, FileError, TemplateError */
function loadOptions(
  source: ConfigText,
  parts: AlertmanagerTargetParts,
  external: string,
): { options: AlertmanagerOptions; text: string } {
  const text = source.read();
  const config = parseAlertmanagerConfig(text, source.name);
  for (const { path, line } of config.notYetSupported) {
    parts.logger.warn('This part of the configuration is not supported yet and has no effect', {
      file: `${source.name}:${line}`,
      path,
    });
  }
  const context: ReceiverContext = {
    clock: parts.clock,
    templates: loadTemplates(config, parts),
    externalUrl: external,
    userAgent: `Alertmanager/${buildInfo('alertmanager').version}`,
    environment: process.env,
    createHttpClient,
    mail: createMailSender(),
    readSecret: ({ value, file: path }) =>
      path === undefined ? (value ?? '') : parts.files.readTextSync(path),
  };
  const used = usedReceivers(config.route);
  const receivers = createReceivers(
    config.receivers.filter(({ name }) => used.has(name)),
    context,
  );
  return { options: { ...config, receivers }, text };
}

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  ico: 'image/x-icon',
  json: 'application/json',
  woff2: 'font/woff2',
};

/** The page and its files. */
function pageAnswer(path: string): ServerResponse {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const file = join(alertmanagerPage, name);
  if (!/^(?:index\.html|favicon\.\w+|assets\/[\w.-]+)$/.test(name) || !existsSync(file))
    return plain(404, '404 page not found\n');
  const type = contentTypes[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  const cache = name === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable';
  return {
    status: 200,
    headers: { 'content-type': type, 'cache-control': cache },
    body: readFileSync(file),
  };
}

class AlertmanagerServer implements RunningAlertmanager {
  private readonly source: ConfigText;
  private readonly parts: AlertmanagerTargetParts;
  private readonly registry: Registry;
  private readonly manager: Alertmanager;
  private readonly api: AlertmanagerApi;
  private readonly config: ConfigState;
  private readonly http: AlertmanagerHttpMetrics;
  private readonly external: string;
  readonly prefix: string;
  private readonly getsMax: number;
  private gets = 0;

  constructor(values: FlagValues, source: ConfigText, parts: AlertmanagerTargetParts) {
    this.source = source;
    this.parts = parts;
    const registry = new Registry({ clock: parts.clock });
    this.registry = registry;
    registerProcessMetrics(registry, parts.files);
    registerRuntimeMetrics(registry, createRuntime());
    registerBuild(registry);
    this.http = new AlertmanagerHttpMetrics(registry, parts.clock);
    this.config = new ConfigState(registry);
    const listen = values.list('web.listen-address')[0] ?? '';
    this.external = externalUrl(values.text('web.external-url'), listen);
    this.prefix = routePrefix(values.text('web.route-prefix'), this.external);
    const getsMax = values.number('web.get-concurrency');
    this.getsMax = getsMax > 0 ? getsMax : Math.max(hostInfo().cores, 8);
    this.manager = createManager(values, parts, registry);
    const { version, revision, branch, buildUser, buildDate, goVersion } =
      buildInfo('alertmanager');
    this.api = new AlertmanagerApi({
      manager: this.manager,
      clock: parts.clock,
      logger: parts.logger.child({ component: 'api' }),
      startedMs: parts.clock.now(),
      versionInfo: { version, revision, branch, buildUser, buildDate, goVersion },
    });
  }

  reload(): void {
    const { logger, clock } = this.parts;
    const file = this.source.name;
    logger.info('Loading configuration file', { file });
    try {
      const { options, text } = loadOptions(this.source, this.parts, this.external);
      this.manager.apply(options);
      this.config.loaded(text, clock.now());
      logger.info('Completed loading of configuration file', { file });
    } catch (error) {
      this.config.success.set(0);
      const err = error instanceof Error ? error : new Error(String(error));
      logger.error('Loading configuration file failed', { file, err });
      throw err;
    }
  }

  async handle(request: ServerRequest): Promise<ServerResponse> {
    const { prefix } = this;
    if (prefix !== '' && request.path === '/') return plain(302, '', { location: `${prefix}/` });
    if (prefix !== '' && request.path !== prefix && !request.path.startsWith(`${prefix}/`))
      return plain(404, '404 page not found\n');
    // Without its slash the page would look for its files beside the prefix.
    if (prefix !== '' && request.path === prefix && request.method === 'GET')
      return plain(302, '', { location: `${prefix}/` });
    const path = request.path.slice(prefix.length) || '/';
    const started = this.parts.clock.monotonicMs();
    const answer = this.limited({ ...request, path });
    this.http.observe(request.method, path, started, answer);
    return answer;
  }

  /** So many GET requests at once, and no more. */
  private limited(request: ServerRequest): ServerResponse {
    if (request.method !== 'GET') return this.answer(request);
    if (this.gets >= this.getsMax) {
      this.http.limited.inc();
      const text = `Limit of concurrent GET requests reached (${this.getsMax}), try again later.\n`;
      return plain(503, text);
    }
    this.http.inFlight.set(++this.gets);
    try {
      return this.answer(request);
    } finally {
      this.http.inFlight.set(--this.gets);
    }
  }

  private answer(request: ServerRequest): ServerResponse {
    const { method, path } = request;
    const isGet = method === 'GET' || method === 'HEAD';
    if (path === '/-/healthy' || path === '/-/ready')
      return isGet ? plain(200, 'OK') : plain(405, 'Method Not Allowed\n');
    if (path === '/-/reload') return this.answerReload(method);
    if (path === '/metrics' && isGet) {
      const { contentType, write } = negotiateExposition(request.headers.accept);
      const body = write(this.registry.gather());
      return { status: 200, headers: { 'content-type': contentType }, body };
    }
    return this.api.handle(request) ?? pageAnswer(path);
  }

  private answerReload(method: string): ServerResponse {
    if (method !== 'POST') return plain(405, 'Method Not Allowed\n', { allow: 'POST' });
    try {
      this.reload();
      return plain(200, '');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return plain(500, `failed to reload config: ${why}\n`);
    }
  }

  stop(): void {
    this.manager.stop();
  }
}

/**
 * An Alertmanager of these flags, configured.
 * @param source in place of the flag's file
 * @throws ConfigError, FileError, SnapshotError
 */
export function createAlertmanager(
  values: FlagValues,
  parts: AlertmanagerTargetParts,
  source?: ConfigText,
): RunningAlertmanager {
  const file = values.text('config.file');
  const read = (): string => parts.files.readTextSync(file);
  const server = new AlertmanagerServer(values, source ?? { name: file, read }, parts);
  try {
    server.reload();
  } catch (error) {
    server.stop();
    throw error;
  }
  return server;
}

/** How to serve an Alertmanager over HTTP. */
export function alertmanagerServerOptions(
  addresses: readonly string[],
  logger: Logger,
  handle: HttpServerOptions['handle'],
): HttpServerOptions {
  return {
    addresses,
    readTimeoutMs: READ_TIMEOUT_MS,
    connectionsMax: CONNECTIONS_MAX,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    logger,
    handle,
  };
}

/** @returns the exit code, when stopped */
export async function runAlertmanager(args: readonly string[]): Promise<number> {
  const values = readFlags('alertmanager', summary, alertmanagerFlags, args);
  if (typeof values === 'number') return values;
  const logger = loggerFor(values);
  const parts = { clock: createNodeClock(), files: createNodeFileSystem(), logger };
  logger.info('Starting Alertmanager', { version: buildInfo('alertmanager').version });
  warnUnsupported(alertmanagerFlags, values, logger);
  try {
    for (const option of idleAlertmanagerFeatures(values.list('enable-feature')))
      logger.warn('This option for --enable-feature is not supported yet and has no effect', {
        option,
      });
    const running = createAlertmanager(values, parts);
    const addresses = values.list('web.listen-address');
    const server = await listen(
      alertmanagerServerOptions(addresses, logger, (request) => running.handle(request)),
      listenSettings(values, running.prefix),
    );
    await new Promise<void>((resolve) => {
      onSignals({
        reload: () => {
          try {
            running.reload();
          } catch {
            // Logged where it happened; the running configuration stays.
          }
        },
        stop: (signal) => {
          logger.info('Received an OS signal, exiting gracefully...', { signal });
          resolve();
        },
      });
    });
    await server.close(STOP_GRACE_MS);
    running.stop();
    return EXIT_OK;
  } catch (error) {
    return cannotStart(error, logger);
  }
}
