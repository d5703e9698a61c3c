// SPDX-License-Identifier: Apache-2.0

export const MatchType = { equal: '=', notEqual: '!=', regexp: '=~', notRegexp: '!~' } as const;
export type MatchType = (typeof MatchType)[keyof typeof MatchType];

/** One label matcher as written. Regular expressions are RE2, fully anchored, dot matches newline. */
export interface Matcher {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
}
