// SPDX-License-Identifier: Apache-2.0
// Secrets and certificates from files, read again when the file changes.

import { readFileSync, statSync } from 'node:fs';
import { HttpError, type SecretSource } from '../base/index.ts';

interface Cached {
  readonly stamp: string;
  readonly text: string;
}

/** The contents of a few small files, kept while they do not change. Cost of a hit: one stat. */
export class SecretFiles {
  private readonly cached = new Map<string, Cached>();

  /** The file as it is now. @throws HttpError `auth` when it cannot be read */
  read(path: string): string {
    return this.load(path).text;
  }

  /** Changes when the file does. @throws HttpError `auth` */
  stamp(path: string): string {
    return this.load(path).stamp;
  }

  /**
   * The secret itself; a file's line end is not part of it. '' when there is none.
   *
   * @param what named in the error: `basic auth password`
   * @throws HttpError `auth`
   */
  value(source: SecretSource | undefined, what: string): string {
    if (source?.value !== undefined) return source.value;
    if (!source?.file) return '';
    try {
      return this.read(source.file).trim();
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw new HttpError('auth', `unable to read ${what}: ${error.message}`, { cause: error });
    }
  }

  private load(path: string): Cached {
    try {
      const stat = statSync(path);
      const stamp = `${stat.mtimeMs}/${stat.size}/${stat.ino}`;
      const known = this.cached.get(path);
      if (known?.stamp === stamp) return known;
      const fresh = { stamp, text: readFileSync(path, 'utf8') };
      this.cached.set(path, fresh);
      return fresh;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const why =
        code === 'ENOENT'
          ? 'no such file or directory'
          : code === 'EACCES'
            ? 'permission denied'
            : String(error);
      throw new HttpError('auth', `unable to read file ${path}: open ${path}: ${why}`, {
        cause: error,
      });
    }
  }
}
