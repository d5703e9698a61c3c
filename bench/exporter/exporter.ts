// SPDX-License-Identifier: Apache-2.0
// Our node exporter beside Debian's on this machine, with the collectors that both have on by default:
// CPU time for one scrape, resident memory after many.

import { request as httpRequest } from 'node:http';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { freePort, type Program, Stage, usageOf } from '../harness/processes.ts';
import { median, short, table } from '../harness/statistics.ts';
import { installed } from '../harness/systems.ts';

export interface ExporterSettings {
  /** Scrapes before anything is measured: programs compile, files are opened. */
  readonly warmUp: number;
  readonly rounds: number;
  /** In one round; the two programs take turns. */
  readonly scrapes: number;
  /** Further flags of both. */
  readonly flags: readonly string[];
  readonly nodeArguments: readonly string[];
}

export interface ExporterResult {
  readonly name: string;
  /** Of one scrape, the median over the rounds. */
  readonly cpuMs: number;
  readonly latencyMs: number;
  readonly residentBytes: number;
  readonly series: number;
}

/** What only one of the two has on by default, or that needs what is not on every machine. */
const unequal = ['systemd', 'bcachefs', 'dmmultipath', 'kernel_hung', 'watchdog'];
const debianOnly = new Set(['systemd']);

interface Running {
  readonly name: string;
  readonly program: Program;
  readonly url: string;
  readonly agent: Agent;
  readonly cpuMs: number[];
  readonly latencyMs: number[];
}

/** One GET over the kept connection; the body as text. */
function scrape({ url, agent }: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function start(
  stage: Stage,
  name: string,
  command: string,
  args: readonly string[],
): Promise<Running> {
  const address = `127.0.0.1:${await freePort()}`;
  const program = stage.run(command, [...args, `--web.listen-address=${address}`]);
  const url = `http://${address}/metrics`;
  await program.ready(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  stage.onClose(() => agent.destroy());
  return { name, program, url, agent, cpuMs: [], latencyMs: [] };
}

/** Only ours where Debian's is not installed. */
export async function runExporters(
  root: string,
  settings: ExporterSettings,
): Promise<ExporterResult[]> {
  const stage = new Stage();
  try {
    const shared = ['--collector.textfile.directory=', '--log.level=error', ...settings.flags];
    const off = (names: readonly string[]) => names.map((name) => `--no-collector.${name}`);
    const entry = join(root, 'dist/targets/cli.js');
    const ours = [...settings.nodeArguments, entry, 'node-exporter', ...shared, ...off(unequal)];
    const running = [await start(stage, 'hearth', process.execPath, ours)];
    const debian = installed('prometheus-node-exporter');
    if (debian !== undefined) {
      const flags = off(unequal.filter((name) => debianOnly.has(name)));
      running.push(await start(stage, 'node_exporter', debian, [...shared, ...flags]));
    }
    for (const each of running) for (let i = 0; i < settings.warmUp; i++) await scrape(each);
    for (let round = 0; round < settings.rounds; round++) {
      for (const each of running) {
        const cpu = usageOf(each.program.pid).cpuSeconds;
        const began = performance.now();
        for (let i = 0; i < settings.scrapes; i++) await scrape(each);
        each.latencyMs.push((performance.now() - began) / settings.scrapes);
        const used = usageOf(each.program.pid).cpuSeconds - cpu;
        each.cpuMs.push((used * 1000) / settings.scrapes);
      }
    }
    const results: ExporterResult[] = [];
    for (const each of running) {
      const page = await scrape(each);
      results.push({
        name: each.name,
        cpuMs: median(each.cpuMs),
        latencyMs: median(each.latencyMs),
        residentBytes: usageOf(each.program.pid).residentBytes,
        series: page.split('\n').filter((line) => line.startsWith('node_')).length,
      });
    }
    return results;
  } finally {
    await stage.close();
  }
}

export function exporterReport(results: readonly ExporterResult[]): string {
  const [ours, theirs] = results;
  const rows = results.map((result) => [
    result.name,
    short(result.cpuMs),
    short(result.latencyMs),
    short(result.residentBytes / 1e6),
    String(result.series),
  ]);
  const text = table([['', 'CPU ms/scrape', 'ms/scrape', 'resident MB', 'node_ series'], ...rows]);
  if (ours === undefined || theirs === undefined) return text;
  return `${text}\nCPU for a scrape: ${short(ours.cpuMs / theirs.cpuMs)} of Debian's`;
}
