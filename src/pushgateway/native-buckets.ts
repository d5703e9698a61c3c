// SPDX-License-Identifier: Apache-2.0
// The buckets of a native histogram with their bounds, for people.

import { goFloat } from '../metrics/index.ts';
import type { Distribution } from '../model/index.ts';

/** [boundary kind, lower, upper, count]; kinds: 0 (], 1 [), 2 (), 3 []. */
export type ApiBucket = readonly [number, string, string, string];

const LEFT_OPEN = 0;
const RIGHT_OPEN = 1;
const CLOSED = 3;

/** Upper bound of bucket `index`: 2^(index · 2^-schema). */
function upperBound(index: number, schema: number): number {
  const exponent = index * 2 ** -schema;
  // Math.pow is exact for whole exponents only down to the normal numbers; so is Go's.
  return 2 ** exponent;
}

interface Bucket {
  readonly index: number;
  readonly count: number;
}

function bucketsOf(
  spans: readonly number[],
  values: readonly number[],
  isFloat: boolean,
): Bucket[] {
  const buckets: Bucket[] = [];
  let index = 0;
  let k = 0;
  let count = 0;
  for (let i = 0; i + 1 < spans.length; i += 2) {
    index += spans[i]!;
    for (let n = 0; n < spans[i + 1]! && k < values.length; n++, k++) {
      count = isFloat ? values[k]! : count + values[k]!;
      if (count !== 0) buckets.push({ index, count });
      index++;
    }
  }
  return buckets;
}

/** Filled buckets, ascending: negative, zero, positive. */
export function apiBuckets({ native, isFloat }: Distribution): ApiBucket[] {
  if (native === undefined) return [];
  const { schema, zeroThreshold, zeroCount } = native;
  const float = isFloat === true;
  const bound = (index: number): number => upperBound(index, schema);
  const rows: ApiBucket[] = [];
  const negative = bucketsOf(native.negativeSpans, native.negativeBuckets, float);
  for (const { index, count } of negative.reverse()) {
    const [lower, upper] = [-bound(index), -bound(index - 1)];
    rows.push([RIGHT_OPEN, goFloat(lower), goFloat(upper), goFloat(count)]);
  }
  if (zeroCount !== 0)
    rows.push([CLOSED, goFloat(-zeroThreshold), goFloat(zeroThreshold), goFloat(zeroCount)]);
  for (const { index, count } of bucketsOf(native.positiveSpans, native.positiveBuckets, float)) {
    rows.push([LEFT_OPEN, goFloat(bound(index - 1)), goFloat(bound(index)), goFloat(count)]);
  }
  return rows;
}
