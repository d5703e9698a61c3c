// SPDX-License-Identifier: Apache-2.0
// `hearth promtool …`: tools for rules, configuration and data.

import { fstatSync, writeSync } from 'node:fs';
import { userInfo } from 'node:os';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Prng } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { CommandHost, Program } from '../commands/index.ts';
import { CommandError, parseCommand, promtool } from '../commands/index.ts';
import { createMemory, SharedHeap } from '../kernels/index.ts';
import {
  createHttpClient,
  createLogger,
  createNodeClock,
  createNodeFileSystem,
  createSnappy,
  createZstd,
} from '../platform/index.ts';
import { BlockError, TsdbError } from '../tsdb/index.ts';
import { buildInfo, type ProgramName, versionText } from './build-info.ts';
import { webConfigProblem } from './web-config-file.ts';

const EXIT_FAILURE = 1;

/** Writes all of it, also to a pipe whose reader is slow; false when nobody reads any more. */
function writeAll(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN') throw error;
      // The pipe is full: wait a little for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return true;
}

/** All of the standard input; undefined when that is a terminal or another device. */
async function readInput(): Promise<string | undefined> {
  if (fstatSync(0).isCharacterDevice()) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

/** '' where the system does not know its users. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

/** The machine as commands see it. */
export function createHost(): CommandHost {
  const random: Prng = {
    next: () => Math.random(),
    below: (bound) => Math.floor(Math.random() * bound),
  };
  return {
    files: createNodeFileSystem(),
    clock: createNodeClock(),
    logger: createLogger({ level: 'warn', format: 'logfmt' }),
    prng: random,
    snappy: createSnappy(),
    zstd: createZstd(),
    processId: process.pid,
    environment: process.env,
    newHeap: () => new SharedHeap(createMemory()),
    createHttpClient,
    gzip: (bytes) => gzipSync(bytes),
    gunzip: (bytes) => {
      try {
        return gunzipSync(bytes);
      } catch {
        return undefined;
      }
    },
    webConfigProblem,
    readInput,
    userName: userName(),
    alertmanagerVersion: buildInfo('alertmanager').version,
    // A reader that has seen enough is no error.
    out: (text) => {
      if (!writeAll(1, text)) process.exit(0);
    },
    err: (text) => void writeAll(2, text),
    isTerminal: process.stderr.isTTY === true,
  };
}

/** Runs a program of commands. @returns the exit code */
export async function runProgram(
  program: Program & { readonly name: ProgramName },
  args: readonly string[],
  host = createHost(),
): Promise<number> {
  const parsed = parseCommand(program, args);
  switch (parsed.kind) {
    case 'help':
      host.out(parsed.text);
      return 0;
    case 'version':
      host.out(versionText(program.name));
      return 0;
    case 'error':
      host.err(`${parsed.message}\n`);
      return EXIT_FAILURE;
    case 'command':
      try {
        return await parsed.command.run(parsed.values, host);
      } catch (error) {
        const isExpected =
          error instanceof CommandError ||
          error instanceof FileError ||
          error instanceof BlockError ||
          error instanceof TsdbError;
        if (!isExpected) throw error;
        const { message } = error;
        const prefixed = `${program.name}: error: ${message}\n\n`;
        host.err(program.prefixesErrors === true ? prefixed : `${message}\n`);
        return EXIT_FAILURE;
      }
  }
}

/** @returns the exit code */
export const runPromtool = (args: readonly string[]): Promise<number> =>
  runProgram({ ...promtool, name: 'promtool' }, args);
