// SPDX-License-Identifier: Apache-2.0
// Which proxy, if any, a request goes through.

import { BlockList, isIP } from 'node:net';
import type { ProxyOptions } from '../base/index.ts';

/** Whether one entry of a no_proxy list covers the host. `*` covers all, `x.org` its subdomains too. */
function covers(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  const withPort = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry);
  if (withPort && withPort[2] !== port) return false;
  const host = (withPort?.[1] ?? entry).replace(/^\[|\]$/g, '');
  if (host.includes('/')) return networkCovers(host, hostname);
  if (host.startsWith('*.')) return hostname.endsWith(host.slice(1));
  if (host.startsWith('.')) return hostname.endsWith(host);
  return hostname === host || (isIP(host) === 0 && hostname.endsWith(`.${host}`));
}

function networkCovers(network: string, hostname: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(hostname) !== family || !/^\d{1,3}$/.test(bits)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), type);
  return list.check(hostname, type);
}

function isExcluded(noProxy: string, url: URL): boolean {
  const hostname = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && covers(entry, hostname, port));
}

/** As Go's: the local machine is never reached through a proxy named by the environment. */
function isLocal(url: URL): boolean {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return hostname === 'localhost' || hostname === '::1' || hostname.startsWith('127.');
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Finds the proxy for a URL; undefined = go directly. */
export type ProxyChooser = (url: URL) => string | undefined;

/** @param environment read once, as Go does */
export function proxyChooser(options: ProxyOptions, environment: Environment): ProxyChooser {
  if (options.proxyFromEnvironment) {
    const read = (name: string): string =>
      environment[name] || environment[name.toLowerCase()] || '';
    const byProtocol = { http: read('HTTP_PROXY'), https: read('HTTPS_PROXY') };
    const noProxy = read('NO_PROXY');
    return (url) => {
      const proxy = url.protocol === 'https:' ? byProtocol.https : byProtocol.http;
      if (!proxy || isLocal(url) || isExcluded(noProxy, url)) return undefined;
      return proxy.includes('://') ? proxy : `http://${proxy}`;
    };
  }
  const { proxyUrl, noProxy = '' } = options;
  if (!proxyUrl) return () => undefined;
  return (url) => (isExcluded(noProxy, url) ? undefined : proxyUrl);
}
