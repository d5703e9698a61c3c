// SPDX-License-Identifier: Apache-2.0
// Starts the real programs from the command line, on free ports and in directories of their own.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { repositoryRoot } from '../../tools/tidy.ts';

export const entry = resolve(repositoryRoot, 'dist/targets/cli.js');
export const nodeExporterPath = '/usr/bin/prometheus-node-exporter';

/** Whether a program that a test needs is there; in CI a missing one fails the test instead. */
export const available = (path: string): boolean => existsSync(path) || process.env.CI === 'true';

export const built = available(entry);

/** How long a program may take for anything it is waited for. */
const PATIENCE_MS = 20_000;

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'hearth-e2e-'));
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * A query without data that computes for some half a minute: medians of a day of scattered
 * values at each second of a day, again and again with other values, so that nothing is shared.
 */
export const SLOW_QUERY = [7919, 7907, 7901, 7883, 7879, 7877, 7873, 7867]
  .map((factor) => `(vector(time()) * ${factor} % 86413)`)
  .map((values) => `quantile_over_time(0.5, quantile_over_time(0.5, ${values}[1d:1s])[1d:1s])`)
  .join(' + ');

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until `check` gives something that is not undefined. */
export async function eventually<Value>(
  what: string,
  check: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`gave up waiting until ${what}`);
    await sleep(50);
  }
}

/** A running program. */
export class Program {
  readonly process: ChildProcess;
  stderr = '';
  stdout = '';
  /** Settles with the exit code, or the signal's name, whenever it ends. */
  readonly exited: Promise<number | string>;

  constructor(command: string, args: readonly string[], cwd?: string) {
    this.process = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.process.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.process.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.exited = new Promise((resolve) => {
      this.process.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
      this.process.on('error', (error) => resolve(error.message));
    });
  }

  /** Sends `signal` and waits for the end. @returns exit code, or the signal's name */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.process.kill(signal);
    return this.exit();
  }

  /** Waits for the end, not for ever. */
  exit(): Promise<number | string> {
    const late = sleep(PATIENCE_MS).then(() => {
      this.process.kill('SIGKILL');
      return `did not end: ${this.stderr}`;
    });
    return Promise.race([this.exited, late]);
  }

  /** Waits until `text` was logged. */
  async logs(text: string): Promise<void> {
    await eventually(`${JSON.stringify(text)} is logged`, () => {
      if (this.stderr.includes(text)) return true;
      if (this.process.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
      return undefined;
    });
  }
}

/** Everything one test started; `close` ends and removes it. */
export class Stage {
  private readonly programs: Program[] = [];
  private readonly directories: string[] = [];

  directory(): string {
    const directory = temporaryDirectory();
    this.directories.push(directory);
    return directory;
  }

  run(command: string, args: readonly string[], cwd?: string): Program {
    const program = new Program(command, args, cwd);
    this.programs.push(program);
    return program;
  }

  hearth(args: readonly string[], cwd?: string): Program {
    return this.run(process.execPath, [entry, ...args], cwd);
  }

  async close(): Promise<void> {
    await Promise.all(this.programs.splice(0).map((program) => program.end('SIGKILL')));
    for (const directory of this.directories.splice(0)) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** The JSON of an API answer, whatever its status. */
export interface ApiAnswer {
  readonly httpStatus: number;
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are checked by the tests, field by field
  readonly data?: any;
}

/** One server's HTTP API. */
export class ApiClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async get(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    const response = await fetch(`${this.url}/api/v1${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as ApiAnswer;
    return { ...answer, httpStatus: response.status };
  }

  async post(path: string, parameters: Readonly<Record<string, string>>): Promise<ApiAnswer> {
    const body = new URLSearchParams(parameters);
    const response = await fetch(`${this.url}/api/v1${path}`, { method: 'POST', body });
    const answer = (await response.json()) as ApiAnswer;
    return { ...answer, httpStatus: response.status };
  }

  /** Waits for 200 of /-/ready. */
  async ready(): Promise<void> {
    await eventually(`${this.url} is ready`, async () => {
      const response = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      return response?.status === 200 ? true : undefined;
    });
  }

  /** Waits until an instant query has a result, and gives it. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  result(query: string): Promise<any[]> {
    return eventually(`${query} has a result`, async () => {
      const answer = await this.get('/query', { query });
      const result = answer.data?.result;
      return Array.isArray(result) && result.length > 0 ? result : undefined;
    });
  }
}
