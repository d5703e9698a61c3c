// SPDX-License-Identifier: Apache-2.0

import { wasm } from './generated/inflate.ts';
import { instantiateKernel, type SharedMemory } from './memory.ts';

/** Scratch that {@link InflateKernel.inflate} needs. */
export const INFLATE_SCRATCH_BYTES = 11_856;
/** Where in the scratch it leaves the address behind its input. */
export const INFLATE_USED = 11_840;
/** Bytes after the input that are read, and after the output that are written. */
export const INFLATE_PADDING_BYTES = 16;

/** Exports of assembly/inflate.ts; all arguments are addresses. */
export interface InflateKernel {
  /**
   * Undoes the DEFLATE stream at [from, inputEnd) into [out, outEnd). Returns the length of the output, and
   * -1 when the stream is damaged, ends early or does not fit.
   */
  inflate(from: number, inputEnd: number, out: number, outEnd: number, scratch: number): number;
}

export const inflateKernel = (shared: SharedMemory): InflateKernel =>
  instantiateKernel<InflateKernel>(wasm, shared);
