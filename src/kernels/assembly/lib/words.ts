// SPDX-License-Identifier: Apache-2.0

/** Up to here {@link copyWords} beats `memory.copy`, which leaves the kernel for the engine. */
export const WORDS_BYTES_MAX: usize = 64;

/** Copies `size` bytes, and up to 7 more, a word at a time; `to` may lie 8 bytes or more after `from`. */
// @ts-ignore: decorator
@inline
export function copyWords(to: usize, from: usize, size: usize): void {
  for (let i: usize = 0; i < size; i += 8) store<u64>(to + i, load<u64>(from + i));
}
