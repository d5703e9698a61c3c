// SPDX-License-Identifier: Apache-2.0
// Where 3.x answers otherwise than 2.42 on purpose. Each entry says why.

interface KnownDifference {
  readonly reason: string;
  readonly applies: (query: string, difference: string) => boolean;
}

const known: readonly KnownDifference[] = [
  {
    reason: '2.x keeps the metric name of the results of atan2',
    applies: (query) => query.includes('atan2'),
  },
  {
    reason: 'the deviation of a single NaN or infinite element is 0 in 2.x',
    applies: (query, difference) => /std(dev|var)/.test(query) && difference.includes('NaN'),
  },
  {
    reason: '2.x does not see two matches when a comparison lets at most one through',
    applies: (query, difference) =>
      /[<>=!]=?/.test(query) && /multiple matches[^\n]*and not success/.test(difference),
  },
  {
    reason: 'which of equal values topk and bottomk choose depends on the order of the series',
    applies: (query, difference) =>
      /topk|bottomk/.test(query) && /we (have|lack)|point/.test(difference),
  },
  {
    reason: 'the last digit of a function of Go and of JavaScript, made large by % or tan',
    applies: (query, difference) => /%|\btan\b/.test(query) && / and not /.test(difference),
  },
  {
    reason: 'sums in another order of addition end up on different sides of a rounding boundary',
    applies: (query) => /\b(round|floor|ceil|count_values)\b/.test(query),
  },
];

/** Whether a difference is one that upstream made between the two versions. */
export const isKnown = (query: string, difference: string): boolean =>
  known.some(({ applies }) => applies(query, difference));
