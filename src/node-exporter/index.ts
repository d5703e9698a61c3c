// SPDX-License-Identifier: Apache-2.0
export * from './collector.ts';
export * from './defaults.ts';
export * from './exporter.ts';
export * from './ipvs-labels.ts';
export * from './sysctl-wish.ts';
