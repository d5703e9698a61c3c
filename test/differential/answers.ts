// SPDX-License-Identifier: Apache-2.0
// Whether two answers of the query API say the same.

/** The part of a response that is compared. */
export interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

interface Item {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

const RELATIVE = 1e-6;
const ABSOLUTE = 1e-9;

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

export function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  const x = numberOf(a);
  const y = numberOf(b);
  if (!Number.isFinite(x) || !Number.isFinite(y)) return Object.is(x, y);
  return Math.abs(x - y) <= RELATIVE * Math.max(Math.abs(x), Math.abs(y)) + ABSOLUTE;
}

const keyOf = (metric: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));

function pointsDiffer(
  a: readonly (readonly [number, string])[],
  b: readonly (readonly [number, string])[],
): string | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i]?.[0] !== b[i]?.[0]) {
      return `point ${i} of ${a.length} at ${a[i]?.[0]} and not ${b[i]?.[0]} (${b.length})`;
    }
    if (!sameValue(a[i]![1], b[i]![1])) {
      return `${a[i]![1]} at ${a[i]![0]} and not ${b[i]![1]}`;
    }
  }
  return undefined;
}

const pointsOf = ({ value, values }: Item): readonly (readonly [number, string])[] =>
  values ?? (value === undefined ? [] : [value]);

function itemsDiffer(ours: readonly Item[], theirs: readonly Item[]): string | undefined {
  const known = new Map(theirs.map((item) => [keyOf(item.metric), item]));
  for (const item of ours) {
    const key = keyOf(item.metric);
    const other = known.get(key);
    if (other === undefined) return `we have ${key} ${JSON.stringify(pointsOf(item)[0])}`;
    known.delete(key);
    const difference = pointsDiffer(pointsOf(item), pointsOf(other));
    if (difference !== undefined) return `${key}: ${difference}`;
  }
  const [missing] = known.entries();
  return missing && `we lack ${missing[0]} ${JSON.stringify(pointsOf(missing[1])[0])}`;
}

/** The first difference in words; undefined when there is none. Errors differ by their kind only. */
export function differenceOf(ours: Answer, theirs: Answer): string | undefined {
  if (ours.status !== theirs.status) {
    return `${ours.error ?? ours.status} and not ${theirs.error ?? theirs.status}`;
  }
  if (ours.status === 'error') {
    const kind = (text: string | undefined): string =>
      (text ?? '').replace('invalid parameter "query": ', '').replace(/[{[].*/s, '');
    const [a, b] = [kind(ours.error), kind(theirs.error)];
    // Which of two problems of a match is found first depends on the order of evaluation.
    const matching = /^(found duplicate series|multiple matches)/;
    if (a === b || (matching.test(a) && matching.test(b))) return undefined;
    return `error ${a} and not ${b}`;
  }
  const [a, b] = [ours.data, theirs.data];
  if (a?.resultType !== b?.resultType) return `${a?.resultType} and not ${b?.resultType}`;
  if (a?.resultType === 'scalar') {
    const [x, y] = [a.result, b?.result] as [[number, string], [number, string]];
    return sameValue(x[1], y[1]) ? undefined : `scalar ${x[1]} and not ${y[1]}`;
  }
  return itemsDiffer((a?.result ?? []) as Item[], (b?.result ?? []) as Item[]);
}
