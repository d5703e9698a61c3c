// SPDX-License-Identifier: Apache-2.0
// /debug/pprof: what Go programs answer there, as far as a Node program can. Loaded at the first request.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import type { PprofFrame, PprofSample, PprofValueType } from '../encoding/index.ts';
import { encodePprof } from '../encoding/index.ts';
import type { ProfileNode, ThreadProfile } from '../platform/index.ts';
import {
  ALLOCATION_SAMPLE_BYTES,
  CPU_SAMPLE_MICROSECONDS,
  Profiler,
  ProfilerBusyError,
} from '../platform/index.ts';

const compress = promisify(gzip);

/** As Go. */
const CPU_SECONDS = 30;
/** Go answers at once, from samples it takes all the time; we sample while we are asked. */
const ALLOCATION_SECONDS = 5;
const SECONDS_MAX = 120;

const CPU: PprofValueType = { type: 'cpu', unit: 'nanoseconds' };
const SPACE: PprofValueType = { type: 'space', unit: 'bytes' };

const text = (status: number, body: string): ServerResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body,
});

interface Profile {
  readonly about: string;
  readonly valueTypes: readonly PprofValueType[];
  readonly periodType: PprofValueType;
  readonly period: number;
  readonly take: (request: ServerRequest, durationMs: number) => Promise<PprofSample[]>;
  /** Unless `seconds` says otherwise; 0 = answered at once. */
  readonly seconds: number;
}

/** Innermost first, without V8's root. */
function stackOf(nodes: readonly ProfileNode[], index: number): PprofFrame[] {
  const frames: PprofFrame[] = [];
  for (let at = index; at >= 0; at = nodes[at]!.parent) {
    const { functionName, url, line } = nodes[at]!;
    if (functionName === '(root)') continue;
    frames.push({ name: functionName === '' ? '(anonymous)' : functionName, file: url, line });
  }
  return frames;
}

function samplesOf(
  profiles: readonly ThreadProfile[],
  valuesOf: (node: ProfileNode) => readonly number[],
): PprofSample[] {
  const samples: PprofSample[] = [];
  for (const { thread, nodes } of profiles) {
    nodes.forEach((node, i) => {
      // Waiting is no work.
      if (node.value === 0 || node.functionName === '(idle)') return;
      samples.push({ thread, frames: stackOf(nodes, i), values: valuesOf(node) });
    });
  }
  return samples;
}

/** What keeps the event loop alive, one frame for each kind: the counterpart of `go_goroutines`. */
function resourceSamples(): PprofSample[] {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo())
    counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({
    thread: 'main',
    frames: [{ name, file: '', line: 0 }],
    values: [count],
  }));
}

const nothing = (): Promise<PprofSample[]> => Promise.resolve([]);
const counted = (type: string): PprofValueType => ({ type, unit: 'count' });
const waited: readonly PprofValueType[] = [
  counted('contentions'),
  { type: 'delay', unit: 'nanoseconds' },
];

function profileTable(profiler: Profiler): ReadonlyMap<string, Profile> {
  const allocations =
    (all: boolean): Profile['take'] =>
    async ({ signal }, durationMs) =>
      samplesOf(await profiler.allocations({ all, durationMs, signal }), ({ value }) => [value]);
  const allocationProfile = (about: string, type: string, all: boolean): Profile => ({
    about,
    valueTypes: [{ type, unit: 'bytes' }],
    periodType: SPACE,
    period: ALLOCATION_SAMPLE_BYTES,
    take: allocations(all),
    seconds: ALLOCATION_SECONDS,
  });
  const atOnce = (
    about: string,
    valueTypes: readonly PprofValueType[],
    take: Profile['take'],
  ): Profile => ({ about, valueTypes, periodType: valueTypes[0]!, period: 1, take, seconds: 0 });
  return new Map([
    [
      'allocs',
      allocationProfile('Allocations of the next 5 (or ?seconds=) seconds', 'alloc_space', true),
    ],
    ['block', atOnce('Always empty: nothing blocks on locks', waited, nothing)],
    [
      'goroutine',
      atOnce(
        'What keeps the event loop alive: sockets, timers, requests',
        [counted('goroutine')],
        () => Promise.resolve(resourceSamples()),
      ),
    ],
    [
      'heap',
      allocationProfile(
        'Allocations of the next 5 (or ?seconds=) seconds that are still there then',
        'inuse_space',
        false,
      ),
    ],
    ['mutex', atOnce('Always empty: there are no mutexes', waited, nothing)],
    [
      'profile',
      {
        about: 'CPU of the next 30 (or ?seconds=) seconds, all threads',
        valueTypes: [counted('samples'), CPU],
        periodType: CPU,
        period: CPU_SAMPLE_MICROSECONDS * 1000,
        take: async ({ signal }, durationMs) =>
          samplesOf(await profiler.cpu({ durationMs, signal }), ({ value, nanoseconds }) => [
            value,
            nanoseconds,
          ]),
        seconds: CPU_SECONDS,
      },
    ],
    ['threadcreate', atOnce('Always empty: Node does not say', [counted('threadcreate')], nothing)],
  ]);
}

/** The length asked for, in seconds; undefined when it is too long. */
function secondsOf(asked: string | null, byDefault: number): number | undefined {
  const seconds = Number(asked ?? '');
  const valid = asked !== null && Number.isFinite(seconds) && seconds > 0;
  if (!valid) return byDefault;
  return seconds <= SECONDS_MAX ? seconds : undefined;
}

/** Answers what is under /debug/pprof. */
export class Profiling {
  private readonly table = profileTable(new Profiler());

  /** @param name  the path behind `/debug/pprof/`; '' is the list */
  async answer(name: string, request: ServerRequest): Promise<ServerResponse> {
    if (name === '') return this.index();
    if (name === 'cmdline') return text(200, process.argv.join('\0'));
    if (name === 'symbol') return text(200, 'num_symbols: 0\n');
    const profile = this.table.get(name);
    if (profile === undefined) return text(404, 'Unknown profile\n');
    const seconds = secondsOf(request.params.get('seconds'), profile.seconds);
    if (seconds === undefined)
      return text(400, `profile duration exceeds the limit of ${SECONDS_MAX} seconds\n`);
    try {
      return await this.taken(name, profile, seconds, request);
    } catch (error) {
      if (!(error instanceof ProfilerBusyError)) throw error;
      return text(500, 'Could not enable CPU profiling: cpu profiling already in use\n');
    }
  }

  private async taken(
    name: string,
    profile: Profile,
    seconds: number,
    request: ServerRequest,
  ): Promise<ServerResponse> {
    const startMs = performance.timeOrigin + performance.now();
    const samples = await profile.take(request, seconds * 1000);
    const durationMs = performance.timeOrigin + performance.now() - startMs;
    const bytes = encodePprof({ ...profile, samples, startMs: Math.floor(startMs), durationMs });
    return {
      status: 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${name}"`,
        'x-content-type-options': 'nosniff',
      },
      body: await compress(bytes),
    };
  }

  private index(): ServerResponse {
    const rows = [...this.table].map(
      ([name, { about }]) => `<tr><td><a href="${name}">${name}</a></td><td>${about}</td></tr>`,
    );
    const body = `<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8"><meta name="color-scheme" content="light dark">
<title>/debug/pprof/</title></head>
<body><h1>/debug/pprof/</h1>
<p>One profile at a time, at most ${SECONDS_MAX} seconds. <code>go tool pprof URL</code> shows one.</p>
<table>
${rows.join('\n')}
<tr><td><a href="cmdline">cmdline</a></td><td>The command line of this program</td></tr>
</table></body></html>
`;
    return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
  }
}
