// SPDX-License-Identifier: Apache-2.0

/** Samples of one series as columns. `valueBits` views the memory of `values` as 32-bit words (low first). */
export interface SampleColumns {
  /** Milliseconds since the epoch, ascending. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly valueBits: Uint32Array;
}

/** Columns of their own memory for `capacity` samples. */
export function newSampleColumns(capacity: number): SampleColumns {
  const values = new Float64Array(capacity);
  return { times: new Float64Array(capacity), values, valueBits: new Uint32Array(values.buffer) };
}
