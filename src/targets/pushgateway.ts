// SPDX-License-Identifier: Apache-2.0
// `hearth pushgateway`: keeps what short-lived jobs push until it is scraped.

import type { Clock, FileSystem, Logger } from '../base/index.ts';
import { registerProcessMetrics, registerRuntimeMetrics, Registry } from '../metrics/index.ts';
import { parseDuration } from '../model/index.ts';
import type { HttpServerOptions } from '../platform/index.ts';
import {
  createNodeClock,
  createNodeFileSystem,
  createRequestDecoder,
  createRuntime,
  LazyWorker,
  onSignals,
} from '../platform/index.ts';
import type { GatewayOptions, PreparePush, PrepareReply } from '../pushgateway/index.ts';
import { Gateway, Persistence, routePrefix } from '../pushgateway/index.ts';
import { buildInfo, pushgatewayPage } from './build-info.ts';
import { cannotStart, EXIT_OK, loggerFor, readFlags, warnUnsupported } from './command-line.ts';
import type { FlagValues } from './flags.ts';
import { listen, listenSettings } from './listen.ts';
import { pushgatewayFlags } from './pushgateway-flags.ts';

const summary = 'The Pushgateway';
const STOP_GRACE_MS = 5000;
const CONNECTIONS_MAX = 4096;
const READ_TIMEOUT_MS = 300_000;
/** Of one push, as sent and once it is decompressed. */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024;
/** As in Go's server: a URL may carry thousands of grouping labels. */
const HEAD_LIMIT_BYTES = 1024 * 1024;

/** The thread for large pushes takes some megabytes: it ends when there is none for so long. */
const PREPARER_IDLE_MS = 30_000;
/** A text of the largest size has some 700,000 samples. */
const PREPARER_HEAP_MEGABYTES_MAX = 2048;
const PREPARER_YOUNG_MEGABYTES = 48;

/** A gateway with what keeps it on disk. */
export interface RunningGateway {
  readonly gateway: Gateway;
  readonly routePrefix: string;
  /** Settles when quitting was asked for over HTTP. */
  readonly quit: Promise<void>;
  /** Writes what is not yet in the persistence file. */
  close(): Promise<void>;
}

function externalUrlPath(text: string): string {
  if (text === '') return '';
  try {
    return decodeURI(new URL(text.includes('://') ? text : `http://${text}`).pathname);
  } catch (error) {
    throw new Error(`--web.external-url ${JSON.stringify(text)} is not a URL`, { cause: error });
  }
}

function gatewayOptions(values: FlagValues): GatewayOptions {
  const { version, revision, branch, buildUser, buildDate, goVersion } = buildInfo('pushgateway');
  const external = externalUrlPath(values.text('web.external-url'));
  return {
    telemetryPath: values.text('web.telemetry-path'),
    routePrefix: routePrefix(values.text('web.route-prefix'), external),
    externalPathPrefix: routePrefix('', external),
    enableLifecycle: values.flag('web.enable-lifecycle'),
    enableAdminApi: values.flag('web.enable-admin-api'),
    checkConsistency: !values.flag('push.disable-consistency-check'),
    scheme: values.flag('push.enable-utf8-names') ? 'utf8' : 'legacy',
    defaultTtlMs: parseDuration(values.text('push.ttl')),
    pageDirectory: pushgatewayPage,
    flags: values.all(),
    buildInformation: { branch, buildDate, buildUser, goVersion, revision, version },
    build: {
      version,
      revision,
      branch,
      goVersion,
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    },
  };
}

/**
 * The gateway of these flags, with what was persisted.
 * @throws ForeignFileError, FileError for a persistence file that cannot be used
 */
export function createPushgateway(
  values: FlagValues,
  parts: { readonly clock: Clock; readonly files: FileSystem; readonly logger: Logger },
): RunningGateway {
  const registry = new Registry({ clock: parts.clock });
  registerProcessMetrics(registry, parts.files);
  registerRuntimeMetrics(registry, createRuntime());
  let quit = (): void => undefined;
  const quitting = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const decode = createRequestDecoder(BODY_LIMIT_BYTES);
  const options = gatewayOptions(values);
  const preparer = new LazyWorker({
    // Next to this file, with the same ending: .js when built.
    script: new URL('./push-worker.js', import.meta.url),
    idleMs: PREPARER_IDLE_MS,
    heapMegabytesMax: PREPARER_HEAP_MEGABYTES_MAX,
    youngMegabytes: PREPARER_YOUNG_MEGABYTES,
  });
  const prepare: PreparePush = async (request) =>
    (await preparer.run(request, [request.bytes.buffer])) as PrepareReply;
  const gateway = new Gateway(options, { ...parts, registry, decode, prepare, quit });
  const path = values.text('persistence.file');
  let persistence: Persistence | undefined;
  if (path !== '') {
    const intervalMs = parseDuration(values.text('persistence.interval'));
    persistence = new Persistence({ path, intervalMs }, parts, () => gateway.store.snapshot());
    persistence.load((record) => gateway.store.replay(record));
    gateway.store.persistWith(persistence);
  }
  return {
    gateway,
    routePrefix: options.routePrefix,
    quit: quitting,
    close: async () => {
      gateway.close();
      await preparer.close();
      await persistence?.close();
    },
  };
}

/** How to serve a gateway over HTTP. */
export function pushgatewayServerOptions(
  addresses: readonly string[],
  logger: Logger,
  gateway: Gateway,
): HttpServerOptions {
  return {
    addresses,
    readTimeoutMs: READ_TIMEOUT_MS,
    connectionsMax: CONNECTIONS_MAX,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    headLimitBytes: HEAD_LIMIT_BYTES,
    logger,
    handle: (request) => gateway.handle(request),
  };
}

/** Resolves when a signal or a request says so. */
async function untilStopped(running: RunningGateway, logger: Logger): Promise<void> {
  const signal = new Promise<void>((resolve) => {
    onSignals({
      reload: () => undefined,
      stop: () => {
        logger.info('received SIGINT/SIGTERM; exiting gracefully...');
        resolve();
      },
    });
  });
  const request = running.quit.then(() => {
    logger.warn('received termination request via web service, exiting gracefully...');
  });
  await Promise.race([signal, request]);
}

/** @returns the exit code, when stopped */
export async function runPushgateway(args: readonly string[]): Promise<number> {
  const values = readFlags('pushgateway', summary, pushgatewayFlags, args);
  if (typeof values === 'number') return values;
  const logger = loggerFor(values);
  const parts = { clock: createNodeClock(), files: createNodeFileSystem(), logger };
  try {
    logger.info('starting pushgateway', { version: buildInfo('pushgateway').version });
    warnUnsupported(pushgatewayFlags, values, logger);
    const running = createPushgateway(values, parts);
    const server = await listen(
      pushgatewayServerOptions(values.list('web.listen-address'), logger, running.gateway),
      listenSettings(values, running.routePrefix),
    );
    await untilStopped(running, logger);
    await server.close(STOP_GRACE_MS);
    logger.info('HTTP server stopped');
    await running.close();
    return EXIT_OK;
  } catch (error) {
    return cannotStart(error, logger);
  }
}
