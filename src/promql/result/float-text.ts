// SPDX-License-Identifier: Apache-2.0

/** Seconds resolution, UTC, RFC 3339: `2023-12-25T00:00:00Z`. */
export const formatTimestamp = (ms: number): string =>
  `${new Date(Math.trunc(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
