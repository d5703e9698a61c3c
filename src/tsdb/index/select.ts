// SPDX-License-Identifier: Apache-2.0
// Matchers -> series refs of a block. Equality and sets of alternatives go straight to postings; a regular
// expression is tried on the label's values, never on series.

import type { CompiledRegexp, Matcher } from '../../model/index.ts';
import { compileRegexp, RegexpError } from '../../model/index.ts';
import { MatcherError } from '../../storage/index.ts';
import { intersect, subtract, union } from '../head/id-set.ts';
import type { IndexReader } from './reader.ts';

/** Series in any of the lists, or in none of them. Lists are places of postings; -1: all series. */
interface Demand {
  readonly exclude: boolean;
  readonly places: readonly number[];
}

/** Undefined: every series matches. @throws MatcherError */
function demandOf(index: IndexReader, { name, type, value }: Matcher): Demand | undefined {
  const negative = type === '!=' || type === '!~';
  if (type === '=' || type === '!=') {
    if (value === '') return { exclude: !negative, places: valuePlaces(index, name, () => true) };
    return { exclude: negative, places: placesOf(index, name, [value]) };
  }
  const regexp = compile(value);
  if (value === '.*') return negative ? { exclude: false, places: [] } : undefined;
  // An absent label is an empty value: what matches '' also matches series without the label.
  const takesEmpty = regexp.test('');
  if (regexp.setMatches !== undefined && !takesEmpty) {
    return { exclude: negative, places: placesOf(index, name, regexp.setMatches) };
  }
  const wanted = (text: string): boolean => regexp.test(text) !== takesEmpty;
  return { exclude: takesEmpty !== negative, places: valuePlaces(index, name, wanted) };
}

function compile(source: string): CompiledRegexp {
  try {
    return compileRegexp(source);
  } catch (error) {
    if (error instanceof RegexpError) throw new MatcherError(error.message, { cause: error });
    throw error;
  }
}

function placesOf(index: IndexReader, name: string, values: readonly string[]): number[] {
  return values.map((value) => index.postingsOf(name, value)).filter((place) => place !== 0);
}

function valuePlaces(
  index: IndexReader,
  name: string,
  wanted: (value: string) => boolean,
): number[] {
  const places: number[] = [];
  index.eachValue(name, (value, postings) => {
    if (wanted(value)) places.push(postings);
  });
  return places;
}

function refsOf(index: IndexReader, places: readonly number[]): Uint32Array {
  return union(places.map((place) => index.postings(place)));
}

/** Ascending refs of the series that match all matchers. @throws MatcherError, BlockError */
export function selectRefs(index: IndexReader, matchers: readonly Matcher[]): Uint32Array {
  const includes: Demand[] = [];
  const excludes: Demand[] = [];
  for (const matcher of matchers) {
    const demand = demandOf(index, matcher);
    if (demand === undefined) continue;
    if (demand.exclude) excludes.push(demand);
    else if (demand.places.length === 0) return new Uint32Array(0);
    else includes.push(demand);
  }
  const size = ({ places }: Demand): number =>
    places.reduce((sum, place) => sum + index.postingsCount(place), 0);
  includes.sort((a, b) => size(a) - size(b));
  const [first, ...others] = includes;
  let refs = first === undefined ? index.allSeries() : refsOf(index, first.places);
  for (const { places } of others) {
    if (refs.length === 0) return refs;
    refs = intersect(refs, refsOf(index, places));
  }
  for (const { places } of excludes) {
    if (refs.length === 0) return refs;
    refs = subtract(refs, refsOf(index, places));
  }
  return refs;
}
