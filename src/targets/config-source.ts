// SPDX-License-Identifier: Apache-2.0
// Where the server's configuration comes from: a file, read again at each reload, or a ready text.

import { createHash } from 'node:crypto';
import type { FileSystem } from '../base/index.ts';
import type { Config, StartTimeFlags } from '../config/index.ts';
import { parseConfig } from '../config/index.ts';
import { glob } from '../discovery/index.ts';

export interface ConfigSource {
  /** For messages: the path as it was given. */
  readonly name: string;
  /**
   * Reads and checks it.
   * @param ownAddress where this server listens
   * @throws ConfigError, FileError
   */
  load(ownAddress: string, startTimes: StartTimeFlags): Config;
  /** A text that changes when what `load` reads does; for automatic reloads. */
  fingerprint(): string;
}

export function fileConfig(path: string, files: FileSystem): ConfigSource {
  const options = { fileName: path, files, environment: process.env };
  /** Files that the configuration named when it was last loaded. */
  let patterns: readonly string[] = [];
  return {
    name: path,
    load: (_, startTimes) => {
      const config = parseConfig(files.readTextSync(path), { ...options, startTimes });
      patterns = [...config.scrapeConfigFiles, ...config.ruleFiles];
      return config;
    },
    fingerprint: () => {
      const hash = createHash('sha256');
      for (const file of [path, ...patterns.flatMap((pattern) => glob(files, pattern))]) {
        hash.update(file).update('\0');
        if (files.existsSync(file)) hash.update(files.readFileSync(file));
      }
      return hash.digest('hex');
    },
  };
}

export function textConfig(
  name: string,
  text: (ownAddress: string) => string,
  files: FileSystem,
): ConfigSource {
  return {
    name,
    load: (ownAddress, startTimes) =>
      parseConfig(text(ownAddress), {
        fileName: name,
        directory: '.',
        files,
        environment: process.env,
        startTimes,
      }),
    fingerprint: () => '',
  };
}
