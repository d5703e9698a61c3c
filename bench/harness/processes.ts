// SPDX-License-Identifier: Apache-2.0
// Programs under test as child processes, and what the kernel says they used.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Clock ticks of /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PATIENCE_MS = 120_000;

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** A TCP port of 127.0.0.1 that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export interface Usage {
  /** User and system time of all threads, since the start. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** The part of it that no file backs. */
  readonly anonymousBytes: number;
}

/** What a process has used so far. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses, with anything in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: kilobytes('VmRSS') * 1024,
    anonymousBytes: kilobytes('RssAnon') * 1024,
  };
}

/** Bytes that a directory takes on disk, holes left out. */
export function diskBytes(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    bytes += entry.isDirectory() ? diskBytes(path) : stat.blocks * 512;
  }
  return bytes;
}

/** A running program. Its output is kept for messages. */
export class Program {
  readonly child: ChildProcess;
  private log = '';
  private readonly exited: Promise<void>;

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const keep = (chunk: Buffer): void => {
      this.log = (this.log + chunk.toString('utf8')).slice(-20_000);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.once('error', () => resolve());
    });
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`the program did not start: ${this.log}`);
    return pid;
  }

  get output(): string {
    return this.log;
  }

  /** Waits until `url` answers 200. @throws Error with the output when the program ends or takes too long */
  async ready(url: string, patienceMs = PATIENCE_MS): Promise<void> {
    const end = Date.now() + patienceMs;
    for (;;) {
      const response = await fetch(url).catch(() => undefined);
      await response?.arrayBuffer().catch(() => undefined);
      if (response?.status === 200) return;
      const ended = this.child.exitCode !== null || this.child.signalCode !== null;
      if (ended || Date.now() > end) throw new Error(`${url} does not answer:\n${this.log}`);
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    await this.exited;
    clearTimeout(timer);
  }
}

/** Whatever one run started and wrote; `close` ends and removes it. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'hearth-bench-'));
  private readonly closers: (() => Promise<void> | void)[] = [];

  onClose(close: () => Promise<void> | void): void {
    this.closers.push(close);
  }

  run(command: string, args: readonly string[], environment?: NodeJS.ProcessEnv): Program {
    const program = new Program(command, args, environment);
    this.onClose(() => program.stop());
    return program;
  }

  async close(): Promise<void> {
    await Promise.all(this.closers.splice(0).map((close) => close()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
