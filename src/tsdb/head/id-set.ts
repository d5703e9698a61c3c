// SPDX-License-Identifier: Apache-2.0
// hot
// Sets of series ids as ascending Uint32Arrays, and the few operations that selectors need.

/** Intersection of ascending arrays; the shorter one is walked, the longer galloped through. */
export function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  const small = a.length <= b.length ? a : b;
  const large = small === a ? b : a;
  const out = new Uint32Array(small.length);
  let n = 0;
  let from = 0;
  for (let i = 0; i < small.length; i++) {
    const id = small[i]!;
    from = lowerBound(large, id, from);
    if (from === large.length) break;
    if (large[from] === id) out[n++] = id;
  }
  return out.subarray(0, n);
}

/** Those of `a` that are not in `b`. */
export function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (b.length === 0) return a;
  const out = new Uint32Array(a.length);
  let n = 0;
  let from = 0;
  for (let i = 0; i < a.length; i++) {
    const id = a[i]!;
    from = lowerBound(b, id, from);
    if (from === b.length || b[from] !== id) out[n++] = id;
  }
  return out.subarray(0, n);
}

/** First index >= `from` whose id is >= `id`: doubling steps, then bisection. */
function lowerBound(ids: Uint32Array, id: number, from: number): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < ids.length && ids[high]! < id) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  if (high > ids.length) high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Union of ascending arrays, through a bitmap of the ids between the smallest and the largest. */
export function union(sets: readonly Uint32Array[]): Uint32Array {
  if (sets.length === 0) return new Uint32Array(0);
  if (sets.length === 1) return sets[0]!;
  let first = 0xffffffff;
  let last = 0;
  for (const ids of sets) {
    if (ids.length === 0) continue;
    if (ids[0]! < first) first = ids[0]!;
    if (ids.at(-1)! > last) last = ids.at(-1)!;
  }
  if (first > last) return new Uint32Array(0);
  const base = first - (first & 31);
  const bits = new Uint32Array(((last - base) >>> 5) + 1);
  for (const ids of sets) {
    for (let i = 0; i < ids.length; i++) {
      const bit = ids[i]! - base;
      bits[bit >>> 5]! |= 1 << (bit & 31);
    }
  }
  let count = 0;
  for (let w = 0; w < bits.length; w++) count += popCount(bits[w]!);
  const out = new Uint32Array(count);
  let n = 0;
  for (let w = 0; w < bits.length; w++) {
    let word = bits[w]!;
    while (word !== 0) {
      const lowest = word & -word;
      out[n++] = base + (w << 5) + 31 - Math.clz32(lowest);
      word ^= lowest;
    }
  }
  return out;
}

function popCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
