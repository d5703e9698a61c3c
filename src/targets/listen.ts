// SPDX-License-Identifier: Apache-2.0
// How every target opens its listeners: behind the web configuration file, where there is one.

import type { Logger } from '../base/index.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../platform/index.ts';
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

/**
 * Serves `options` with the users and certificates of `webConfigFile` ('' = none), and certificates that
 * change while it runs.
 * @throws ListenError, WebConfigError
 */
export async function listen(
  options: Omit<HttpServerOptions, 'tls'>,
  webConfigFile: string,
): Promise<HttpServer> {
  const { logger, handle } = options;
  const config = await openWebConfig(webConfigFile, logger);
  const tls = config?.tls();
  const server = await startHttpServer({
    ...options,
    handle: config === undefined ? handle : config.wrap(handle),
    ...(tls === undefined ? {} : { tls }),
  });
  for (const address of server.addresses) logger.info('Listening on', { address });
  logger.info(tls === undefined ? 'TLS is disabled.' : 'TLS is enabled.', { http2: false });
  config?.watchTls((renewed) => server.renewTls(renewed));
  return server;
}
