// SPDX-License-Identifier: Apache-2.0

/** A bug of ours. Never caught below a target's top level. */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

/** Throws {@link AssertionError} unless `condition` holds. For programmer errors only, never for input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`BUG: ${message}`);
}

/** The `default` of a switch over a union: a compile error when a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`BUG: unexpected value ${String(value)}`);
}
