// SPDX-License-Identifier: Apache-2.0
// Matchers -> series ids. Equality and sets of alternatives go straight to postings; a regular expression
// is tried on the label's values, never on series.

import type { Matcher } from '../../model/index.ts';
import { compileRegexp, RegexpError } from '../../model/index.ts';
import { MatcherError } from '../../storage/index.ts';
import { intersect, subtract, union } from './id-set.ts';
import type { HeadSymbols } from './symbols.ts';
import { findPair, listView, NAME_SERIES, NAME_VALUES } from './tables.ts';
import { Control } from './layout.ts';

/** What one matcher asks for: series in any of `lists`, or in none of them. */
interface Demand {
  readonly exclude: boolean;
  readonly ids: () => Uint32Array;
}

const nothing = new Uint32Array(0);

/** Ascending ids of the series that match all matchers; a fresh or shared array, not to be written to. */
export function selectIds(symbols: HeadSymbols, matchers: readonly Matcher[]): Uint32Array {
  const { shared } = symbols;
  const includes: Uint32Array[] = [];
  const excludes: Uint32Array[] = [];
  for (const matcher of matchers) {
    const demand = demandOf(symbols, matcher);
    if (demand === undefined) continue;
    const ids = demand.ids();
    if (demand.exclude) excludes.push(ids);
    else if (ids.length === 0) return nothing;
    else includes.push(ids);
  }
  includes.sort((a, b) => a.length - b.length);
  let ids = includes[0] ?? listView(shared, shared.u32[Control.allSeries]!);
  for (let i = 1; i < includes.length && ids.length > 0; i++) ids = intersect(ids, includes[i]!);
  for (const excluded of excludes) ids = subtract(ids, excluded);
  return ids;
}

/** Undefined: every series matches. */
function demandOf(symbols: HeadSymbols, matcher: Matcher): Demand | undefined {
  const negative = matcher.type === '!=' || matcher.type === '!~';
  if (matcher.type === '=' || matcher.type === '!=') {
    if (matcher.value === '') {
      return { exclude: !negative, ids: () => listOf(symbols, matcher.name, NAME_SERIES) };
    }
    return { exclude: negative, ids: () => valueList(symbols, matcher.name, matcher.value) };
  }
  return regexpDemand(symbols, matcher, negative);
}

function regexpDemand(
  symbols: HeadSymbols,
  matcher: Matcher,
  negative: boolean,
): Demand | undefined {
  const regexp = compile(matcher.value);
  // An absent label is an empty value: what matches '' also matches series without the label.
  const takesEmpty = regexp.test('');
  if (matcher.value === '.*') {
    return negative ? { exclude: false, ids: () => nothing } : undefined;
  }
  if (matcher.value === '.+') {
    return { exclude: negative, ids: () => listOf(symbols, matcher.name, NAME_SERIES) };
  }
  const { setMatches } = regexp;
  if (setMatches !== undefined && !takesEmpty) {
    const ids = (): Uint32Array =>
      union(setMatches.map((value) => valueList(symbols, matcher.name, value)));
    return { exclude: negative, ids };
  }
  // With takesEmpty, "matches" is "has no value that does not match"; the same for "does not match".
  const wanted = takesEmpty
    ? (text: string) => !regexp.test(text)
    : (text: string) => regexp.test(text);
  return {
    exclude: takesEmpty ? !negative : negative,
    ids: () => union(matchingLists(symbols, matcher.name, wanted)),
  };
}

function compile(source: string): ReturnType<typeof compileRegexp> {
  try {
    return compileRegexp(source);
  } catch (error) {
    if (error instanceof RegexpError) throw new MatcherError(error.message, { cause: error });
    throw error;
  }
}

function listOf(symbols: HeadSymbols, name: string, kind: number): Uint32Array {
  const nameId = symbols.id(name);
  return nameId === 0 ? nothing : listView(symbols.shared, findPair(symbols.shared, nameId, kind));
}

function valueList(symbols: HeadSymbols, name: string, value: string): Uint32Array {
  const nameId = symbols.id(name);
  const valueId = nameId === 0 ? 0 : symbols.id(value);
  if (valueId === 0) return nothing;
  return listView(symbols.shared, findPair(symbols.shared, nameId, valueId));
}

function matchingLists(
  symbols: HeadSymbols,
  name: string,
  wanted: (text: string) => boolean,
): Uint32Array[] {
  const nameId = symbols.id(name);
  if (nameId === 0) return [];
  const lists: Uint32Array[] = [];
  for (const valueId of listView(symbols.shared, findPair(symbols.shared, nameId, NAME_VALUES))) {
    if (!wanted(symbols.text(valueId))) continue;
    lists.push(listView(symbols.shared, findPair(symbols.shared, nameId, valueId)));
  }
  return lists;
}
