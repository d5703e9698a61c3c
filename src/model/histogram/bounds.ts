// SPDX-License-Identifier: Apache-2.0
// Bounds of buckets.

import { assert } from '../../base/index.ts';
import { CUSTOM_BUCKETS_SCHEMA, EXPONENTIAL_SCHEMA_MAX } from './histogram.ts';

const FINEST = 1 << EXPONENTIAL_SCHEMA_MAX;

/**
 * 2^(i/256 - 1) for i in 0..255, with upstream's rounding: the product of the roots of two from the largest
 * to the smallest, where the square root of two itself is cut off rather than rounded.
 */
function finestFractions(): Float64Array {
  const fractions = new Float64Array(FINEST);
  fractions[0] = 0.5;
  let root = 2;
  for (let bit = FINEST >> 1; bit >= 1; bit >>= 1) {
    root = Math.sqrt(root);
    const factor = bit === FINEST >> 1 ? Math.SQRT2 - 2 ** -52 : root;
    // Whatever has only larger bits is there already; this one is multiplied last.
    for (let i = 0; i < FINEST; i += 2 * bit) fractions[i + bit] = fractions[i]! * factor;
  }
  return fractions;
}

const fractions = finestFractions();

/** Upper bound of bucket `index` of an exponential schema; the last finite one is the largest float. */
export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const perPower = 2 ** schema;
  const power = Math.floor(index / perPower);
  const fraction = fractions[(index - power * perPower) << (EXPONENTIAL_SCHEMA_MAX - schema)]!;
  if (fraction === 0.5 && power === 1024) return Number.MAX_VALUE;
  // In two goes: 2^1024 is no float though half of it is, and the smallest bounds are subnormal.
  return power >= 1023 ? fraction * 2 ** power * 2 : fraction * 2 * 2 ** power;
}

/** Upper bound of bucket `index` (-1: the lower bound of the first custom bucket). */
export function bucketBound(index: number, schema: number, customValues: Float64Array): number {
  if (schema !== CUSTOM_BUCKETS_SCHEMA) return exponentialBound(index, schema);
  assert(index >= -1 && index <= customValues.length, `no custom bucket ${index}`);
  if (index === -1) return Number.NEGATIVE_INFINITY;
  return customValues[index] ?? Number.POSITIVE_INFINITY;
}

/** The bucket of a lower-resolution schema that bucket `index` falls into. */
export const coarserIndex = (index: number, schema: number, target: number): number =>
  ((index - 1) >> (schema - target)) + 1;
