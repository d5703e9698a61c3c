// SPDX-License-Identifier: Apache-2.0
export * from './discovery-manager.ts';
export * from './glob.ts';
export { createDiscoveryMetrics, type DiscoveryMetrics } from './metrics.ts';
export * from './options.ts';
