// SPDX-License-Identifier: Apache-2.0
// What is wrong with metrics that can be scraped all the same: upstream's rules and words (promlint).

import type { LabelPairs, MetricFamily } from '../../model/index.ts';
import { compareText, quote } from '../../model/index.ts';

export interface MetricProblem {
  readonly metric: string;
  readonly text: string;
}

const baseUnits =
  'amperes bytes celsius grams joules kelvin meters metres moles seconds volts'.split(' ');

/** Units that should not be used, and what they should be given in. */
const otherUnits: Readonly<Record<string, string>> = {
  minutes: 'seconds',
  hours: 'seconds',
  days: 'seconds',
  weeks: 'seconds',
  kelvins: 'kelvin',
  fahrenheit: 'celsius',
  rankine: 'celsius',
  inches: 'meters',
  yards: 'meters',
  miles: 'meters',
  bits: 'bytes',
  calories: 'joules',
  pounds: 'grams',
  ounces: 'grams',
};

const units: ReadonlyMap<string, string> = new Map([
  ...baseUnits.map((unit) => [unit, unit] as const),
  ...Object.entries(otherUnits),
]);

const prefixes =
  'pico nano micro milli centi deci deca hecto kilo kibi mega mibi giga gibi tera tebi peta pebi'.split(
    ' ',
  );

const abbreviations = 's ms us ns sec b kb mb gb tb pb m h d'.split(' ');

const typeNames = 'counter gauge summary histogram gauge_histogram'.split(' ');

/** The first part of a name that is a unit, and what it should be. */
function unitOf(name: string): { unit: string; base: string } | undefined {
  for (const part of name.split('_')) {
    const base = units.get(part);
    if (base !== undefined) return { unit: part, base };
    for (const prefix of prefixes) {
      const prefixed = part.startsWith(prefix) ? units.get(part.slice(prefix.length)) : undefined;
      if (prefixed !== undefined) return { unit: part, base: prefixed };
    }
  }
  return undefined;
}

/** Names and values take turns. */
const namesOf = (labels: LabelPairs): readonly string[] => labels.filter((_, i) => i % 2 === 0);

const hasWord = (name: string, word: string): boolean =>
  name.includes(`_${word}_`) || name.endsWith(`_${word}`);

function reservedProblems({ name, type, metrics }: MetricFamily): string[] {
  if (type === 'untyped') return [];
  const isHistogram = type === 'histogram';
  const isSummary = type === 'summary';
  const texts: string[] = [];
  if (!isHistogram && name.endsWith('_bucket'))
    texts.push('non-histogram metrics should not have "_bucket" suffix');
  for (const suffix of ['_count', '_sum'])
    if (!isHistogram && !isSummary && name.endsWith(suffix))
      texts.push(`non-histogram and non-summary metrics should not have "${suffix}" suffix`);
  for (const metric of metrics)
    for (const label of namesOf(metric.labels)) {
      if (!isHistogram && label === 'le')
        texts.push('non-histogram metrics should not have "le" label');
      if (!isSummary && label === 'quantile')
        texts.push('non-summary metrics should not have "quantile" label');
    }
  return texts;
}

function nameProblems({ name, type, metrics }: MetricFamily): string[] {
  const lower = name.toLowerCase();
  const texts: string[] = [];
  if (type !== 'untyped')
    for (const word of typeNames)
      if (hasWord(lower, word)) texts.push(`metric name should not include type '${word}'`);
  if (name.includes(':')) texts.push("metric names should not contain ':'");
  if (/[a-z][A-Z]/.test(name))
    texts.push("metric names should be written in 'snake_case' not 'camelCase'");
  for (const metric of metrics)
    for (const label of namesOf(metric.labels))
      if (/[a-z][A-Z]/.test(label))
        texts.push("label names should be written in 'snake_case' not 'camelCase'");
  if (abbreviations.some((word) => hasWord(lower, word)))
    texts.push('metric names should not contain abbreviated units');
  return texts;
}

function problemsOf(family: MetricFamily): string[] {
  const { name, help, type, metrics } = family;
  const texts: string[] = [];
  if (help === '') texts.push('no help text');
  const unit = unitOf(name);
  if (unit !== undefined && unit.unit !== unit.base)
    texts.push(`use base unit ${quote(unit.base)} instead of ${quote(unit.unit)}`);
  const isTotal = name.endsWith('_total');
  if (type === 'counter' && !isTotal) texts.push('counter metrics should have "_total" suffix');
  if (type !== 'counter' && type !== 'untyped' && isTotal)
    texts.push('non-counter metrics should not have "_total" suffix');
  const sets = new Set(metrics.map(({ labels }) => labels.join('\xff')));
  if (sets.size < metrics.length) texts.push('metric not unique');
  return [...texts, ...reservedProblems(family), ...nameProblems(family)];
}

/** By metric, then by text. */
export function lintFamilies(families: Iterable<MetricFamily>): MetricProblem[] {
  return [...families]
    .flatMap((family) => problemsOf(family).map((text) => ({ metric: family.name, text })))
    .sort((a, b) => compareText(a.metric, b.metric) || compareText(a.text, b.text));
}
