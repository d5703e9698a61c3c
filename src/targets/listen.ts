// SPDX-License-Identifier: Apache-2.0
// How every target opens its listeners: behind the web configuration file, where there is one, with
// /debug/pprof beside what it serves itself.

import type { Logger, ServerRequest, ServerResponse } from '../base/index.ts';
import type { HttpServer, HttpServerOptions } from '../platform/index.ts';
import { ListenError, startHttpServer, takeInheritedSockets } from '../platform/index.ts';
import type { FlagValues } from './flags.ts';
import type { WebConfig } from './web-config.ts';

/**
 * The web configuration of a file; undefined for '' = none. Loaded only when asked for: its parts take a
 * tenth of a second to load, and most servers have no such file.
 * @throws WebConfigError
 */
async function openWebConfig(path: string, logger: Logger): Promise<WebConfig | undefined> {
  if (path === '') return undefined;
  const { WebConfig: Loaded } = await import('./web-config.ts');
  return new Loaded(path, logger);
}

/** What the flags say about listening. */
export interface ListenSettings {
  /** `--web.config.file`; '' = none. */
  readonly configFile: string;
  /** `--web.systemd-socket`: the sockets the process was started with, instead of the addresses. */
  readonly systemdSocket?: boolean;
  /** What stands before /debug/pprof in its path: the route prefix. */
  readonly prefix?: string;
}

/** The settings of a target that has both flags. */
export function listenSettings(values: FlagValues, prefix = ''): ListenSettings {
  return {
    prefix,
    configFile: values.text('web.config.file'),
    systemdSocket: values.flag('web.systemd-socket'),
  };
}

/** Descriptors to serve on. @throws ListenError when there are none */
function inheritedSockets(logger: Logger): number[] {
  logger.info('Listening on systemd activated listeners instead of port listeners.');
  const inherited = takeInheritedSockets();
  if (inherited.length > 0) return inherited;
  throw new ListenError(
    'no socket activation file descriptors found: --web.systemd-socket is for a service that a .socket unit starts',
  );
}

type Handle = (request: ServerRequest) => Promise<ServerResponse>;

/** `handle` with /debug/pprof before it. What answers there is loaded when it is first asked. */
function withProfiling(handle: Handle, prefix: string): Handle {
  const directory = `${prefix}/debug/pprof`;
  let loaded: Promise<{ answer(name: string, request: ServerRequest): Promise<ServerResponse> }>;
  return async (request) => {
    const { path } = request;
    if (!path.startsWith(directory)) return handle(request);
    const rest = path.slice(directory.length);
    if (rest === '') return { status: 301, headers: { location: `${directory}/` }, body: '' };
    if (!rest.startsWith('/')) return handle(request);
    loaded ??= import('./profiling.ts').then(({ Profiling }) => new Profiling());
    return (await loaded).answer(rest.slice(1), request);
  };
}

/**
 * Serves `options` with the users and certificates of the web configuration, and certificates that
 * change while it runs.
 * @throws ListenError, WebConfigError
 */
export async function listen(
  options: Omit<HttpServerOptions, 'tls' | 'refuseClient' | 'inherited'>,
  settings: ListenSettings,
): Promise<HttpServer> {
  const { logger } = options;
  const handle = withProfiling(options.handle, settings.prefix ?? '');
  const config = await openWebConfig(settings.configFile, logger);
  const tls = config?.tls();
  const sockets =
    settings.systemdSocket === true ? { addresses: [], inherited: inheritedSockets(logger) } : {};
  const server = await startHttpServer({
    ...options,
    ...sockets,
    handle: config === undefined ? handle : config.wrap(handle),
    ...(tls === undefined ? {} : { tls }),
    ...(config === undefined ? {} : { refuseClient: config.refuseClient }),
  });
  for (const address of server.addresses) logger.info('Listening on', { address });
  logger.info(tls === undefined ? 'TLS is disabled.' : 'TLS is enabled.', { http2: false });
  config?.watchTls((renewed) => server.renewTls(renewed));
  return server;
}
