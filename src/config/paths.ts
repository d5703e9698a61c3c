// SPDX-License-Identifier: Apache-2.0

/** `path` without `.`, `..` and doubled slashes, where that can be told from the text alone. */
export function cleanPath(path: string): string {
  const absolute = path.startsWith('/');
  const kept: string[] = [];
  for (const element of path.split('/')) {
    if (element === '' || element === '.') continue;
    const last = kept[kept.length - 1];
    if (element !== '..') kept.push(element);
    else if (last !== undefined && last !== '..') kept.pop();
    else if (!absolute) kept.push(element);
  }
  const joined = kept.join('/');
  if (absolute) return `/${joined}`;
  return joined === '' ? '.' : joined;
}

/** A path of the configuration, which counts from the configuration's directory. '' stays ''. */
export function resolvePath(directory: string, path: string): string {
  if (path === '' || path.startsWith('/')) return path;
  return cleanPath(directory === '' ? path : `${directory}/${path}`);
}

/** The directory part, `.` when there is none. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return cleanPath(path.slice(0, slash + 1));
}
