// SPDX-License-Identifier: Apache-2.0
// The three servers that are compared, started alike.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type Program, type Stage } from './processes.ts';

export type SystemName = 'hearth' | 'prometheus' | 'victoria';
export const allSystems: readonly SystemName[] = ['hearth', 'prometheus', 'victoria'];

export interface SystemOptions {
  /** A Prometheus configuration; scrapes nothing unless given. */
  readonly config?: string;
  /** Data directory; a fresh one unless given. */
  readonly dataDirectory?: string;
  /** Further arguments of Node itself, for ours: profiling. */
  readonly nodeArguments?: readonly string[];
  /** Further flags of the server. */
  readonly flags?: readonly string[];
  /** How long it may take to be ready. */
  readonly patienceMs?: number;
}

export interface RunningSystem {
  readonly name: SystemName;
  readonly program: Program;
  readonly url: string;
  readonly dataDirectory: string;
  /** From its start until it answered. */
  readonly startSeconds: number;
}

const executables: Readonly<Record<Exclude<SystemName, 'hearth'>, string>> = {
  prometheus: 'prometheus',
  victoria: 'victoria-metrics',
};

/** Path of an installed program. */
export function installed(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(':').concat('/usr/bin')) {
    const path = join(folder, name);
    if (folder !== '' && existsSync(path)) return path;
  }
  return undefined;
}

export const isInstalled = (name: SystemName): boolean =>
  name === 'hearth' || installed(executables[name]) !== undefined;

const KEEP = '100y';

/** Block files of Prometheus's are never merged while it is measured. */
const prometheusFlags = (data: string, config: string, address: string): string[] => [
  `--config.file=${config}`,
  `--storage.tsdb.path=${data}`,
  `--web.listen-address=${address}`,
  `--storage.tsdb.retention.time=${KEEP}`,
  '--log.level=warn',
];

/** The arguments of Node that `./hearth` has. */
function launchArguments(root: string): string[] {
  const script = readFileSync(join(root, 'hearth'), 'utf8');
  return (/^exec node (.*) "\$here/m.exec(script)?.[1] ?? '').split(' ').filter((s) => s !== '');
}

function commandOf(
  name: SystemName,
  root: string,
  parts: { data: string; config: string; address: string },
  options: SystemOptions,
): [string, string[]] {
  const { data, config, address } = parts;
  const flags = options.flags ?? [];
  if (name === 'hearth') {
    const entry = join(root, 'dist/targets/cli.js');
    if (!existsSync(entry)) throw new Error(`${entry} is missing: run the build first`);
    const nodeArguments = [...launchArguments(root), ...(options.nodeArguments ?? [])];
    const server = ['server', ...prometheusFlags(data, config, address), ...flags];
    return [process.execPath, [...nodeArguments, entry, ...server]];
  }
  const path = installed(executables[name]);
  if (path === undefined) throw new Error(`${executables[name]} is not installed`);
  if (name === 'prometheus') return [path, [...prometheusFlags(data, config, address), ...flags]];
  const own = [
    `-storageDataPath=${data}`,
    `-httpListenAddr=${address}`,
    `-promscrape.config=${config}`,
    `-retentionPeriod=${KEEP}`,
    '-loggerLevel=ERROR',
    '-search.disableCache',
  ];
  return [path, [...own, ...flags]];
}

/** Starts a system on a free port and waits until it answers. The stage ends it. */
export async function startSystem(
  stage: Stage,
  root: string,
  name: SystemName,
  options: SystemOptions = {},
): Promise<RunningSystem> {
  const directory = join(stage.directory, name);
  mkdirSync(directory, { recursive: true });
  const dataDirectory = options.dataDirectory ?? join(directory, 'data');
  mkdirSync(dataDirectory, { recursive: true });
  const config = join(directory, 'config.yml');
  writeFileSync(config, options.config ?? 'scrape_configs: []\n');
  const address = `127.0.0.1:${await freePort()}`;
  const parts = { data: dataDirectory, config, address };
  const [command, args] = commandOf(name, root, parts, options);
  const started = performance.now();
  const program = stage.run(command, args);
  const url = `http://${address}`;
  const ready = name === 'victoria' ? `${url}/health` : `${url}/-/ready`;
  await program.ready(ready, options.patienceMs);
  const startSeconds = (performance.now() - started) / 1000;
  return { name, program, url, dataDirectory, startSeconds };
}
