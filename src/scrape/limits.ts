// SPDX-License-Identifier: Apache-2.0
// Bounds that hold whatever the configuration says, so that no target can take the memory of the others.

/** Largest body of a scrape when `body_size_limit` is not set or larger. */
export const BODY_BYTES_MAX = 256 << 20;
/**
 * Samples of one scrape when `sample_limit` is not set. A scrape is appended in one piece, which keeps the
 * thread for some 0.1 µs a sample: 100,000 series are 10 ms.
 */
export const SAMPLES_PER_SCRAPE_MAX = 2_000_000;
/** Most bytes the kernel walks in one call: some 0.7 ms. */
export const SLICE_BYTES = 1 << 20;
/** Most lines that go through the exact parser in one go: some 1.5 ms when all of them are new series. */
export const SLOW_LINES_MAX = 128;
/** A scrape that has kept the thread this long lets others run. */
export const YIELD_AFTER_MS = 4;
/** Scrapes after which the metadata of a vanished family is forgotten. */
export const METADATA_SCRAPES_KEPT = 10;
/** Scrapes after which an unseen series leaves the cache. */
export const CACHE_SCRAPES_KEPT = 10;
/** Failing scrapes may grow the cache to twice the last good size and this much more. */
export const CACHE_GROWTH_MARGIN = 1000;
/** Explicit timestamps may be this far ahead. */
export const AHEAD_MAX_MS = 600_000;
