// SPDX-License-Identifier: Apache-2.0
// Paths of requests as Go's server sees them: decoded once, then made clean.

/** The path without its percent-encoding; undefined where that is malformed or not UTF-8. */
export function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Without empty, `.` and `..` parts; a slash at the end stays. */
export function cleanPath(path: string): string {
  if (path === '') return '/';
  if (!/\/(\/|\.{1,2}(\/|$))/.test(path)) return path.startsWith('/') ? path : `/${path}`;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  const clean = `/${parts.join('/')}`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** A decoded path for a Location header. */
export const encodePath = (path: string): string =>
  encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');

/** `--web.route-prefix` and the like: '' for the root, else with a slash in front and none at the end. */
export function routePrefix(prefix: string, externalUrlPath: string): string {
  const given = prefix === '' ? externalUrlPath : prefix;
  if (given === '' || given === '/') return '';
  return `/${given.replace(/^\/+/, '')}`.replace(/\/+$/, '');
}
