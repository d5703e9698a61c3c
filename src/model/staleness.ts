// SPDX-License-Identifier: Apache-2.0
// The staleness marker is a bit pattern, not a number: JavaScript may replace the payload of a NaN
// whenever it is handled as a number, so it is written and tested as two 32-bit words.

/** High and low words of the staleness marker 0x7ff0000000000002. */
export const STALE_HIGH = 0x7ff00000;
export const STALE_LOW = 0x00000002;
/** High and low words of the NaN that Prometheus writes for "not a number" samples. */
export const NAN_HIGH = 0x7ff80000;
export const NAN_LOW = 0x00000001;

/** Whether value `i` of a column is a staleness marker; `bits` is the same memory as 32-bit words. */
export function isStale(bits: Uint32Array, i: number): boolean {
  return bits[2 * i + 1] === STALE_HIGH && bits[2 * i] === STALE_LOW;
}

/** Writes a staleness marker as value `i` of the column that `bits` views. */
export function setStale(bits: Uint32Array, i: number): void {
  bits[2 * i] = STALE_LOW;
  bits[2 * i + 1] = STALE_HIGH;
}
