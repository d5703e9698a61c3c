// SPDX-License-Identifier: Apache-2.0
export * from './columns.ts';
export * from './labels.ts';
export * from './matcher.ts';
export * from './staleness.ts';
