// SPDX-License-Identifier: Apache-2.0
export * from './contracts.ts';
export * from './memory.ts';
export * from './merge.ts';
