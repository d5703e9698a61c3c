// SPDX-License-Identifier: Apache-2.0
// File name patterns as Go's filepath.Glob has them: `*`, `?`, `[a-z]` within one path element.

import { FileError, type FileSystem } from '../base/index.ts';
import { compareText } from '../model/index.ts';

/** What globbing needs of a file system. */
export type FileLister = Pick<FileSystem, 'listSync' | 'existsSync'>;

const hasMeta = (element: string): boolean => /[*?[\\]/.test(element);

/** One element of a pattern as an anchored expression; undefined when it is malformed. */
function elementRegExp(element: string): RegExp | undefined {
  let source = '';
  for (let i = 0; i < element.length; i++) {
    const char = element[i]!;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      const end = element.indexOf(']', i + 2);
      if (end < 0) return undefined;
      const inner = element.slice(i + 1, end).replace(/[\\[\]&~|]/g, '\\$&');
      source += `[${inner}]`;
      i = end;
    } else {
      const literal = char === '\\' ? (element[++i] ?? '') : char;
      source += literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    }
  }
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch {
    return undefined;
  }
}

function listOrNothing(files: FileLister, directory: string): string[] {
  try {
    return files.listSync(directory === '' ? '.' : directory);
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

/** Existing paths that match `pattern`, in order of name. A malformed pattern matches nothing. */
export function glob(files: FileLister, pattern: string): string[] {
  if (!hasMeta(pattern)) return files.existsSync(pattern) ? [pattern] : [];
  let found = [pattern.startsWith('/') ? '/' : ''];
  const elements = pattern.split('/').filter((element) => element !== '');
  for (const element of elements) {
    const join = (directory: string, name: string): string =>
      directory === '' || directory === '/' ? directory + name : `${directory}/${name}`;
    if (!hasMeta(element)) {
      found = found.map((directory) => join(directory, element));
      continue;
    }
    const matcher = elementRegExp(element);
    if (!matcher) return [];
    found = found.flatMap((directory) =>
      listOrNothing(files, directory)
        .filter((name) => matcher.test(name))
        .sort(compareText)
        .map((name) => join(directory, name)),
    );
  }
  return found.filter((path) => files.existsSync(path));
}
