// SPDX-License-Identifier: Apache-2.0
// Which rules of a group read what others of it write, and so which may run side by side.

import type { Matcher } from '../model/index.ts';
import { compileRegexp, METRIC_NAME, MatchType } from '../model/index.ts';

/** What is looked at of a rule. */
export interface AnalysedRule {
  /** Of the recorded series, or of the alert. */
  readonly name: string;
  /** Matchers of each series selector of its expression. */
  readonly selectors: readonly (readonly Matcher[])[];
}

/** Series that alerts write: whoever reads them may depend on any alert. */
const alertSeries = ['ALERTS', 'ALERTS_FOR_STATE'];

function nameTest({ type, value }: Matcher): (name: string) => boolean {
  switch (type) {
    case MatchType.equal:
      return (name) => name === value;
    case MatchType.notEqual:
      return (name) => name !== value;
    default: {
      const regexp = compileRegexp(value);
      const wanted = type === MatchType.regexp;
      return (name) => regexp.test(name) === wanted;
    }
  }
}

/**
 * For each rule the rules whose output its selectors match, itself included.
 * @returns undefined when that cannot be told: a selector without a name, or one of alerts' own series
 */
function dependenciesOf(rules: readonly AnalysedRule[]): Set<number>[] | undefined {
  const writers = new Map<string, number[]>();
  rules.forEach(({ name }, i) => {
    writers.set(name, [...(writers.get(name) ?? []), i]);
  });
  const dependencies = rules.map(() => new Set<number>());
  for (const [i, { selectors }] of rules.entries()) {
    for (const matchers of selectors) {
      const matcher = matchers.find(({ name }) => name === METRIC_NAME);
      if (matcher === undefined) return undefined;
      const test = nameTest(matcher);
      if (alertSeries.some(test)) return undefined;
      const read =
        matcher.type === MatchType.equal
          ? (writers.get(matcher.value) ?? [])
          : [...writers].filter(([name]) => test(name)).flatMap(([, indexes]) => indexes);
      for (const writer of read) dependencies[i]?.add(writer);
    }
  }
  return dependencies;
}

/**
 * The order in which the rules of a group may be evaluated, as upstream: those of one batch at the
 * same time, batches one after the other. First all rules that read nothing of the group, then one
 * by one what reads and is read, last what nobody reads.
 * @returns indexes into `rules`; one rule for each batch when nothing is known
 */
export function evaluationBatches(rules: readonly AnalysedRule[]): readonly (readonly number[])[] {
  const dependencies = dependenciesOf(rules);
  if (dependencies === undefined) return rules.map((_, i) => [i]);
  const isRead = new Set(dependencies.flatMap((set) => [...set]));
  const first: number[] = [];
  const between: number[] = [];
  const last: number[] = [];
  for (const [i, reads] of dependencies.entries()) {
    const place = reads.size === 0 ? first : isRead.has(i) ? between : last;
    place.push(i);
  }
  return [first, ...between.map((i) => [i]), last].filter((batch) => batch.length > 0);
}

/** How many rules may be evaluated besides the one that each group evaluates anyway. */
export class EvaluationSlots {
  private free: number;

  constructor(max: number) {
    this.free = max;
  }

  tryAcquire(): boolean {
    if (this.free <= 0) return false;
    this.free--;
    return true;
  }

  release(): void {
    this.free++;
  }
}
