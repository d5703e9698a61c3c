// SPDX-License-Identifier: Apache-2.0
// `hearth server`: the object graph of the monitoring server, in the order in which it comes to life.
//
//   flags → configuration checked → listener (503) → memory, database → workers → ready → scraping

import { resolve } from 'node:path';
import type { RunningQueries, ScrapePoolConfig, ServerPhase } from '../api/index.ts';
import { Api, EngineMetrics } from '../api/index.ts';
import type { WalReplayStatus } from '../apitypes/index.ts';
import type { Clock, FileSystem, Logger } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { ConfigError, marshalConfig, marshalJob, relabelFields } from '../config/index.ts';
import { createDiscoveryMetrics } from '../discovery/index.ts';
import { Registry, registerProcessMetrics, registerRuntimeMetrics } from '../metrics/index.ts';
import { formatDuration } from '../model/index.ts';
import type { HttpServer, LoopDelayMonitor, WorkerPool } from '../platform/index.ts';
import {
  createNodeClock,
  createNodeFileSystem,
  createRuntime,
  hostInfo,
  ListenError,
  onSignals,
  startHeapTrimmer,
  startLoopDelayMonitor,
} from '../platform/index.ts';
import { buildInfo, packageVersion, uiDirectory } from './build-info.ts';
import {
  EXIT_FAILURE,
  EXIT_OK,
  EXIT_USAGE,
  EXIT_WRONG_MODE,
  loggerFor,
  readFlags,
  warnUnsupported,
} from './command-line.ts';
import { watchConfig } from './config-reload.ts';
import type { ConfigSource } from './config-source.ts';
import { fileConfig } from './config-source.ts';
import type { FlagValues } from './flags.ts';
import { CONCURRENT_RULES, idleFeatures, queryFeatures, startTimeFlags } from './feature-flags.ts';
import { featureList } from './feature-list.ts';
import { Notifications } from './notifications.ts';
import { ActiveQueries } from './active-queries.ts';
import { PooledQueries } from './pooled-queries.ts';
import { QueryAdmission } from './query-admission.ts';
import { QueryLog } from './query-log.ts';
import { helpedBatches } from './query-helpers.ts';
import { startQueryPool, workerCounts } from './query-pool.ts';
import { QueryTracker } from './query-tracker.ts';
import type { Alert } from '../rules/index.ts';
import { runtimeInfo } from './runtime-info.ts';
import { agentOnlyFlags, serverFlags } from './server-flags.ts';
import { ConfigMetrics, registerServerMetrics } from './server-metrics.ts';
import type { Alerting } from './server-alerting.ts';
import { startAlerting } from './server-alerting.ts';
import type { Rules } from './server-rules.ts';
import { startRules } from './server-rules.ts';
import type { Scraping } from './server-scraping.ts';
import { noTargets, startScraping } from './server-scraping.ts';
import type { ServerSettings } from './server-settings.ts';
import { SettingsError, serverSettings } from './server-settings.ts';
import type { Storage } from './server-storage.ts';
import { openStorage } from './server-storage.ts';
import { listen } from './listen.ts';

const summary = 'The Prometheus monitoring server';
/** Largest request body: form parameters. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
/** How long answers in flight are waited for when stopping. */
const STOP_GRACE_MS = 10_000;

/** Before there is a database. */
const noQueries: RunningQueries = { list: () => [], cancel: () => false };

/** Why the server cannot start: `message` says it in one line, `summary` without the cause. */
export class StartError extends Error {
  override name = 'StartError';
  override readonly cause: Error;
  readonly exitCode: number;
  readonly summary: string;
  constructor(exitCode: number, summary: string, cause: Error) {
    super(`${summary}: ${cause.message}`);
    this.exitCode = exitCode;
    this.summary = summary;
    this.cause = cause;
  }
}

export interface ServerParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
}

/** A running server. */
export interface MonitoringServer {
  readonly addresses: readonly string[];
  readonly routePrefix: string;
  /** Rejects when the new configuration was not taken whole. */
  reload(): Promise<void>;
  /** Begins to stop; calling it again does nothing. */
  readonly stop: () => void;
  /** Settles when everything is stopped. */
  readonly stopped: Promise<void>;
}

/** What comes to life later than the listener, which is asked about it from the start. */
interface Lifetime {
  phase: ServerPhase;
  config: Config;
  walReplay: WalReplayStatus;
  storage: Storage | undefined;
  engine: { readonly pool: WorkerPool; readonly tracker: QueryTracker } | undefined;
  activeQueries: ActiveQueries | undefined;
  scraping: Scraping | undefined;
  alerting: Alerting | undefined;
  rules: Rules | undefined;
  http: HttpServer | undefined;
}

interface Graph extends ServerParts {
  readonly settings: ServerSettings;
  readonly source: ConfigSource;
  readonly registry: Registry;
  readonly configMetrics: ConfigMetrics;
  readonly engineMetrics: EngineMetrics;
  readonly queryLog: QueryLog;
  readonly loopDelay: LoopDelayMonitor;
  readonly startedMs: number;
  readonly notifications: Notifications;
  readonly lifetime: Lifetime;
  /** Ends the server; set once it runs. */
  quit: () => void;
}

/** Loads the configuration; what is wrong with it becomes the error upstream shows. */
function loadConfig(
  graph: Pick<Graph, 'source' | 'logger' | 'settings'>,
  ownAddress: string,
): Config {
  const { source, logger, settings } = graph;
  const config = source.load(ownAddress, startTimeFlags(settings.features));
  for (const { file, line, path } of config.notYetSupported) {
    logger.warn('This part of the configuration is not supported yet and has no effect', {
      file: `${file}:${line}`,
      path,
    });
  }
  for (const name of config.emptyVariables) {
    logger.warn('Empty environment variable', { name });
  }
  return config;
}

/** Takes a new configuration; the running one stays when it can't. @throws ConfigError, FileError */
async function reload(graph: Graph): Promise<void> {
  const { logger, lifetime, configMetrics, clock, source } = graph;
  const startedMs = clock.monotonicMs();
  logger.info('Loading configuration file', { filename: source.name });
  try {
    const config = loadConfig(graph, lifetime.http?.addresses[0] ?? '');
    lifetime.storage?.applyConfig(config.storage);
    graph.queryLog.reopen(config.global.queryLogFile);
    await lifetime.scraping?.apply(config);
    await lifetime.alerting?.apply(config);
    await lifetime.rules?.apply(config);
    lifetime.config = config;
    configMetrics.loaded(clock.now());
    graph.notifications.set('reloadFailed', false);
    const took = formatDuration(Math.round(clock.monotonicMs() - startedMs));
    logger.info('Completed loading of configuration file', {
      filename: source.name,
      totalDuration: took,
    });
  } catch (error) {
    configMetrics.failed();
    graph.notifications.set('reloadFailed', true);
    const why = error instanceof Error ? error : new Error(String(error));
    logger.error('Error reloading config', { err: why });
    const message = `couldn't load configuration (--config.file=${JSON.stringify(source.name)}): ${why.message}`;
    throw new Error(message, { cause: error });
  }
}

/** A job of the running configuration, for the API. */
function poolConfig(config: Config, name: string): ScrapePoolConfig | undefined {
  const job = config.jobs.find(({ scrape }) => scrape.jobName === name);
  if (job === undefined) return undefined;
  const rules = job.scrape.relabelRules.map((rule) => ({ rule, shown: relabelFields(rule) }));
  return { yaml: () => marshalJob(job), rules };
}

/** The HTTP side. It answers from the start: 503 for what isn't there yet. */
function createApi(graph: Graph): Api {
  const { settings, lifetime, registry, clock, logger, files } = graph;
  const build = buildInfo();
  return new Api(
    {
      clock,
      logger: logger.child({ component: 'web' }),
      files,
      registry,
      workers: new PooledQueries({
        parts: () => lifetime.engine,
        clock,
        log: graph.queryLog,
        admission: new QueryAdmission(settings.queryTotalEstimatedSamplesMax),
        defaultStepMs: () => lifetime.config.global.evaluationIntervalMs,
      }),
      get queries() {
        return lifetime.engine?.tracker ?? noQueries;
      },
      queryTimeoutMs: settings.queryTimeoutMs,
      routePrefix: settings.routePrefix,
      externalUrl: settings.externalUrl,
      listenAddress: () => lifetime.http?.addresses[0] ?? '',
      allowedOrigin: settings.allowedOrigin,
      lifecycleEnabled: settings.lifecycleEnabled,
      adminEnabled: settings.adminApiEnabled,
      get admin() {
        return lifetime.storage?.admin;
      },
      exemplars: () => lifetime.storage?.exemplars,
      externalLabels: () => lifetime.config.global.externalLabels,
      scrapePoolConfig: (name) => poolConfig(lifetime.config, name),
      notifications: () => graph.notifications.list(),
      subscribe: (listener) => graph.notifications.subscribe(listener),
      features: () => featureList(settings),
      phase: () => lifetime.phase,
      targets: () => lifetime.scraping?.targets ?? noTargets,
      alertmanagers: () => lifetime.alerting?.notifier.alertmanagers ?? { active: [], dropped: [] },
      ruleGroups: () => lifetime.rules?.manager.groups ?? [],
      configYaml: () => marshalConfig(lifetime.config),
      flags: settings.flags,
      buildInfo: build,
      runtimeInfo: () => {
        const { storage } = lifetime;
        return runtimeInfo(graph, storage?.corruptions() ?? 0, storage?.retentionText() ?? '');
      },
      walReplay: () => lifetime.walReplay,
      reload: () => reload(graph),
      quit: () => graph.quit(),
      uiSettings: {
        pathPrefix: settings.routePrefix,
        title: settings.pageTitle,
        agentMode: false,
        lookbackDelta: formatDuration(settings.lookbackDeltaMs),
        version: packageVersion(),
      },
      uiDirectory,
      consoles: settings.consoles,
      userAssets: settings.userAssets,
    },
    graph.engineMetrics,
  );
}

/** Opens the listener. @throws ListenError, WebConfigError */
function openListener(graph: Graph, api: Api): Promise<HttpServer> {
  const { settings, logger } = graph;
  const web = logger.child({ component: 'web' });
  const options = {
    addresses: settings.listenAddresses,
    readTimeoutMs: settings.readTimeoutMs,
    connectionsMax: settings.connectionsMax,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    logger: web,
    handle: api.handle.bind(api),
  };
  return listen(options, { configFile: settings.webConfigFile, prefix: settings.routePrefix });
}

/** Memory, database and workers. @throws TsdbError */
async function openDatabase(graph: Graph): Promise<Storage> {
  const { settings, lifetime, logger } = graph;
  const rulesMax = settings.features.includes(CONCURRENT_RULES) ? settings.ruleConcurrencyMax : 1;
  const counts = workerCounts(hostInfo().cores, settings.queryConcurrencyMax, rulesMax);
  for (const { name, message } of idleFeatures(settings.features)) {
    logger.warn(message, { option: name });
  }
  const { exemplarsMax } = lifetime.config.storage;
  const slots = counts.workers + counts.reserved;
  const storage = await openStorage(settings, exemplarsMax, slots, graph, (status) => {
    lifetime.walReplay = status;
  });
  lifetime.storage = storage;
  storage.applyConfig(lifetime.config.storage);
  storage.startMaintenance();
  const active = new ActiveQueries({
    files: graph.files,
    clock: graph.clock,
    logger: logger.child({ component: 'activeQueryTracker' }),
    directory: storage.directory,
    slots,
  });
  lifetime.activeQueries = active;
  const estimatedSamplesMax = settings.queryEstimatedSamplesMax || undefined;
  const pool = startQueryPool({
    shared: storage.shared,
    dataDirectory: storage.directory,
    blockScratch: storage.blockScratch,
    blockScratchBytes: storage.blockScratchBytes,
    ...counts,
    fanRings: storage.fanRings,
    lookbackDeltaMs: settings.lookbackDeltaMs,
    samplesMax: settings.querySamplesMax,
    bytesMax: settings.queryBytesMax,
    estimatedSamplesMax,
    features: queryFeatures(settings.features),
    logger: logger.child({ component: 'query workers' }),
    onWorkerLost: (slot) => storage.releaseReader(slot),
  });
  lifetime.engine = { pool, tracker: new QueryTracker(graph.clock, storage.shared, active) };
  return storage;
}

/** Rules over the workers; alerts go to the notifier. */
function openRules(graph: Graph, storage: Storage): Rules | undefined {
  const { lifetime, queryLog } = graph;
  const { engine } = lifetime;
  if (engine === undefined) return undefined;
  const defaultStepMs = (): number => lifetime.config.global.evaluationIntervalMs;
  const send = (alerts: readonly Alert[], expression: string): void =>
    lifetime.alerting?.send(alerts, expression);
  return startRules(graph, engine, queryLog, storage.appender, defaultStepMs, send);
}

/** In the reverse order of the start; what cannot be stopped is logged, the rest still stops. */
async function shutDown(graph: Graph): Promise<void> {
  const { lifetime, logger, loopDelay } = graph;
  lifetime.phase = 'stopping';
  graph.notifications.set('starting', false);
  graph.notifications.set('stopping', true);
  const step = async (message: string, act: () => Promise<void> | void): Promise<void> => {
    logger.info(message);
    try {
      await act();
    } catch (error) {
      logger.error('Failed while stopping', { step: message, err: error as Error });
    }
  };
  await step('Stopping rule manager...', () => lifetime.rules?.stop());
  await step('Stopping scrape manager...', () => lifetime.scraping?.stop());
  await step('Stopping notifier...', () => lifetime.alerting?.stop());
  await step('Stopping query workers...', () => lifetime.engine?.pool.close());
  await step('Closing the query log...', () => {
    lifetime.activeQueries?.close();
    graph.queryLog.close();
  });
  await step('Stopping storage...', () => lifetime.storage?.close());
  await step('Stopping web handler...', () => lifetime.http?.close(STOP_GRACE_MS));
  loopDelay.close();
  logger.info('See you next time!');
}

function createGraph(settings: ServerSettings, source: ConfigSource, parts: ServerParts): Graph {
  const { clock, logger } = parts;
  const conflict = (message: string): void => logger.error('Error gathering metrics', { message });
  const registry = new Registry({ clock, onConflict: conflict });
  registerProcessMetrics(registry, parts.files);
  registerRuntimeMetrics(registry, createRuntime());
  const lifetime: Lifetime = {
    phase: 'starting',
    config: loadConfig({ source, logger, settings }, settings.listenAddresses[0] ?? ''),
    walReplay: { min: 0, max: 0, current: 0 },
    storage: undefined,
    engine: undefined,
    activeQueries: undefined,
    scraping: undefined,
    alerting: undefined,
    rules: undefined,
    http: undefined,
  };
  const loopDelay = startLoopDelayMonitor();
  registerServerMetrics(registry, {
    build: buildInfo(),
    host: hostInfo(),
    isReady: () => lifetime.phase === 'ready',
    loopDelay,
    workers: () =>
      lifetime.engine?.pool.stats() ?? {
        running: 0,
        waiting: 0,
        answered: 0,
        replaced: 0,
        threads: 0,
      },
    helpedBatches: () =>
      lifetime.storage === undefined ? 0 : helpedBatches(lifetime.storage.shared),
    connections: () => lifetime.http?.connections() ?? 0,
    memory: () => lifetime.storage?.memory() ?? { used: 0, reserved: 0 },
  });
  const configMetrics = new ConfigMetrics(registry);
  const engineMetrics = new EngineMetrics(registry, settings.queryConcurrencyMax);
  const queryLog = new QueryLog({ ...parts, metrics: engineMetrics });
  const startedMs = clock.now();
  const quit = (): void => undefined;
  const notifications = new Notifications(clock, registry, settings.notificationSubscribersMax);
  notifications.set('starting', true);
  const metrics = { registry, configMetrics, engineMetrics, notifications };
  const graph = { ...parts, ...metrics, settings, source, queryLog, loopDelay, startedMs };
  return { ...graph, lifetime, quit };
}

/**
 * Starts a server whose configuration is good: settles when it is ready.
 * @throws StartError when it cannot
 */
export async function startServer(
  settings: ServerSettings,
  source: ConfigSource,
  parts: ServerParts,
): Promise<MonitoringServer> {
  const { logger } = parts;
  let graph: Graph;
  try {
    graph = createGraph(settings, source, parts);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof FileError)) throw error;
    const what = `Error loading config (--config.file=${source.name})`;
    throw new StartError(EXIT_USAGE, what, error);
  }
  const { lifetime } = graph;
  try {
    lifetime.http = await openListener(graph, createApi(graph));
    const storage = await openDatabase(graph);
    const discoveryMetrics = createDiscoveryMetrics(graph.registry);
    lifetime.scraping = startScraping(graph, storage, discoveryMetrics);
    lifetime.alerting = startAlerting(graph, discoveryMetrics);
    lifetime.rules = openRules(graph, storage);
    await reload(graph);
  } catch (error) {
    await shutDown(graph);
    const cause = error instanceof Error ? error : new Error(String(error));
    throw new StartError(EXIT_FAILURE, 'Cannot start', cause);
  }
  const heapTrimmer = startHeapTrimmer();
  const stopWatching = watchConfig(settings.autoReloadMs, source, graph, () => reload(graph));
  lifetime.phase = 'ready';
  graph.notifications.set('starting', false);
  logger.info('Server is ready to receive web requests.');
  let begin = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    begin = resolve;
  }).then(() => {
    stopWatching();
    heapTrimmer.close();
    return shutDown(graph);
  });
  graph.quit = begin;
  const { addresses } = lifetime.http;
  const { routePrefix } = settings;
  return { addresses, routePrefix, reload: () => reload(graph), stop: begin, stopped };
}

/** Flags of the other mode, or undefined when there are none. */
function wrongModeFlags(values: FlagValues): string | undefined {
  const wrong = agentOnlyFlags.filter((name) => values.given.has(name));
  if (wrong.length === 0) return undefined;
  return wrong.map((name) => JSON.stringify(`--${name}`)).join(' ');
}

/** Settings of the flags, or the exit code when they make no sense together. */
function readSettings(values: FlagValues, logger: Logger): ServerSettings | number {
  const wrong = wrongModeFlags(values);
  if (wrong !== undefined) {
    const message = `The following flag(s) can only be used in agent mode: [${wrong}]`;
    process.stderr.write(`${message}\n`);
    return EXIT_WRONG_MODE;
  }
  if (values.flag('agent')) {
    process.stderr.write('--agent is not supported yet\n');
    return EXIT_FAILURE;
  }
  try {
    return serverSettings(values);
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof ListenError)) throw error;
    logger.error('Cannot start with these flags', { err: error });
    return EXIT_USAGE;
  }
}

/** `hearth server`. @returns the exit code, when stopped */
export async function runServer(args: readonly string[]): Promise<number> {
  const values = readFlags('prometheus', summary, serverFlags, args);
  if (typeof values === 'number') return values;
  const logger = loggerFor(values);
  const settings = readSettings(values, logger);
  if (typeof settings === 'number') return settings;
  const parts = { clock: createNodeClock(), files: createNodeFileSystem(), logger };
  logger.info('Starting Prometheus Server', { mode: 'server', version: buildInfo().version });
  warnUnsupported(serverFlags, values, logger);
  let server: MonitoringServer | undefined;
  let stopping = false;
  // From the start: replaying a big log takes a while, and must end in good order too.
  onSignals({
    reload: () => void server?.reload().catch(() => undefined),
    stop: (signal) => {
      logger.warn('Received an OS signal, exiting gracefully...', { signal });
      stopping = true;
      server?.stop();
    },
  });
  try {
    server = await startServer(settings, fileConfig(settings.configFile, parts.files), parts);
    if (stopping) server.stop();
    await server.stopped;
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const isConfig = error.exitCode === EXIT_USAGE;
    const file = isConfig ? resolve(settings.configFile) : undefined;
    logger.error(error.summary, { file, err: error.cause });
    return error.exitCode;
  }
}
