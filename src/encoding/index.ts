// SPDX-License-Identifier: Apache-2.0
export * from './md5.ts';
export * from './bytes.ts';
export * from './crc32c.ts';
export * from './compression.ts';
export * from './pprof.ts';
export * from './protobuf.ts';
export * from './snappy-frames.ts';
export * from './snappy.ts';
