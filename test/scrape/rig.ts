// SPDX-License-Identifier: Apache-2.0
// What the tests of scraping need: a database that keeps everything in plain maps, a clock that stands
// still, and targets that answer from a script.

import {
  type BodySink,
  type Clock,
  defaultHttpClientOptions,
  type FileSystem,
  type HttpClient,
  HttpError,
  type HttpRequest,
  type LogFields,
  type Logger,
  seededPrng,
  silentLogger,
} from '../../src/base/index.ts';
import type { TargetGroup } from '../../src/discovery/index.ts';
import { createMemory, type ScanKernel, SharedHeap } from '../../src/kernels/index.ts';
import { Registry, writeText } from '../../src/metrics/index.ts';
import { isStale, type Labels, labelsFrom, labelsKey } from '../../src/model/index.ts';
import { defaultScrapeOptions, ScrapeManager, type ScrapeOptions } from '../../src/scrape/index.ts';
import { type Appender, AppendStatus, type SampleBatch } from '../../src/storage/index.ts';
import { ManualClock } from '../manual-clock.ts';

type ScrapeManagerParts = ConstructorParameters<typeof ScrapeManager>[0];

interface Series {
  readonly labels: Labels;
  readonly samples: { timeMs: number; value: number; stale: boolean }[];
}

/** Keeps what is appended; refuses as the head does. */
export class MemoryAppender implements Appender {
  readonly series = new Map<number, Series>();
  /** Sample counts of the batches appended, empty places left out. */
  readonly batches: number[] = [];
  /** No more series than this. */
  seriesMax = Infinity;
  /** Bytes of batches that were not given back. */
  openBatches = 0;
  private readonly refs = new Map<string, number>();
  private readonly heap: SharedHeap;
  private lastRef = 0;

  constructor(heap: SharedHeap) {
    this.heap = heap;
  }

  newBatch(capacity: number): SampleBatch {
    const { u32, f64, u8, memory } = this.heap.shared;
    const refsAddress = this.heap.allocate(capacity * 4);
    const timesAddress = this.heap.allocate(capacity * 8);
    const valuesAddress = this.heap.allocate(capacity * 8);
    const statusAddress = this.heap.allocate(capacity);
    if (statusAddress === 0) throw new Error('the test memory is too small');
    this.openBatches++;
    void memory;
    return {
      capacity,
      count: 0,
      refs: u32.subarray(refsAddress >>> 2, (refsAddress >>> 2) + capacity),
      times: f64.subarray(timesAddress >>> 3, (timesAddress >>> 3) + capacity),
      values: f64.subarray(valuesAddress >>> 3, (valuesAddress >>> 3) + capacity),
      valueBits: u32.subarray(valuesAddress >>> 2, (valuesAddress >>> 2) + 2 * capacity),
      status: u8.subarray(statusAddress, statusAddress + capacity),
      refsAddress,
      timesAddress,
      valuesAddress,
    };
  }

  releaseBatch(batch: SampleBatch): void {
    this.openBatches--;
    this.heap.free(batch.refsAddress, batch.capacity * 4);
    this.heap.free(batch.timesAddress, batch.capacity * 8);
    this.heap.free(batch.valuesAddress, batch.capacity * 8);
    this.heap.free(batch.status.byteOffset, batch.capacity);
  }

  seriesRef(labels: Labels): number {
    const key = labelsKey(labels);
    const known = this.refs.get(key);
    if (known !== undefined) return known;
    if (this.series.size >= this.seriesMax) return 0;
    const ref = ++this.lastRef;
    this.refs.set(key, ref);
    this.series.set(ref, { labels, samples: [] });
    return ref;
  }

  seriesLabels(ref: number): Labels | undefined {
    return this.series.get(ref)?.labels;
  }

  /** Drops all series, as a head does with old ones: their refs are never valid again. */
  forgetAll(): void {
    this.series.clear();
    this.refs.clear();
  }

  append(batch: SampleBatch): number {
    let accepted = 0;
    let filled = 0;
    for (let i = 0; i < batch.count; i++) {
      const ref = batch.refs[i]!;
      if (ref === 0) continue;
      filled++;
      batch.status[i] = this.appendOne(ref, batch, i);
      if (batch.status[i] === AppendStatus.accepted) accepted++;
    }
    this.batches.push(filled);
    return accepted;
  }

  private appendOne(ref: number, batch: SampleBatch, i: number): AppendStatus {
    const series = this.series.get(ref);
    if (series === undefined) return AppendStatus.unknownSeries;
    const sample = {
      timeMs: batch.times[i]!,
      value: batch.values[i]!,
      stale: isStale(batch.valueBits, i),
    };
    const last = series.samples.at(-1);
    if (last !== undefined && last.timeMs > sample.timeMs) return AppendStatus.outOfOrder;
    if (last !== undefined && last.timeMs === sample.timeMs) {
      const same = Object.is(last.value, sample.value) && last.stale === sample.stale;
      return same ? AppendStatus.repeated : AppendStatus.duplicate;
    }
    series.samples.push(sample);
    return AppendStatus.accepted;
  }

  /** Every sample as `name{labels} value@time`, sorted; `stale` for markers. Report series left out. */
  dump(reports = false): string[] {
    const lines: string[] = [];
    for (const { labels, samples } of this.series.values()) {
      const name = labels.find((label) => label.name === '__name__')?.value ?? '';
      if (!reports && /^(up|scrape_\w+)$/.test(name)) continue;
      const rest = labels.filter((label) => label.name !== '__name__');
      const shown = rest.map((label) => `${label.name}="${label.value}"`).join(',');
      for (const { timeMs, value, stale } of samples)
        lines.push(`${name}{${shown}} ${stale ? 'stale' : value}@${timeMs}`);
    }
    return lines.sort();
  }

  /** Values of a report series over time. */
  report(name: string): (number | 'stale')[] {
    for (const { labels, samples } of this.series.values()) {
      if (labels.some((label) => label.name === '__name__' && label.value === name))
        return samples.map(({ value, stale }) => (stale ? 'stale' : value));
    }
    return [];
  }
}

export interface Answer {
  readonly status?: number;
  readonly statusText?: string;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  readonly error?: HttpError;
}

/** A client whose targets answer what `answer` says. */
export class ScriptedClient implements HttpClient {
  readonly requests: HttpRequest[] = [];
  closed = false;
  answer: (request: HttpRequest) => Answer | Promise<Answer> = () => ({ body: '' });

  async request(request: HttpRequest, sink?: BodySink): ReturnType<HttpClient['request']> {
    this.requests.push(request);
    const answer = await this.answer(request);
    if (answer.error !== undefined) throw answer.error;
    const body =
      typeof answer.body === 'string' ? new TextEncoder().encode(answer.body) : answer.body;
    if (body !== undefined) {
      if (body.length > request.bodyLimitBytes)
        throw new HttpError('body_too_large', 'body too large');
      for (let i = 0; i < body.length; i += 1000) sink?.write(body.subarray(i, i + 1000));
    }
    return {
      status: answer.status ?? 200,
      statusText: answer.statusText ?? 'OK',
      headers: { 'content-type': answer.contentType ?? 'text/plain; version=0.0.4' },
      body: new Uint8Array(0),
      url: request.url,
    };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** Collects log lines as `level message {fields}`. */
export class MemoryLogger implements Logger {
  readonly lines: string[];

  constructor(lines: string[] = []) {
    this.lines = lines;
  }

  private log(level: string, message: string, fields?: LogFields): void {
    const shown = fields && Object.entries(fields).map(([key, value]) => `${key}=${String(value)}`);
    this.lines.push([level, message, ...(shown ?? [])].join(' '));
  }

  debug(message: string, fields?: LogFields): void {
    this.log('debug', message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.log('info', message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.log('warn', message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.log('error', message, fields);
  }
  child(): Logger {
    return new MemoryLogger(this.lines);
  }
}

export const jobOptions = (changes: Partial<ScrapeOptions> = {}): ScrapeOptions => ({
  ...defaultScrapeOptions,
  jobName: 'job',
  scrapeIntervalMs: 15_000,
  httpClient: defaultHttpClientOptions,
  ...changes,
});

export const group = (...addresses: string[]): TargetGroup => ({
  source: 'test/0',
  targets: addresses.map((address) => labelsFrom({ __address__: address })),
  labels: [],
});

export interface RigOptions {
  readonly memoryBytes?: number;
  readonly kernel?: (heap: SharedHeap) => ScanKernel;
  readonly clock?: Clock;
  readonly client?: HttpClient;
  readonly files?: FileSystem;
}

/** A scrape manager with everything around it. */
export function createRig(options: RigOptions = {}) {
  const heap = new SharedHeap(createMemory(options.memoryBytes ?? 64 << 20));
  const sim = new ManualClock(1_700_000_000_000);
  const clock = options.clock ?? sim;
  const appender = new MemoryAppender(heap);
  const logger = new MemoryLogger();
  const registry = new Registry({ clock });
  const client = new ScriptedClient();
  const manager = new ScrapeManager({
    appender,
    heap,
    clock,
    logger,
    registry,
    prng: seededPrng(1),
    createHttpClient: () => options.client ?? client,
    userAgent: 'Prometheus/3.14.0+hearth.0.1.0',
    ...(options.files ? { files: options.files } : {}),
    ...(options.kernel ? { kernel: options.kernel(heap) } : {}),
  });
  const metric = (name: string): string =>
    new TextDecoder()
      .decode(writeText(registry.gather()))
      .split('\n')
      .filter((line) => line.startsWith(name))
      .join('\n');
  return { heap, clock: sim, appender, logger, registry, client, manager, metric };
}

export type Rig = ReturnType<typeof createRig>;

/**
 * Scrapes one target once for each answer, `intervalMs` apart.
 * `parts`: where samples go, the clock to turn, and what else the manager is to have.
 * @returns what the target's last scrape failed with, '' when it did not
 */
export async function scrapeAnswers(
  answers: readonly Answer[],
  intervalMs: number,
  options: Partial<ScrapeOptions>,
  parts: Partial<ScrapeManagerParts> &
    Pick<ScrapeManagerParts, 'appender' | 'heap'> & { readonly clock: ManualClock },
): Promise<string> {
  const client = new ScriptedClient();
  const manager = new ScrapeManager({
    logger: silentLogger,
    registry: new Registry({ clock: parts.clock }),
    prng: seededPrng(1),
    createHttpClient: () => client,
    userAgent: 'test',
    ...parts,
  });
  manager.applyConfig([jobOptions(options)], { identity: 'test' });
  let next = 0;
  client.answer = () => answers[next++] ?? { status: 500 };
  manager.updateTargets('job', [group('h:1')]);
  await parts.clock.advance(intervalMs * answers.length);
  const lastError = manager.activeTargets().get('job')?.[0]?.lastError ?? '';
  await manager.stop();
  return lastError;
}
