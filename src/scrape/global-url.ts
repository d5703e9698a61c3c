// SPDX-License-Identifier: Apache-2.0

/** Where this server is reached: from itself and from outside. */
export interface ServerAddress {
  /** `--web.listen-address`, e.g. `0.0.0.0:9090`. */
  readonly listenAddress: string;
  /** `--web.external-url`. */
  readonly externalUrl: string;
}

const localHosts = ['127.0.0.1', 'localhost', '[::1]', '::1'];

/** Host and port of `host:port`; undefined without a port. */
function splitPort(address: string): { host: string; port: string } | undefined {
  const match = /^(.*):([0-9]*)$/.exec(address);
  const host = match?.[1];
  const port = match?.[2];
  return host === undefined || port === undefined ? undefined : { host, port };
}

/**
 * A target's URL as somebody elsewhere can open it: on this machine's own addresses the external host
 * takes the place of the local one, and for this very server the whole external address does.
 */
export function globalUrl(scrapeUrl: string, server: ServerAddress): string {
  const match = /^([a-z]+):\/\/([^/?]*)(.*)$/s.exec(scrapeUrl);
  const target = splitPort(match?.[2] ?? '');
  if (match === null || target === undefined || !localHosts.includes(target.host)) return scrapeUrl;
  const external = new URL(server.externalUrl);
  const rest = match[3] ?? '';
  if (target.port === splitPort(server.listenAddress)?.port)
    return `${external.protocol}//${external.host}${rest}`;
  return `${match[1]}://${external.hostname}:${target.port}${rest}`;
}
