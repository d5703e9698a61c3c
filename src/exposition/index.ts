// SPDX-License-Identifier: Apache-2.0
export * from './byte-text.ts';
export * from './content-type.ts';
export * from './float-text.ts';
export * from './parser.ts';
export * from './protobuf.ts';
export * from './text-families.ts';
