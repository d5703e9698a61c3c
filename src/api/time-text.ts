// SPDX-License-Identifier: Apache-2.0

/** How Go prints the time that is not there. */
const zeroTime = '0001-01-01T00:00:00Z';

/** RFC 3339 of milliseconds since the epoch, trailing zeros of the fraction left out as Go does; 0 = none. */
export function timeText(ms: number): string {
  if (ms === 0) return zeroTime;
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}
