// SPDX-License-Identifier: Apache-2.0
export * from './collector.ts';
export * from './exporter.ts';
