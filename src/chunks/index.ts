// SPDX-License-Identifier: Apache-2.0
export * from './chunk-samples.ts';
export * from './histogram.ts';
export * from './samples.ts';
export * from './xor.ts';
export * from './xor2.ts';
