// SPDX-License-Identifier: Apache-2.0
// Loops of the PromQL engine over columns: windows, rates, lookups of selectors, and aggregations. The
// twins, which say what each must do, are in src/promql/operators.

const STALE: i64 = 0x7ff0000000000002;
/** Eight cells of floats. */
const ALL_PRESENT: u64 = 0x0101010101010101;

// @ts-ignore: decorator
@inline
function f64At(column: usize, i: u32): f64 {
  return load<f64>(column + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
function u32At(column: usize, i: u32): u32 {
  return load<u32>(column + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function setF64(column: usize, i: u32, value: f64): void {
  store<f64>(column + (<usize>i << 3), value);
}

// @ts-ignore: decorator
@inline
function setU32(column: usize, i: u32, value: u32): void {
  store<u32>(column + (<usize>i << 2), value);
}

/** Zeros. */
export function clear(address: usize, bytes: usize): void {
  memory.fill(address, 0, bytes);
}

/** Index of the first staleness marker of n values, or n. */
export function firstStale(values: usize, n: u32): u32 {
  const marker = i64x2.splat(STALE);
  let i: u32 = 0;
  for (; i + 8 <= n; i += 8) {
    const at = values + (<usize>i << 3);
    const first = v128.or(
      i64x2.eq(v128.load(at), marker),
      i64x2.eq(v128.load(at, 16), marker),
    );
    const second = v128.or(
      i64x2.eq(v128.load(at, 32), marker),
      i64x2.eq(v128.load(at, 48), marker),
    );
    if (v128.any_true(v128.or(first, second))) break;
  }
  for (; i < n; i++) {
    if (load<i64>(values + (<usize>i << 3)) == STALE) break;
  }
  return i;
}

/**
 * The windows (ref - range, ref] of `steps` references: samples lo[k] <= i < hi[k]. `back` is range / step
 * where that is whole, else at least `steps`. Returns how many samples all windows have together.
 */
export function slide(
  times: usize,
  count: u32,
  refMs: f64,
  stepMs: f64,
  steps: u32,
  rangeMs: f64,
  back: u32,
  lo: usize,
  hi: usize,
): f64 {
  let next: u32 = 0;
  let advance: u32 = 1;
  let total: i64 = 0;
  for (let k: u32 = 0; k < steps; k++) {
    const ref = refMs + <f64>k * stepMs;
    // Regular samples advance by the same number at each step.
    const guess = next + advance;
    if (guess < count && f64At(times, guess - 1) <= ref && f64At(times, guess) > ref) {
      next = guess;
    } else {
      const before = next;
      while (next < count && f64At(times, next) <= ref) next++;
      if (next > before) advance = next - before;
    }
    setU32(hi, k, next);
  }
  // Where the range is a multiple of the step, a window begins just where an earlier one ended.
  const scanned = min(back, steps);
  let first: u32 = 0;
  for (let k: u32 = 0; k < scanned; k++) {
    const open = refMs + <f64>k * stepMs - rangeMs;
    while (first < count && f64At(times, first) <= open) first++;
    setU32(lo, k, first);
    total += <i64>u32At(hi, k) - <i64>first;
  }
  for (let k = scanned; k < steps; k++) {
    const begin = u32At(hi, k - back);
    setU32(lo, k, begin);
    total += <i64>u32At(hi, k) - <i64>begin;
  }
  return <f64>total;
}

/** Indexes of the values below their predecessors, into `at`; their number. */
function findResets(values: usize, count: u32, at: usize): u32 {
  let resets: u32 = 0;
  let i: u32 = 1;
  for (; i + 8 <= count; i += 8) {
    const here = values + (<usize>i << 3);
    const before = here - 8;
    const first = v128.or(
      f64x2.lt(v128.load(here), v128.load(before)),
      f64x2.lt(v128.load(here, 16), v128.load(before, 16)),
    );
    const second = v128.or(
      f64x2.lt(v128.load(here, 32), v128.load(before, 32)),
      f64x2.lt(v128.load(here, 48), v128.load(before, 48)),
    );
    if (!v128.any_true(v128.or(first, second))) continue;
    for (let k = i; k < i + 8; k++) {
      if (f64At(values, k) < f64At(values, k - 1)) setU32(at, resets++, k);
    }
  }
  for (; i < count; i++) {
    if (f64At(values, i) < f64At(values, i - 1)) setU32(at, resets++, i);
  }
  return resets;
}

const COUNTER: u32 = 1;
const RATE: u32 = 2;

/** The values of a column at two places. */
// @ts-ignore: decorator
@inline
function f64sAt(column: usize, i: u32, j: u32): v128 {
  return v128.load64_lane(column + (<usize>j << 3), v128.load64_zero(column + (<usize>i << 3)), 1);
}

/**
 * rate (`kind` 3), increase (1) and delta (0) of the windows; see window-counters.ts.
 * `resetAt` is scratch of `count` words. Works from step `from` on and stops when it has added `workMax`
 * values lost in resets. Returns the step at which it stopped; `steps` at the end.
 */
export function extrapolate(
  times: usize,
  values: usize,
  count: u32,
  lo: usize,
  hi: usize,
  refMs: f64,
  stepMs: f64,
  steps: u32,
  rangeMs: f64,
  kind: u32,
  resetAt: usize,
  from: u32,
  workMax: u32,
  out: usize,
  present: usize,
): u32 {
  const isCounter = (kind & COUNTER) != 0;
  const isRate = (kind & RATE) != 0;
  const resets = isCounter ? findResets(values, count, resetAt) : 0;
  const perRange = rangeMs / 1000;
  let reset: u32 = 0;
  let nextReset = resets > 0 ? load<u32>(resetAt) : count;
  let gapStartMs: f64 = -1;
  let gapEndMs: f64 = -1;
  let spanMs: f64 = -1;
  let intervals: u32 = 0;
  let sampled: f64 = 0;
  let toStart: f64 = 0;
  let toEnd: f64 = 0;
  let factor: f64 = 0;
  let work: u32 = 0;
  for (let k = from; k < steps; k++) {
    const first = u32At(lo, k);
    const last = u32At(hi, k) - 1;
    if (<i32>last <= <i32>first) {
      store<u8>(present + k, 0);
      continue;
    }
    // Two steps whose windows are like the last one, with no reset and far from zero: nearly always.
    if (last - first == intervals && k + 1 < steps) {
      const nextFirst = u32At(lo, k + 1);
      const nextLast = u32At(hi, k + 1) - 1;
      while (nextReset <= first) nextReset = ++reset < resets ? u32At(resetAt, reset) : count;
      if (nextLast - nextFirst == intervals && nextReset > nextLast) {
        const steps2 = f64x2(<f64>k, <f64>(k + 1));
        const ref2 = f64x2.add(f64x2.splat(refMs), f64x2.mul(steps2, f64x2.splat(stepMs)));
        const firstTime2 = f64sAt(times, first, nextFirst);
        const lastTime2 = f64sAt(times, last, nextLast);
        const gapStart2 = f64x2.sub(firstTime2, f64x2.sub(ref2, f64x2.splat(rangeMs)));
        const sameGaps = v128.and(
          f64x2.eq(gapStart2, f64x2.splat(gapStartMs)),
          f64x2.eq(f64x2.sub(ref2, lastTime2), f64x2.splat(gapEndMs)),
        );
        const sameSpan = f64x2.eq(f64x2.sub(lastTime2, firstTime2), f64x2.splat(spanMs));
        const firstValue2 = f64sAt(values, first, nextFirst);
        const result2 = f64x2.sub(f64sAt(values, last, nextLast), firstValue2);
        let nearZero = f64x2.splat(0);
        if (isCounter) {
          const bound = f64x2.mul(f64x2.mul(f64x2.splat(toStart), result2), f64x2.splat(1.000001));
          nearZero = v128.and(
            v128.and(f64x2.gt(result2, f64x2.splat(0)), f64x2.ge(firstValue2, f64x2.splat(0))),
            f64x2.le(f64x2.mul(firstValue2, f64x2.splat(sampled)), bound),
          );
        }
        if (i64x2.all_true(v128.andnot(v128.and(sameGaps, sameSpan), nearZero))) {
          v128.store(out + (<usize>k << 3), f64x2.mul(result2, f64x2.splat(factor)));
          store<u16>(present + k, 0x0101);
          k++;
          continue;
        }
      }
    }
    const firstValue = f64At(values, first);
    let result = f64At(values, last) - firstValue;
    while (nextReset <= first) nextReset = ++reset < resets ? u32At(resetAt, reset) : count;
    if (nextReset <= last) {
      if (work > workMax) return k;
      for (let r = reset; r < resets; r++) {
        const at = u32At(resetAt, r);
        if (at > last) break;
        result += f64At(values, at - 1);
        work++;
      }
    }
    const ref = refMs + <f64>k * stepMs;
    const firstTime = f64At(times, first);
    const lastTime = f64At(times, last);
    const gapStart = firstTime - (ref - rangeMs);
    const gapEnd = ref - lastTime;
    const span = lastTime - firstTime;
    if (gapStart != gapStartMs || gapEnd != gapEndMs || span != spanMs || last - first != intervals) {
      gapStartMs = gapStart;
      gapEndMs = gapEnd;
      spanMs = span;
      intervals = last - first;
      sampled = span / 1000;
      const between = sampled / <f64>intervals;
      const threshold = between * 1.1;
      toStart = gapStart / 1000;
      toEnd = gapEnd / 1000;
      if (toStart >= threshold) toStart = between / 2;
      if (toEnd >= threshold) toEnd = between / 2;
      factor = (sampled + toStart + toEnd) / sampled;
      if (isRate) factor /= perRange;
    }
    let used = factor;
    if (
      isCounter &&
      result > 0 &&
      firstValue >= 0 &&
      firstValue * sampled <= toStart * result * 1.000001
    ) {
      const toZero = sampled * (firstValue / result);
      if (toZero < toStart) {
        used = (sampled + toZero + toEnd) / sampled;
        if (isRate) used /= perRange;
      }
    }
    setF64(out, k, result * used);
    store<u8>(present + k, 1);
  }
  return steps;
}

/**
 * min_over_time (`sign` -1) and max_over_time (1), or (`asTime`) the times of those samples in seconds.
 * `queue` is scratch of `count` words.
 */
export function extreme(
  times: usize,
  values: usize,
  lo: usize,
  hi: usize,
  steps: u32,
  sign: f64,
  asTime: bool,
  queue: usize,
  out: usize,
  present: usize,
): void {
  let head: u32 = 0;
  let tail: u32 = 0;
  let added: u32 = 0;
  for (let k: u32 = 0; k < steps; k++) {
    const first = u32At(lo, k);
    const end = u32At(hi, k);
    for (; added < end; added++) {
      const value = f64At(values, added) * sign;
      if (value != value) continue;
      while (tail > head && f64At(values, u32At(queue, tail - 1)) * sign <= value) tail--;
      setU32(queue, tail++, added);
    }
    while (head < tail && u32At(queue, head) < first) head++;
    if (end <= first) {
      store<u8>(present + k, 0);
      continue;
    }
    store<u8>(present + k, 1);
    const best = head < tail ? u32At(queue, head) : end - 1;
    setF64(out, k, asTime ? f64At(times, best) / 1000 : f64At(values, best));
  }
}

/**
 * For each reference the newest sample not older than the lookback; its time in seconds when `asTime`.
 * Returns how many cells are present.
 */
export function instant(
  times: usize,
  values: usize,
  count: u32,
  refMs: f64,
  stepMs: f64,
  steps: u32,
  lookbackMs: f64,
  asTime: bool,
  out: usize,
  present: usize,
): u32 {
  let next: u32 = 0;
  let found: u32 = 0;
  for (let k: u32 = 0; k < steps; k++) {
    const ref = refMs + <f64>k * stepMs;
    while (next < count && f64At(times, next) <= ref) next++;
    let there: u32 = 0;
    if (next > 0) {
      const time = f64At(times, next - 1);
      const bits = load<i64>(values + (<usize>(next - 1) << 3));
      if (time > ref - lookbackMs && bits != STALE) {
        if (asTime) setF64(out, k, time / 1000);
        else store<i64>(out + (<usize>k << 3), bits);
        there = 1;
      }
    }
    store<u8>(present + k, <u8>there);
    found += there;
  }
  return found;
}

// ---- aggregations: a row is folded into the cells of its group.

// @ts-ignore: decorator
@inline
function foldTwo(values: usize, sums: usize, lost: usize): void {
  const value = v128.load(values);
  const sum = v128.load(sums);
  const t = f64x2.add(sum, value);
  const isBig = f64x2.ge(f64x2.abs(sum), f64x2.abs(value));
  const big = v128.bitselect(sum, value, isBig);
  const small = v128.bitselect(value, sum, isBig);
  v128.store(lost, f64x2.add(v128.load(lost), f64x2.add(f64x2.sub(big, t), small)));
  v128.store(sums, t);
}

// @ts-ignore: decorator
@inline
function foldOne(value: f64, sums: usize, lost: usize): void {
  const sum = load<f64>(sums);
  const t = sum + value;
  const part = abs(sum) >= abs(value) ? sum - t + value : value - t + sum;
  store<f64>(lost, load<f64>(lost) + part);
  store<f64>(sums, t);
}

/** Neumaier's compensated sum. */
export function foldSum(values: usize, present: usize, n: u32, sums: usize, lost: usize, seen: usize): void {
  let k: usize = 0;
  const end = <usize>n;
  while (k < end) {
    if (k + 8 <= end && load<u64>(present + k) == ALL_PRESENT) {
      const at = k << 3;
      const known = load<u64>(seen + k);
      if (known == ALL_PRESENT) {
        foldTwo(values + at, sums + at, lost + at);
        foldTwo(values + at + 16, sums + at + 16, lost + at + 16);
        foldTwo(values + at + 32, sums + at + 32, lost + at + 32);
        foldTwo(values + at + 48, sums + at + 48, lost + at + 48);
        k += 8;
        continue;
      }
      if (known == 0) {
        store<u64>(seen + k, ALL_PRESENT);
        for (let i: usize = 0; i < 64; i += 16) {
          v128.store(sums + at + i, v128.load(values + at + i));
        }
        k += 8;
        continue;
      }
    }
    if (load<u8>(present + k) != 0) {
      const at = k << 3;
      const value = load<f64>(values + at);
      if (load<u8>(seen + k) == 0) {
        store<u8>(seen + k, 1);
        store<f64>(sums + at, value);
      } else {
        foldOne(value, sums + at, lost + at);
      }
    }
    k++;
  }
}

function foldIncremental(count: f64, value: f64, sums: usize, lost: usize): void {
  const q = (count - 1) / count;
  const part = value / count;
  const mean = q * load<f64>(sums);
  const c = q * load<f64>(lost);
  const t = mean + part;
  if (abs(t) == Infinity) store<f64>(lost, 0);
  else store<f64>(lost, c + (abs(mean) >= abs(part) ? mean - t + part : part - t + mean));
  store<f64>(sums, t);
}

/** The mean by the compensated sum; by the incremental mean once the sum would overflow. */
export function foldAvg(
  values: usize,
  present: usize,
  n: u32,
  sums: usize,
  lost: usize,
  counts: usize,
  incremental: usize,
): void {
  for (let k: usize = 0; k < <usize>n; k++) {
    if (load<u8>(present + k) == 0) continue;
    const at = k << 3;
    const value = load<f64>(values + at);
    const count = load<f64>(counts + at) + 1;
    store<f64>(counts + at, count);
    if (count == 1) {
      store<f64>(sums + at, value);
      continue;
    }
    if (load<u8>(incremental + k) == 0) {
      const sum = load<f64>(sums + at);
      if (abs(sum + value) != Infinity) {
        foldOne(value, sums + at, lost + at);
        continue;
      }
      store<u8>(incremental + k, 1);
      store<f64>(sums + at, sum / (count - 1));
      store<f64>(lost + at, load<f64>(lost + at) / (count - 1));
    }
    foldIncremental(count, value, sums + at, lost + at);
  }
}

/** min (`sign` -1) and max (1): NaN only where there is nothing else. */
export function foldExtreme(values: usize, present: usize, n: u32, sign: f64, best: usize, seen: usize): void {
  for (let k: usize = 0; k < <usize>n; k++) {
    if (load<u8>(present + k) == 0) continue;
    const at = k << 3;
    const value = load<f64>(values + at);
    const known = load<f64>(best + at);
    if (value * sign > known * sign || known != known) store<f64>(best + at, value);
    store<u8>(seen + k, 1);
  }
}
