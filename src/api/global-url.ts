// SPDX-License-Identifier: Apache-2.0

const localNames: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]', '::1']);

/**
 * The URL under which a target is reached from elsewhere: a target on localhost is at our external host;
 * when its port is ours too, it is ourselves, at the whole external URL.
 */
export function globalUrl(targetUrl: string, externalUrl: string, listenAddress: string): string {
  let url: URL;
  try {
    url = new URL(targetUrl);
  } catch {
    // Relabelling can make any text of an address; the scrape's own error tells about it.
    return targetUrl;
  }
  if (!localNames.has(url.hostname)) return targetUrl;
  const external = new URL(externalUrl);
  const ownPort = listenAddress.slice(listenAddress.lastIndexOf(':') + 1);
  const port = url.port;
  const host =
    port === ownPort ? external.host : `${external.hostname}${port === '' ? '' : `:${port}`}`;
  const scheme = port === ownPort ? external.protocol : url.protocol;
  const rest = targetUrl.slice(targetUrl.indexOf(url.host) + url.host.length);
  return `${scheme}//${host}${rest}`;
}
