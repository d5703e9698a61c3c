// SPDX-License-Identifier: Apache-2.0
export * from './bytes-kernel.ts';
export { FLOAT_ROW_POINTS_MAX, FloatRows } from './float-rows.ts';
export * from './heap.ts';
export { HeapInflater } from './inflater.ts';
export * from './layout.ts';
export * from './memory.ts';
export * from './query-memory.ts';
export * from './scan-kernel.ts';
export * from './scan-layout.ts';
export * from './scan.ts';
