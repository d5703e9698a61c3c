// SPDX-License-Identifier: Apache-2.0
// The newest exemplars of all series, in a ring of bounded size. They stand in ordinary memory: there are
// few, and the writing thread answers for them itself.

import type { Labels, Matcher } from '../../model/index.ts';
import { compileRegexp, labelsKey, RegexpError } from '../../model/index.ts';
import type { Exemplar, ExemplarSeries } from '../../storage/index.ts';
import { ExemplarStatus, MatcherError } from '../../storage/index.ts';

/** Characters of names and values that the labels of an exemplar may have together. */
export const EXEMPLAR_LABEL_CHARACTERS_MAX = 128;

interface Entry extends Exemplar {
  readonly key: string;
}

interface Series {
  readonly labels: Labels;
  newest: Exemplar;
  count: number;
}

/** Counts for metrics. */
export interface ExemplarCounters {
  appended: number;
  outOfOrder: number;
}

export class ExemplarRing {
  readonly counters: ExemplarCounters = { appended: 0, outOfOrder: 0 };
  private entries: (Entry | undefined)[];
  private next = 0;
  private stored = 0;
  private readonly series = new Map<string, Series>();

  /** @param capacity exemplars kept; 0: none */
  constructor(capacity: number) {
    this.entries = new Array<Entry | undefined>(capacity).fill(undefined);
  }

  get capacity(): number {
    return this.entries.length;
  }

  get count(): number {
    return this.stored;
  }

  get seriesCount(): number {
    return this.series.size;
  }

  /** Time of the oldest exemplar stored; undefined when there is none. */
  get oldestTime(): number | undefined {
    return this.inOrder()[0]?.time;
  }

  /** What `add` would answer. */
  check(labels: Labels, exemplar: Exemplar): ExemplarStatus {
    if (this.entries.length === 0) return ExemplarStatus.off;
    let characters = 0;
    for (const { name, value } of exemplar.labels)
      characters += [...name].length + [...value].length;
    if (characters > EXEMPLAR_LABEL_CHARACTERS_MAX) return ExemplarStatus.tooLong;
    const newest = this.series.get(labelsKey(labels))?.newest;
    if (newest === undefined) return ExemplarStatus.accepted;
    if (isSame(newest, exemplar)) return ExemplarStatus.repeated;
    // Of one time and value, other labels are another exemplar only when they come later.
    return exemplar.time < newest.time ||
      (exemplar.time === newest.time && exemplar.value <= newest.value)
      ? ExemplarStatus.outOfOrder
      : ExemplarStatus.accepted;
  }

  /** Stores an exemplar of the series with these labels, in place of the oldest when the ring is full. */
  add(labels: Labels, exemplar: Exemplar): ExemplarStatus {
    const status = this.check(labels, exemplar);
    if (status === ExemplarStatus.outOfOrder) this.counters.outOfOrder++;
    if (status !== ExemplarStatus.accepted) return status;
    const key = labelsKey(labels);
    this.forget(this.entries[this.next]);
    const { time, value, isTimeOfSample = false } = exemplar;
    const entry: Entry = { labels: exemplar.labels, time, value, isTimeOfSample, key };
    this.entries[this.next] = entry;
    this.next = (this.next + 1) % this.entries.length;
    this.stored++;
    const known = this.series.get(key);
    if (known === undefined) this.series.set(key, { labels, newest: entry, count: 1 });
    else {
      known.newest = entry;
      known.count++;
    }
    this.counters.appended++;
    return status;
  }

  private forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.stored--;
    const series = this.series.get(entry.key);
    if (series !== undefined && --series.count === 0) this.series.delete(entry.key);
  }

  /** Changes the size; the newest exemplars stay. */
  resize(capacity: number): void {
    if (capacity === this.entries.length) return;
    const all = this.inOrder();
    const kept = all.slice(Math.max(0, all.length - capacity));
    for (const entry of all.slice(0, all.length - kept.length)) this.forget(entry);
    this.entries = new Array<Entry | undefined>(capacity).fill(undefined);
    kept.forEach((entry, i) => {
      this.entries[i] = entry;
    });
    this.stored = kept.length;
    this.next = capacity === 0 ? 0 : kept.length % capacity;
  }

  private inOrder(): Entry[] {
    const { entries, next } = this;
    return [...entries.slice(next), ...entries.slice(0, next)].filter((e) => e !== undefined);
  }

  /** All of them with the labels of their series, from old to new. */
  all(): (Exemplar & { readonly seriesLabels: Labels })[] {
    return this.inOrder().map((entry) => ({
      ...entry,
      seriesLabels: this.series.get(entry.key)?.labels ?? [],
    }));
  }

  /**
   * Exemplars in [minTime, maxTime] of the series that match all matchers of a selector, by series, in the
   * order of their labels; those of a series by time. @throws MatcherError
   */
  select(
    selectors: readonly (readonly Matcher[])[],
    minTime: number,
    maxTime: number,
  ): ExemplarSeries[] {
    const tests = selectors.map((matchers) => matchers.map(testOf));
    const found = new Map<string, { labels: Labels; exemplars: Exemplar[] }>();
    for (const [key, { labels }] of this.series) {
      if (tests.some((test) => test.every((passes) => passes(labels)))) {
        found.set(key, { labels, exemplars: [] });
      }
    }
    for (const { key, labels, time, value } of this.inOrder()) {
      if (time < minTime || time > maxTime) continue;
      found.get(key)?.exemplars.push({ labels, time, value });
    }
    return [...found.entries()]
      .filter(([, { exemplars }]) => exemplars.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { labels, exemplars }]) => ({ seriesLabels: labels, exemplars }));
  }
}

function isSame(a: Exemplar, b: Exemplar): boolean {
  const isOwn = a.isTimeOfSample !== true || b.isTimeOfSample !== true;
  const sameTime = !isOwn || a.time === b.time;
  return sameTime && Object.is(a.value, b.value) && labelsKey(a.labels) === labelsKey(b.labels);
}

function testOf({ name, type, value }: Matcher): (labels: Labels) => boolean {
  const textOf = (labels: Labels): string => labels.find((l) => l.name === name)?.value ?? '';
  if (type === '=') return (labels) => textOf(labels) === value;
  if (type === '!=') return (labels) => textOf(labels) !== value;
  try {
    const regexp = compileRegexp(value);
    return type === '=~'
      ? (labels) => regexp.test(textOf(labels))
      : (labels) => !regexp.test(textOf(labels));
  } catch (error) {
    if (error instanceof RegexpError) throw new MatcherError(error.message, { cause: error });
    throw error;
  }
}
