// SPDX-License-Identifier: Apache-2.0
// One target's scrapes: when, what is fetched, what is stored, and what follows when the target goes.

import {
  assert,
  type Clock,
  type HttpClient,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  type Logger,
  type Timer,
} from '../base/index.ts';
import { type BodyFormat, type ContentTypeVerdict, chooseFormat } from '../exposition/index.ts';
import { formatDuration } from '../model/index.ts';
import { StorageError } from '../storage/index.ts';
import { BodyBuffer } from './body-buffer.ts';
import { commit, noRejections, tellRejections } from './commit.ts';
import { storeExemplars } from './exemplars.ts';
import type { FailureLogs } from './failure-log.ts';
import type { IngestOutcome, TargetIngest } from './ingest.ts';
import type { IngestContext } from './ingest-context.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import type { ScrapeMetrics } from './metrics.ts';
import type { ScrapeOptions } from './options.ts';
import { ReportSeries } from './report.ts';
import { fallbackMediaType, scrapeHeaders } from './request.ts';
import type { ScrapeBatch } from './scrape-batch.ts';
import type { StructuredBody } from './structured-body.ts';
import {
  convertClassicHistograms,
  rewriteProtobuf,
  StructuredBodyError,
} from './structured-body.ts';
import { appendZeros, takeCreated } from './start-times.ts';
import type { Target } from './target.ts';
import { type Seed64, scrapeOffsetMs } from './target-url.ts';

/** What the loops of all pools share. */
export interface LoopContext extends IngestContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ScrapeMetrics;
  readonly userAgent: string;
  readonly failureLogs: FailureLogs | undefined;
  /** Scrapes this close to their planned time get it as their timestamp; 0 = never. */
  readonly timestampToleranceMs: number;
}

/** What a scrape brought. */
interface Fetched {
  readonly error: string;
  /** Bytes of the body; -1 when it was too large. */
  readonly bytes: number;
  readonly contentType: string;
}

const BODY_TOO_LARGE = 'body size limit exceeded';

const failed = (error: string, bytes = 0): Fetched => ({ error, bytes, contentType: '' });

/**
 * How a loop ends: `mark` writes staleness markers once the target had the time to come back, `keep`
 * leaves cache and series to a successor, `drop` just stops.
 */
export type StopMode = 'mark' | 'keep' | 'drop';

function withoutCreated(bytes: Uint8Array): StructuredBody | undefined {
  const body = takeCreated(bytes);
  return body === undefined ? undefined : { ...body, natives: [], exemplars: [] };
}

export class ScrapeLoop {
  readonly target: Target;
  readonly ingest: TargetIngest;
  private readonly context: LoopContext;
  private readonly options: ScrapeOptions;
  private readonly client: HttpClient;
  private readonly logger: Logger;
  private readonly report: ReportSeries;
  private readonly request: HttpRequest;
  /** Largest body that is taken. */
  private readonly largest: number;
  /** What was made of the last Content-Type. */
  private chosen: { contentType: string; verdict: ContentTypeVerdict } | undefined;
  private readonly intervalLength: { observe(seconds: number): void };
  private readonly abort = new AbortController();
  private forcedError = '';
  private timer: Timer | undefined;
  private wake: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private ending: Promise<void> = Promise.resolve();
  private stopping: StopMode | undefined;
  /** Planned time of the current or next scrape. */
  private plannedMs = 0;
  private lastStart: number | undefined;
  private lastBodyBytes = 0;

  constructor(
    context: LoopContext,
    options: ScrapeOptions,
    client: HttpClient,
    target: Target,
    ingest: TargetIngest,
  ) {
    this.context = context;
    this.options = options;
    this.client = client;
    this.target = target;
    this.ingest = ingest;
    this.logger = context.logger.child({ scrape_pool: options.jobName, target: target.url });
    this.report = new ReportSeries(context.appender, target.labels);
    const interval = formatDuration(target.intervalMs);
    this.intervalLength = context.metrics.intervalLength.with(interval);
    const limit = options.bodySizeLimitBytes;
    this.largest = limit > 0 ? Math.min(limit - 1, BODY_BYTES_MAX) : BODY_BYTES_MAX;
    this.request = {
      method: 'GET',
      url: target.url,
      headers: scrapeHeaders(options, target.timeoutMs, context.userAgent),
      timeoutMs: target.timeoutMs,
      signal: this.abort.signal,
      // 0 would mean "no limit"; the buffer keeps to it anyway.
      bodyLimitBytes: Math.max(1, this.largest),
      ...(target.socketPath === '' ? {} : { socketPath: target.socketPath }),
    };
  }

  /** Every scrape fails with `error` from now on; '' = no more. */
  setForcedError(error: string): void {
    this.forcedError = error;
  }

  /**
   * Begins to scrape, at the target's place in the interval; after `predecessor`, the loop that scraped this
   * target so far, has stopped.
   */
  start(seed: Seed64, predecessor?: { loop: ScrapeLoop; done: Promise<void> }): void {
    this.lastStart = predecessor?.loop.lastStart;
    this.delayToPlace(seed);
    this.running = this.run(seed, predecessor?.done);
  }

  /** Plans the next place in the interval; the time until then. */
  private delayToPlace(seed: Seed64): number {
    const { allLabels, url, intervalMs } = this.target;
    const now = this.context.clock.now();
    const delay = scrapeOffsetMs(allLabels, url, seed, intervalMs, now);
    this.plannedMs = now + delay;
    return delay;
  }

  /**
   * Stops. Resolves when no scrape is under way any more; markers under `mark` follow later, and the
   * memory is given back after them. Under `keep` the caller owns `ingest` afterwards.
   */
  async stop(mode: StopMode): Promise<void> {
    const first = this.stopping === undefined;
    this.stopping = mode;
    if (mode === 'drop') this.abort.abort();
    this.timer?.cancel();
    this.wake?.();
    await this.running;
    if (!first) return this.ending;
    if (mode === 'drop') this.ingest.free();
    else if (mode === 'mark') this.ending = this.markEnded();
  }

  /** After `stop` has resolved: when nothing will be written any more. */
  get ended(): Promise<void> {
    return this.ending;
  }

  private async run(seed: Seed64, predecessorDone: Promise<void> | undefined): Promise<void> {
    await predecessorDone;
    await this.sleep(this.delayToPlace(seed));
    while (this.stopping === undefined) {
      try {
        await this.scrape(this.scrapeTime());
      } catch (error) {
        assert(error instanceof Error, `scrape threw ${String(error)}`);
        // A fault of ours in one loop must not stop the others, nor this target for ever.
        this.logger.error('Scrape loop failed', { err: error });
      }
      await this.sleep(this.nextDelay());
    }
  }

  /** Resolves after `delayMs`, or at once when the loop is stopped. */
  private sleep(delayMs: number): Promise<void> {
    if (this.stopping === 'drop' || this.stopping === 'keep') return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
      this.timer = this.context.clock.setTimer(delayMs, resolve);
    });
  }

  /** The time to store: the planned one when it is close enough, which compresses better. */
  private scrapeTime(): number {
    const { intervalMs } = this.target;
    const now = this.context.clock.now();
    while (now - this.plannedMs >= intervalMs) this.plannedMs += intervalMs;
    const tolerance = Math.min(intervalMs / 100, this.context.timestampToleranceMs);
    return Math.abs(now - this.plannedMs) <= tolerance ? this.plannedMs : now;
  }

  /** Moves on to the next planned time; a time missed while scraping is made up for once, at once. */
  private nextDelay(): number {
    const { intervalMs } = this.target;
    const now = this.context.clock.now();
    this.plannedMs += intervalMs;
    if (now < this.plannedMs) return this.plannedMs - now;
    this.plannedMs += Math.floor((now - this.plannedMs) / intervalMs) * intervalMs;
    return 0;
  }

  private async scrape(timeMs: number): Promise<void> {
    const { context, ingest, target } = this;
    const started = context.clock.monotonicMs();
    this.observeInterval(started);
    ingest.begin();
    const { heap, bytes } = context;
    const buffer = new BodyBuffer(heap, bytes, this.largest, this.lastBodyBytes);
    let batch: ScrapeBatch | undefined;
    try {
      const fetched = this.forcedError === '' ? await this.fetch(buffer) : failed(this.forcedError);
      if (this.stopping === 'drop') return;
      batch = ingest.newBatch();
      const outcome =
        fetched.error === '' ? await this.take(buffer, batch, fetched, timeMs) : undefined;
      if (this.isDropped()) return;
      const error = outcome?.error ?? fetched.error;
      const durationSeconds = (context.clock.monotonicMs() - started) / 1000;
      target.report(timeMs, durationSeconds, error);
      if (error !== '') this.tellFailure(error);
      await this.store(batch, outcome, { error, durationSeconds, bytes: fetched.bytes }, timeMs);
      const flushed = ingest.end(error === '' && buffer.length > 0);
      if (flushed) context.metrics.cacheFlushForced.inc();
      context.metrics.scrapeDuration.observe((context.clock.monotonicMs() - started) / 1000);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      target.report(timeMs, (context.clock.monotonicMs() - started) / 1000, error.message);
      this.logger.error('Scrape commit failed', { err: error });
    } finally {
      buffer.release();
      batch?.release();
    }
  }

  /** A getter would be narrowed by the compiler; the mode may change at every `await`. */
  private isDropped(): boolean {
    return this.stopping === 'drop';
  }

  private observeInterval(started: number): void {
    if (this.lastStart !== undefined)
      this.intervalLength.observe((started - this.lastStart) / 1000);
    this.lastStart = started;
  }

  private tellFailure(error: string): void {
    const { options, target, context } = this;
    this.logger.debug('Scrape failed', { err: error });
    if (options.scrapeFailureLogFile !== '')
      context.failureLogs?.write(options.scrapeFailureLogFile, options.jobName, target.url, error);
  }

  private async fetch(buffer: BodyBuffer): Promise<Fetched> {
    let response: HttpResponse;
    try {
      response = await this.client.request(this.request, buffer);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (error.code === 'body_too_large') return this.bodyTooLarge();
      return failed(error.message);
    }
    if (response.status !== 200) {
      const reason = response.statusText ? ` ${response.statusText}` : '';
      return failed(`server returned HTTP status ${response.status}${reason}`);
    }
    if (buffer.overflow === 'limit') return this.bodyTooLarge();
    if (buffer.overflow === 'memory')
      return failed('out of memory for the body: the shared memory is full');
    const contentType = response.headers['content-type'] ?? '';
    return { error: '', bytes: buffer.length, contentType };
  }

  private bodyTooLarge(): Fetched {
    this.context.metrics.exceededBodySizeLimit.inc();
    const limit = this.options.bodySizeLimitBytes;
    const configured = limit > 0 && limit <= BODY_BYTES_MAX;
    const why = configured ? '' : ` (built-in limit of ${BODY_BYTES_MAX} bytes)`;
    return failed(BODY_TOO_LARGE + why, -1);
  }

  private verdictOn(contentType: string): ContentTypeVerdict {
    if (this.chosen?.contentType !== contentType) {
      const fallback = fallbackMediaType(this.options.fallbackScrapeProtocol);
      this.chosen = { contentType, verdict: chooseFormat(contentType, fallback) };
    }
    return this.chosen.verdict;
  }

  /** Takes the body into `batch`. */
  private async take(
    buffer: BodyBuffer,
    batch: ScrapeBatch,
    fetched: Fetched,
    timeMs: number,
  ): Promise<Partial<IngestOutcome>> {
    const { context, ingest } = this;
    const { format, message } = this.verdictOn(fetched.contentType);
    if (format === undefined) return { error: message };
    if (message !== '')
      this.logger.debug('Invalid content type on scrape, using fallback', { err: message });
    const address = buffer.finish();
    if (address === 0) return { error: 'out of memory for the body: the shared memory is full' };
    if (buffer.length > 0) this.lastBodyBytes = buffer.length;
    const rewritten = await this.rewrite(buffer, address, format);
    if (typeof rewritten === 'string') return { error: rewritten };
    const lines = { address, length: buffer.length, ...rewritten };
    const read = format === 'protobuf' ? 'text' : format;
    const outcome = await ingest.scan({ ...lines, format: read }, batch, timeMs);
    if (outcome.exceeded === 'sample limit') context.metrics.exceededSampleLimit.inc();
    if (outcome.exceeded === 'label limit') context.metrics.exceededLabelLimits.inc();
    return outcome;
  }

  /**
   * A body that is more than lines as text in place of it, in the same buffer; undefined where it is lines
   * already, else why it cannot be taken.
   */
  private async rewrite(
    buffer: BodyBuffer,
    address: number,
    format: BodyFormat,
  ): Promise<
    ({ address: number; length: number } & Omit<StructuredBody, 'text'>) | string | undefined
  > {
    const { options, context } = this;
    const wantsStarts = context.startTimes !== undefined;
    const converts = options.convertClassicHistogramsToNhcb;
    const takesCreated = format === 'openmetrics' && wantsStarts && !converts;
    if (format !== 'protobuf' && !converts && !takesCreated) return undefined;
    // A copy of its own: what is written anew goes where it is.
    const bytes = context.heap.shared.u8.slice(address, address + buffer.length);
    const keepsExemplars = context.exemplars !== undefined;
    let body: StructuredBody | undefined;
    try {
      body =
        format === 'protobuf'
          ? await rewriteProtobuf(bytes, options, context.clock, {
              exemplars: keepsExemplars,
              starts: wantsStarts,
            })
          : takesCreated
            ? withoutCreated(bytes)
            : convertClassicHistograms(bytes, format, options, keepsExemplars);
    } catch (error) {
      if (!(error instanceof StructuredBodyError)) throw error;
      return error.message;
    }
    if (body === undefined) return undefined;
    buffer.restart(BODY_BYTES_MAX);
    buffer.write(body.text);
    const textAddress = buffer.finish();
    if (textAddress === 0 || buffer.overflow !== undefined)
      return 'out of memory for the body: the shared memory is full';
    const { text, ...beside } = body;
    return { address: textAddress, length: text.length, ...beside };
  }

  /** Adds markers and report to the samples, and appends all of it at once. */
  private async store(
    batch: ScrapeBatch,
    outcome: Partial<IngestOutcome> | undefined,
    result: { error: string; durationSeconds: number; bytes: number },
    timeMs: number,
  ): Promise<void> {
    const { context, options, ingest, logger } = this;
    const hasFailed = result.error !== '';
    if (hasFailed) batch.clear();
    const sampleCount = batch.count;
    this.addEnded(batch, hasFailed, timeMs);
    const addReport = (into: ScrapeBatch): void =>
      this.report.add(
        into,
        timeMs,
        {
          up: hasFailed ? 0 : 1,
          scrape_duration_seconds: result.durationSeconds,
          scrape_samples_scraped: outcome?.scraped ?? 0,
          scrape_samples_post_metric_relabeling: outcome?.postRelabel ?? 0,
          scrape_series_added: outcome?.seriesAdded ?? 0,
          scrape_timeout_seconds: this.target.timeoutMs / 1000,
          scrape_sample_limit: options.sampleLimit,
          scrape_body_size_bytes: result.bytes,
        },
        options.extraScrapeMetrics,
      );
    const reportStart = batch.count;
    addReport(batch);
    const rejections = noRejections();
    const takeStarts = (of: ScrapeBatch): void => {
      if (context.startTimes?.zeros === true) {
        appendZeros(context.appender, of.columns, ingest.zeros);
      }
      if (context.startTimes?.store !== true) of.forgetStartTimes();
    };
    takeStarts(batch);
    const gone = commit(context.appender, batch, sampleCount, rejections, logger);
    if (gone.size > 0) {
      const again = ingest.newBatch();
      try {
        const reportIsGone = batch.columns.refs
          .subarray(reportStart, batch.count)
          .some((ref) => gone.has(ref));
        if (sampleCount > 0) await ingest.repair(gone, again);
        const repaired = again.count;
        if (reportIsGone) {
          this.report.forget();
          addReport(again);
        }
        takeStarts(again);
        commit(context.appender, again, repaired, rejections, logger);
      } finally {
        again.release();
      }
    }
    if (!hasFailed) {
      if (context.exemplars !== undefined)
        storeExemplars(context.exemplars, ingest.exemplars, context.metrics, logger);
      rejections.duplicates += outcome?.duplicates ?? 0;
      rejections.outOfBounds += outcome?.outOfBounds ?? 0;
    }
    tellRejections(rejections, context.metrics, logger);
  }

  /** Staleness markers for the series that were there before and are not now. */
  private addEnded(batch: ScrapeBatch, hasFailed: boolean, timeMs: number): void {
    const ended = new Set<number>();
    this.ingest.cache.forEachEnded(hasFailed, (ref) => ended.add(ref));
    if (ended.size === 0) return;
    // A series may have come under another spelling of its labels. Explicit times do not count: they
    // are outside of staleness.
    const { refs, times, count } = batch.columns;
    const all = this.options.trackTimestampsStaleness;
    for (let i = 0; i < count; i++) if (all || times[i] === timeMs) ended.delete(refs[i]!);
    batch.reserve(count + ended.size);
    for (const ref of ended) batch.addStale(ref, timeMs);
  }

  /**
   * The target is gone: after its next planned scrape (whose time the markers get), one more interval
   * and a tenth, in which it could have come back under another loop.
   */
  private async markEnded(): Promise<void> {
    const { ingest, context, target } = this;
    try {
      if (this.lastStart === undefined) return;
      const { clock } = context;
      await this.sleep(Math.max(0, this.plannedMs - clock.now()));
      const timeMs = clock.now();
      await this.sleep(target.intervalMs);
      await this.sleep(target.intervalMs / 10);
      if (this.isDropped()) return;
      ingest.begin();
      const batch = ingest.newBatch();
      try {
        this.addEnded(batch, true, timeMs);
        this.report.add(batch, timeMs, undefined, this.options.extraScrapeMetrics);
        commit(context.appender, batch, 0, noRejections(), this.logger);
      } finally {
        batch.release();
      }
    } catch (error) {
      assert(error instanceof Error, `end of scraping threw ${String(error)}`);
      this.logger.warn('Stale append failed', { err: error });
    } finally {
      ingest.free();
    }
  }
}
