// SPDX-License-Identifier: Apache-2.0
// Matchers between the address, the fields and the API.

import type { SilenceMatcher } from '../../src/apitypes/index.ts';
import {
  CompiledMatchers,
  type Matcher,
  MatcherSyntaxError,
  matcherText,
  parseMatchers,
} from '../../src/model/index.ts';

/** Reads `{a="b", c=~"d"}`, braces optional, by the server's own grammar. @returns the error's text */
export function readMatchers(text: string): readonly Matcher[] | string {
  if (text.trim() === '') return [];
  try {
    return parseMatchers(text);
  } catch (error) {
    if (error instanceof MatcherSyntaxError) return error.message;
    throw error;
  }
}

/** `{a="b",c=~"d"}` in the order given; '' for none. */
export const filterText = (matchers: readonly Matcher[]): string =>
  matchers.length === 0 ? '' : `{${matchers.map(matcherText).join(',')}}`;

export const matchersOf = (labels: Readonly<Record<string, string>>): Matcher[] =>
  Object.keys(labels)
    .sort()
    .map((name) => ({ name, type: '=', value: labels[name] ?? '' }));

const isSame = (a: Matcher, b: Matcher): boolean =>
  a.name === b.name && a.type === b.type && a.value === b.value;

/** With `more` at the end, without repetitions. */
export const withMatchers = (matchers: readonly Matcher[], more: readonly Matcher[]): Matcher[] =>
  [...matchers, ...more].filter((one, i, all) => all.findIndex((each) => isSame(each, one)) === i);

export const matcherFromApi = ({ name, value, isRegex, isEqual }: SilenceMatcher): Matcher => ({
  name,
  value,
  type: isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=',
});

export const matcherToApi = ({ name, type, value }: Matcher): SilenceMatcher => ({
  name,
  value,
  isRegex: type === '=~' || type === '!~',
  isEqual: type === '=' || type === '=~',
});

/** Whether nothing is asked of an alert: such a silence is refused. */
export const matchEverything = (matchers: readonly Matcher[]): boolean =>
  matchers.every((matcher) => new CompiledMatchers([matcher]).match(new Map()));

/** `filter` parameters, one matcher each. */
export const filterParameters = (matchers: readonly Matcher[]): (readonly [string, string])[] =>
  matchers.map((matcher) => ['filter', matcherText(matcher)]);

export const newSilencePath = (matchers: readonly Matcher[]): string =>
  `/silences/new?${new URLSearchParams({ filter: filterText(matchers) })}`;
