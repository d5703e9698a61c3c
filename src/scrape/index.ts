// SPDX-License-Identifier: Apache-2.0
export * from './global-url.ts';
export * from './limits.ts';
export type { MetricMetadata } from './metadata.ts';
export * from './options.ts';
export type { HttpClientFactory } from './pool.ts';
export { acceptHeader } from './request.ts';
export * from './scrape-manager.ts';
export type { StartTimeUse } from './start-times.ts';
export { makeTarget, type TargetHealth } from './target.ts';
