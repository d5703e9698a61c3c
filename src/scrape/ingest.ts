// SPDX-License-Identifier: Apache-2.0
// hot
// Takes a body in: the kernel walks it slice by slice and fills the batch; lines that it leaves go
// through the exact parser here. Between slices other work runs, the batch is appended whole.

import { ExpositionError, type ExpositionFormat, ExpositionParser } from '../exposition/index.ts';
import {
  DOUBTFUL,
  DROPPED_REF,
  NO_ENTRY,
  type ScanKernel,
  ScanFlag,
  ScanState,
  ScanStop,
  SLOW_RECORD_BYTES,
} from '../kernels/index.ts';
import type { Label, Labels } from '../model/index.ts';
import { CommentReader } from './comments.ts';
import { exemplarLabels, type ScrapedExemplar } from './exemplars.ts';
import {
  type IngestContext,
  pause,
  type ScrapeBody,
  seekLine,
  SlowWord,
} from './ingest-context.ts';
import {
  AHEAD_MAX_MS,
  CACHE_GROWTH_MARGIN,
  CACHE_SCRAPES_KEPT,
  SAMPLES_PER_SCRAPE_MAX,
  SLICE_BYTES,
  SLOW_LINES_MAX,
  YIELD_AFTER_MS,
} from './limits.ts';
import { MetadataStore } from './metadata.ts';
import type { ScrapeOptions } from './options.ts';
import { SampleError, storedLabels } from './sample-labels.ts';
import { ScrapeBatch } from './scrape-batch.ts';
import { SeriesCache } from './series-cache.ts';

/** What a scan found. Counts are right up to the error, if there was one. */
export interface IngestOutcome {
  /** Samples in the body. */
  scraped: number;
  /** Samples left by metric relabelling. */
  postRelabel: number;
  seriesAdded: number;
  duplicates: number;
  outOfBounds: number;
  /** Why nothing of it may be stored. */
  error: string | undefined;
  exceeded: 'sample limit' | 'label limit' | undefined;
}

const FIRST_BATCH = 256;
/** Places beyond the last scrape's samples: some new series, the report. */
const BATCH_SLACK = 64;

/** Everything that is remembered of one target between scrapes, and how its bodies are taken in. */
export class TargetIngest {
  readonly cache: SeriesCache;
  readonly metadata = new MetadataStore();
  /** Of the last scan, in the order of the body. */
  exemplars: readonly ScrapedExemplar[] = [];
  /** Start times by ref for which a zero was tried; see appendZeros. */
  readonly zeros = new Map<number, number>();
  private found: ScrapedExemplar[] = [];
  private readonly context: IngestContext;
  private options: ScrapeOptions;
  private readonly targetLabels: Labels;
  private readonly parsers = new Map<ExpositionFormat, ExpositionParser>();
  private readonly comments: CommentReader;
  private lastSamples = 0;
  private lastGoodEntries = 0;

  private outcome: IngestOutcome = newOutcome();
  private body: ScrapeBody = { address: 0, length: 0, format: 'text' };
  private parser: ExpositionParser;
  private batch: ScrapeBatch | undefined;
  private timeMs = 0;
  private maxTimeMs = 0;
  private typeLine = 0;

  constructor(context: IngestContext, options: ScrapeOptions, targetLabels: Labels) {
    this.context = context;
    this.options = options;
    this.targetLabels = targetLabels;
    this.cache = new SeriesCache(context.heap, context.hashKey);
    this.comments = new CommentReader(context, this.cache.state, this.metadata);
    this.parser = this.parserFor('text');
  }

  /** Other limits for the same target: what is cached stays right. */
  setOptions(options: ScrapeOptions): void {
    this.options = options;
  }

  /** A batch that will probably hold what the next scrape brings. @throws StorageError */
  newBatch(): ScrapeBatch {
    const wanted = Math.max(FIRST_BATCH, this.lastSamples + (this.lastSamples >>> 3) + BATCH_SLACK);
    return new ScrapeBatch(this.context.appender, wanted);
  }

  /** Begins an attempt, whether or not a body will come. */
  begin(): void {
    this.cache.generation = this.cache.generation + 1;
    this.metadata.beginScrape();
  }

  /**
   * Fills `batch` with the samples of `body`. Samples without a time get `timeMs`.
   *
   * @throws StorageError when the batch cannot grow
   */
  async scan(body: ScrapeBody, batch: ScrapeBatch, timeMs: number): Promise<IngestOutcome> {
    this.outcome = newOutcome();
    this.found = [];
    this.exemplars = this.found;
    const { outcome, cache } = this;
    if (!cache.prepare()) {
      outcome.error = MEMORY_FULL;
      return outcome;
    }
    this.start(body, batch, timeMs);
    const errorAt = await this.walk();
    this.placeHistograms();
    this.placeStartTimes();
    this.placeExemplars();
    this.collectCounts();
    if (errorAt !== 0 || this.comments.haveChanged()) await this.readComments(errorAt);
    this.checkEnd();
    if (outcome.error === undefined && this.isOverLimit()) {
      outcome.error = this.limitMessage();
      outcome.exceeded = 'sample limit';
    }
    if (outcome.error === undefined) this.metadata.endScrape();
    return outcome;
  }

  /** Ends the attempt: cleans the cache. `stored`: a body was taken in whole; true when forced. */
  end(stored: boolean): boolean {
    const { cache } = this;
    const { count } = cache;
    if (!stored) {
      if (count <= this.lastGoodEntries * 2 + CACHE_GROWTH_MARGIN) return false;
      cache.compact(1);
      this.lastGoodEntries = cache.count;
      return true;
    }
    const seen = count > this.lastGoodEntries ? cache.seenCount() : this.lastGoodEntries;
    if (count > seen * 2 + CACHE_GROWTH_MARGIN) cache.compact(1);
    else if (count > seen + (seen >>> 2) + BATCH_SLACK) cache.compact(CACHE_SCRAPES_KEPT);
    this.lastGoodEntries = Math.max(seen, 1);
    this.lastSamples = this.outcome.postRelabel;
    return false;
  }

  /**
   * Resolves the series in `gone` anew and puts their samples into `batch`. Call it after an append that did
   * not know them, with the body of that scrape.
   */
  async repair(gone: ReadonlySet<number>, batch: ScrapeBatch): Promise<void> {
    this.cache.forgetRefs(gone);
    this.batch = batch;
    this.outcome = newOutcome();
    this.found = this.found.filter(({ ref, group }) => group === undefined && !gone.has(ref));
    this.exemplars = this.found;
    this.rewind(this.flags() | ScanFlag.repair);
    await this.walk();
    this.placeHistograms();
    this.placeStartTimes();
    this.placeExemplars();
  }

  /**
   * Puts the native histograms beside their samples. Those are first in the body, so their places in
   * the batch are the first ones, in the same order; some may be missing (dropped, or known in a repair).
   */
  private placeHistograms(): void {
    const { batch, body, cache } = this;
    const { natives } = body;
    if (natives === undefined || batch === undefined) return;
    const { refs, count } = batch.columns;
    const end = Math.min(count, natives.length);
    let place = 0;
    for (const { histogram, start, length } of natives) {
      this.context.kernel.hash(cache.state, body.address + start, length);
      const entry = cache.find();
      const ref = entry === NO_ENTRY ? 0 : cache.ref(entry);
      if (ref === 0 || ref === DROPPED_REF) continue;
      let at = place;
      while (at < end && refs[at] !== ref) at++;
      if (at === end) continue;
      batch.setHistogram(at, histogram);
      place = at + 1;
    }
  }

  /** Puts start times beside their samples, which are in the batch in the order of the lines. */
  private placeStartTimes(): void {
    const { batch, body, cache, context } = this;
    const { starts } = body;
    if (starts === undefined || starts.length === 0 || batch === undefined) return;
    const { refs, count } = batch.columns;
    let place = 0;
    for (const { start, length, timeMs } of starts) {
      context.kernel.hash(cache.state, body.address + start, length);
      const entry = cache.find();
      const ref = entry === NO_ENTRY ? 0 : cache.ref(entry);
      if (ref === 0 || ref === DROPPED_REF) continue;
      let at = place;
      while (at < count && refs[at] !== ref) at++;
      if (at === count) continue;
      batch.setStartTime(at, timeMs);
      place = at + 1;
    }
  }

  /** Takes the exemplars that stand beside the text, once their series are known. */
  private placeExemplars(): void {
    const { body, cache, context, found } = this;
    if (context.exemplars === undefined || body.exemplars === undefined) return;
    body.exemplars.forEach(({ start, length, exemplars, timestampMs }, group) => {
      context.kernel.hash(cache.state, body.address + start, length);
      const entry = cache.find();
      const ref = entry === NO_ENTRY ? 0 : cache.ref(entry);
      if (ref === 0 || ref === DROPPED_REF) return;
      const explicit = this.options.honorTimestamps ? timestampMs : undefined;
      for (const { labels: pairs, value, timeMs } of exemplars) {
        const labels = exemplarLabels(labelsOfPairs(pairs));
        const time = Math.trunc(timeMs ?? explicit ?? this.timeMs);
        found.push({ ref, labels, value, time, isTimeOfSample: timeMs === undefined, group });
      }
    });
  }

  /** Takes the exemplar of the line that was just parsed. */
  private takeExemplar(ref: number): void {
    const { exemplar } = this.parser;
    if (exemplar === undefined || this.context.exemplars === undefined) return;
    const { labels, value, timeMs } = exemplar;
    const time = timeMs ?? this.explicitTime() ?? this.timeMs;
    const about = { labels: exemplarLabels(labels), isTimeOfSample: timeMs === undefined };
    this.found.push({ ref, ...about, value, time, group: undefined });
  }

  free(): void {
    this.cache.free();
  }

  private get s(): number {
    return this.cache.state >>> 2;
  }

  private parserFor(format: ExpositionFormat): ExpositionParser {
    let parser = this.parsers.get(format);
    if (parser === undefined) {
      parser = new ExpositionParser(format);
      this.parsers.set(format, parser);
    }
    return parser;
  }

  private flags(): number {
    const { options } = this;
    return (
      (this.body.format === 'openmetrics' ? ScanFlag.openMetrics : 0) |
      (options.honorTimestamps ? ScanFlag.honorTimestamps : 0) |
      (options.trackTimestampsStaleness ? ScanFlag.trackTimestamps : 0)
    );
  }

  private start(body: ScrapeBody, batch: ScrapeBatch, timeMs: number): void {
    const { heap, clock } = this.context;
    this.body = body;
    this.batch = batch;
    this.timeMs = timeMs;
    this.maxTimeMs = clock.now() + AHEAD_MAX_MS;
    this.parser = this.parserFor(body.format);
    this.parser.reset(heap.shared.u8, body.address, body.address + body.length);
    this.rewind(this.flags());
  }

  private rewind(flags: number): void {
    const { s, body } = this;
    const { u32, f64 } = this.context.heap.shared;
    u32[s + ScanState.flags] = flags;
    u32[s + ScanState.position] = body.address;
    u32[s + ScanState.end] = body.address + body.length + 1;
    u32[s + ScanState.previous] = NO_ENTRY;
    u32[s + ScanState.typeLine] = 0;
    u32[s + ScanState.slow] = this.context.slowAddress;
    u32[s + ScanState.slowCapacity] = SLOW_LINES_MAX;
    clearWords(u32, s + ScanState.scraped, s + ScanState.outOfBounds + 1);
    clearWords(u32, s + ScanState.commentHash, s + ScanState.commentHash + 4);
    f64[(s + ScanState.defaultTime) >>> 1] = this.timeMs;
    f64[(s + ScanState.maxTime) >>> 1] = this.maxTimeMs;
    this.typeLine = 0;
    this.parser.metricType = 'unknown';
  }

  /** Walks to the end of the body; the address of the line that broke it, or 0. */
  private async walk(): Promise<number> {
    const { s, outcome } = this;
    const { kernel, clock, heap } = this.context;
    const { u32 } = heap.shared;
    const end = u32[s + ScanState.end]!;
    let yielded = clock.monotonicMs();
    for (;;) {
      const stop = this.scanSlice(kernel, end);
      const errorAt = this.takeSlowLines();
      if (outcome.error !== undefined) return errorAt;
      if (stop === ScanStop.ended) return 0;
      if (stop === ScanStop.done && u32[s + ScanState.position]! >= end) return 0;
      this.keepToLimit();
      if (stop === ScanStop.batchFull && this.batch !== undefined)
        this.batch.reserve(this.batch.columns.capacity + 1);
      if (clock.monotonicMs() - yielded < YIELD_AFTER_MS) continue;
      await pause(clock);
      yielded = clock.monotonicMs();
    }
  }

  private scanSlice(kernel: ScanKernel, end: number): number {
    const { s, batch } = this;
    const { u32 } = this.context.heap.shared;
    if (batch === undefined) return ScanStop.ended;
    const { columns } = batch;
    u32[s + ScanState.sliceEnd] = Math.min(end, u32[s + ScanState.position]! + SLICE_BYTES);
    u32[s + ScanState.refs] = columns.refsAddress;
    u32[s + ScanState.times] = columns.timesAddress;
    u32[s + ScanState.values] = columns.valuesAddress;
    u32[s + ScanState.count] = columns.count;
    u32[s + ScanState.capacity] = columns.capacity;
    u32[s + ScanState.slowCount] = 0;
    const stop = kernel.scan(this.cache.state);
    columns.count = u32[s + ScanState.count]!;
    return stop;
  }

  /** Samples that would be appended so far: what `sample_limit` counts. */
  private appendAttempts(): number {
    const { s, outcome } = this;
    const { u32 } = this.context.heap.shared;
    const passed = u32[s + ScanState.postRelabel]! - u32[s + ScanState.duplicates]!;
    return passed + outcome.postRelabel - outcome.duplicates;
  }

  private sampleLimit(): number {
    return this.options.sampleLimit > 0 ? this.options.sampleLimit : SAMPLES_PER_SCRAPE_MAX;
  }

  private isOverLimit(): boolean {
    return this.outcome.exceeded === 'sample limit' || this.appendAttempts() > this.sampleLimit();
  }

  private limitMessage(): string {
    if (this.options.sampleLimit > 0) return 'sample limit exceeded';
    return (
      `sample limit exceeded (built-in limit of ${SAMPLES_PER_SCRAPE_MAX} samples: ` +
      'set sample_limit to allow more)'
    );
  }

  /** Beyond the limit the rest is only counted: the scrape is lost anyway. */
  private keepToLimit(): void {
    const { s } = this;
    const { u32 } = this.context.heap.shared;
    if ((u32[s + ScanState.flags]! & ScanFlag.repair) !== 0 || !this.isOverLimit()) return;
    this.outcome.exceeded = 'sample limit';
    u32[s + ScanState.flags] = u32[s + ScanState.flags]! | ScanFlag.countOnly;
    if (this.batch !== undefined) this.batch.count = 0;
  }

  private collectCounts(): void {
    const { s, outcome } = this;
    const { u32 } = this.context.heap.shared;
    const exceeded = this.isOverLimit();
    outcome.scraped += u32[s + ScanState.scraped]!;
    outcome.postRelabel += u32[s + ScanState.postRelabel]!;
    outcome.duplicates += u32[s + ScanState.duplicates]!;
    outcome.outOfBounds += u32[s + ScanState.outOfBounds]!;
    clearWords(u32, s + ScanState.scraped, s + ScanState.outOfBounds + 1);
    if (exceeded) outcome.exceeded = 'sample limit';
  }

  /** Takes the lines that the kernel left; the address of the one that broke the body, or 0. */
  private takeSlowLines(): number {
    const { s, outcome } = this;
    const { u32 } = this.context.heap.shared;
    const count = u32[s + ScanState.slowCount]!;
    const first = this.context.slowAddress >>> 2;
    for (let i = 0; i < count; i++) {
      const record = first + (i * SLOW_RECORD_BYTES) / 4;
      try {
        this.takeLine(record);
      } catch (error) {
        if (error instanceof SampleError) {
          if (error.labelLimit) outcome.exceeded = 'label limit';
        } else if (!(error instanceof ExpositionError)) throw error;
        outcome.error = error.message;
        return u32[record + SlowWord.start]!;
      }
    }
    return 0;
  }

  /** @throws ExpositionError, SampleError */
  private takeLine(record: number): void {
    const { parser, outcome } = this;
    const { u32 } = this.context.heap.shared;
    const repairs = (u32[this.s + ScanState.flags]! & ScanFlag.repair) !== 0;
    this.setType(u32[record + SlowWord.typeLine]!);
    seekLine(parser, u32, record, this.body);
    const kind = parser.next();
    if (kind !== 'sample') {
      if (kind !== 'end') this.comments.take(kind, parser);
      return;
    }
    if (!repairs) outcome.scraped++;
    const known = this.entryOf(record);
    if (known !== NO_ENTRY) this.takeKnown(record, known, repairs);
    else if (!repairs) this.takeNew(record);
  }

  /** The type under which the line stands: that of the TYPE line at `address`. */
  private setType(address: number): void {
    if (address === this.typeLine) return;
    this.typeLine = address;
    const { parser, body } = this;
    const { u8 } = this.context.heap.shared;
    parser.seek(address, Math.min(u8.indexOf(10, address) + 1, body.address + body.length));
    try {
      if (parser.next() !== 'type') parser.metricType = 'unknown';
    } catch (error) {
      // The comments are looked at later, and this one's fault is told then.
      if (!(error instanceof ExpositionError)) throw error;
    }
  }

  /** Entry of the line that was just parsed; leaves its hash in the state block. */
  private entryOf(record: number): number {
    const { s, parser, cache } = this;
    const { u32 } = this.context.heap.shared;
    const start = u32[record + SlowWord.start]!;
    const entry = u32[record + SlowWord.entry]!;
    const length = parser.seriesEnd - parser.seriesStart;
    const asScanned =
      parser.seriesStart === start &&
      length === u32[record + SlowWord.length]! &&
      entry !== DOUBTFUL;
    if (!asScanned) {
      this.context.kernel.hash(cache.state, parser.seriesStart, length);
      return cache.find();
    }
    u32.copyWithin(s + ScanState.hash, record + SlowWord.hash, record + SlowWord.hash + 4);
    return entry === NO_ENTRY ? cache.find() : entry;
  }

  private takeKnown(record: number, entry: number, repairs: boolean): void {
    const { cache, outcome } = this;
    const { u32 } = this.context.heap.shared;
    let ref = cache.ref(entry);
    if (repairs && ref !== 0) return;
    const marked = cache.mark(entry);
    const again =
      u32[record + SlowWord.entry] === entry ? u32[record + SlowWord.again] === 1 : marked;
    if (ref === 0) {
      const labels = this.labels();
      ref = labels === undefined ? DROPPED_REF : this.resolve(labels);
      cache.setRef(entry, ref);
    }
    if (ref === DROPPED_REF) return;
    if (!repairs) {
      outcome.postRelabel++;
      if (again && this.explicitTime() === undefined) {
        outcome.duplicates++;
        return;
      }
    }
    if (this.place(record, ref)) cache.track(entry);
    this.takeExemplar(ref);
  }

  private takeNew(record: number): void {
    const { cache, outcome, parser } = this;
    const length = parser.seriesEnd - parser.seriesStart;
    if (outcome.exceeded === 'sample limit') {
      // Nothing of this scrape will be stored: only the count after relabelling is still wanted.
      const counts = this.options.metricRelabelRules.length === 0 || this.labels() !== undefined;
      if (counts) outcome.postRelabel++;
      return;
    }
    const labels = this.labels();
    if (labels === undefined) {
      cache.insert(DROPPED_REF, length);
      return;
    }
    outcome.postRelabel++;
    if (this.appendAttempts() > this.sampleLimit()) {
      outcome.exceeded = 'sample limit';
      return;
    }
    const ref = this.resolve(labels);
    const entry = cache.insert(ref, length);
    if (entry === NO_ENTRY) throw new SampleError(MEMORY_FULL);
    outcome.seriesAdded++;
    if (this.place(record, ref)) cache.track(entry);
    this.takeExemplar(ref);
  }

  private labels(): Labels | undefined {
    const exposed: Label[] = this.parser.labels();
    return storedLabels(exposed, this.targetLabels, this.options, this.parser.namesAreUtf8);
  }

  private resolve(labels: Labels): number {
    const ref = this.context.appender.seriesRef(labels);
    if (ref === 0) throw new SampleError(MEMORY_FULL);
    return ref;
  }

  private explicitTime(): number | undefined {
    return this.options.honorTimestamps ? this.parser.timeMs : undefined;
  }

  /** Puts the parsed sample into its place of the batch; whether its series is tracked by it. */
  private place(record: number, ref: number): boolean {
    const { outcome, batch } = this;
    const explicit = this.explicitTime();
    if (explicit !== undefined && explicit > this.maxTimeMs) {
      outcome.outOfBounds++;
      return false;
    }
    const { u32 } = this.context.heap.shared;
    const place = u32[record + SlowWord.place]!;
    // Once only counting is done the batch is empty and has no places.
    if (outcome.exceeded !== 'sample limit' && batch !== undefined)
      batch.put(place, ref, explicit ?? this.timeMs, this.parser.value);
    return explicit === undefined || this.options.trackTimestampsStaleness;
  }

  /** Walks the comments up to `errorAt` (0: all of them); the scan's own state is as before afterwards. */
  private async readComments(errorAt: number): Promise<void> {
    const { s, outcome, body, parser, comments } = this;
    const { u32 } = this.context.heap.shared;
    const position = u32[s + ScanState.position]!;
    const hash = comments.scannedHash();
    this.rewind(this.flags() | ScanFlag.repair | ScanFlag.comments);
    const fault = await comments.read(body, parser, errorAt === 0 ? position : errorAt);
    u32[s + ScanState.position] = position;
    if (fault !== undefined) outcome.error = fault;
    comments.remember(outcome.error === undefined ? hash : undefined);
  }

  /** OpenMetrics: the body has to end with `# EOF`, and nothing may follow it. */
  private checkEnd(): void {
    const { outcome, body } = this;
    if (body.format !== 'openmetrics' || outcome.error !== undefined) return;
    const position = this.context.heap.shared.u32[this.s + ScanState.position]!;
    const left = body.address + body.length - position;
    if (left <= 0) outcome.error = 'data does not end with # EOF';
    else if (left > '# EOF\n'.length) outcome.error = 'unexpected data after # EOF';
  }
}

/** Sets words[from, to) to 0; for a few words cheaper than `fill`, which goes through the runtime. */
function clearWords(words: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) words[i] = 0;
}

/** [name, value, …] as labels. */
function labelsOfPairs(pairs: readonly string[]): Label[] {
  const labels: Label[] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    labels.push({ name: pairs[i]!, value: pairs[i + 1]! });
  }
  return labels;
}

/** When the memory cannot take another series; not upstream's, which would be killed instead. */
export const MEMORY_FULL = 'out of memory for new series: the head is full';

function newOutcome(): IngestOutcome {
  return {
    scraped: 0,
    postRelabel: 0,
    seriesAdded: 0,
    duplicates: 0,
    outOfBounds: 0,
    error: undefined,
    exceeded: undefined,
  };
}
