// SPDX-License-Identifier: Apache-2.0

import type { StatsFs } from 'node:fs';
import { readFileSync, statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import type {
  FileSystemUsage,
  InterfaceAddress,
  OperatingSystem,
  SystemCalls,
} from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { openSystemCalls } from './system-calls.ts';
import { createTimeZone } from './time-zone.ts';

const AT_NULL = 0;
const AT_PAGESZ = 6;

/** The page size that the kernel told this process at start; 4096 where there is no auxiliary vector. */
function pageBytes(): number {
  try {
    const vector = readFileSync('/proc/self/auxv');
    for (let i = 0; i + 16 <= vector.length; i += 16) {
      const key = vector.readUInt32LE(i);
      if (key === AT_NULL) break;
      if (key === AT_PAGESZ) return vector.readUInt32LE(i + 8);
    }
  } catch {
    // Not Linux, or /proc is not mounted: the usual size is right nearly everywhere.
  }
  return 4096;
}

function interfaceAddresses(): InterfaceAddress[] {
  const found: InterfaceAddress[] = [];
  for (const [device, addresses] of Object.entries(os.networkInterfaces())) {
    for (const { address, cidr } of addresses ?? [])
      found.push({ device, address, prefixLength: Number(cidr?.split('/')[1] ?? 0) });
  }
  return found;
}

const usageOf = (usage: StatsFs): FileSystemUsage => ({
  blockBytes: usage.bsize,
  blocks: usage.blocks,
  blocksFree: usage.bfree,
  blocksAvailable: usage.bavail,
  files: usage.files,
  filesFree: usage.ffree,
});

/** The kernel's words, as Go has them: they become a label. */
const usageReasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EIO: 'input/output error',
  ENOTCONN: 'transport endpoint is not connected',
  ESTALE: 'stale NFS file handle',
};

function usageError(path: string, error: unknown): FileError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'other';
  const reason = usageReasons[code] ?? (error instanceof Error ? error.message : code);
  const known = code === 'ENOENT' || code === 'EACCES' || code === 'EIO' ? code : 'other';
  return new FileError(known, path, `cannot stat file system ${path}: ${reason}`, { cause: error });
}

/** This machine. */
export function createOperatingSystem(): OperatingSystem {
  let opened: { readonly calls: SystemCalls | undefined } | undefined;
  return {
    pageBytes: pageBytes(),
    userId: process.getuid?.() ?? 0,
    get calls() {
      opened ??= { calls: openSystemCalls() };
      return opened.calls;
    },
    interfaceAddresses,
    timeZone: createTimeZone(),
    systemName: () => ({
      sysname: os.type(),
      release: os.release(),
      version: os.version(),
      machine: os.machine(),
      nodename: os.hostname(),
    }),
    fileSystemUsage: async (path) => {
      try {
        return usageOf(await statfs(path));
      } catch (error) {
        throw usageError(path, error);
      }
    },
    localFileSystemUsage: (path) => {
      try {
        return usageOf(statfsSync(path));
      } catch (error) {
        throw usageError(path, error);
      }
    },
  };
}
