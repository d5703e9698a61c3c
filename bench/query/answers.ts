// SPDX-License-Identifier: Apache-2.0
// Whether two answers of the query API say the same.

/** One sample of the API: seconds and the value as text. */
type Sample = readonly [number, string];

interface AnswerSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
}

/** The part of an answer that is compared. */
export interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: readonly AnswerSeries[] };
}

const RELATIVE_TOLERANCE = 1e-9;

const keyOf = ({ metric }: AnswerSeries): string =>
  JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));

const samplesOf = (series: AnswerSeries): readonly Sample[] =>
  series.values ?? (series.value === undefined ? [] : [series.value]);

function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return Math.abs(x - y) <= RELATIVE_TOLERANCE * Math.max(Math.abs(x), Math.abs(y));
}

/**
 * The first difference between two answers in words; undefined where there is none. The order of series
 * does not count, as it does not in range queries.
 */
export function difference(ours: QueryAnswer, theirs: QueryAnswer): string | undefined {
  if (ours.status !== 'success' || theirs.status !== 'success')
    return `ours: ${ours.status} ${ours.error ?? ''}, theirs: ${theirs.status} ${theirs.error ?? ''}`;
  const found = new Map(ours.data?.result.map((series) => [keyOf(series), series]));
  const expected = theirs.data?.result ?? [];
  if (found.size !== expected.length) return `${found.size} series, theirs ${expected.length}`;
  for (const series of expected) {
    const key = keyOf(series);
    const own = found.get(key);
    if (own === undefined) return `${key} is missing`;
    const [mine, right] = [samplesOf(own), samplesOf(series)];
    if (mine.length !== right.length)
      return `${key}: ${mine.length} samples, theirs ${right.length}`;
    for (const [i, [time, value]] of right.entries()) {
      const sample = mine[i];
      if (sample?.[0] !== time || !sameValue(sample[1], value))
        return `${key} at ${time}: ${JSON.stringify(sample)}, theirs ${value}`;
    }
  }
  return undefined;
}

/** How many samples an answer has. */
export function sampleCount(answer: QueryAnswer): number {
  let count = 0;
  for (const series of answer.data?.result ?? []) count += samplesOf(series).length;
  return count;
}
