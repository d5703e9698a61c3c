// SPDX-License-Identifier: Apache-2.0
export * from './chunk-samples.ts';
export * from './histogram.ts';
export * from './xor.ts';
