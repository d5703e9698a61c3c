// SPDX-License-Identifier: Apache-2.0
export * from './family.ts';
export * from './float-text.ts';
export * from './instruments.ts';
export * from './negotiate.ts';
export * from './process.ts';
export * from './registry.ts';
export * from './runtime.ts';
export * from './write.ts';
export * from './write-protobuf.ts';
