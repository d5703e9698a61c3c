// SPDX-License-Identifier: Apache-2.0
export * from './assert.ts';
export * from './clock.ts';
export * from './files.ts';
export * from './http.ts';
export * from './http-options.ts';
export * from './logger.ts';
export * from './mail.ts';
export * from './network.ts';
export * from './operating-system.ts';
export * from './prng.ts';
export * from './request-decoder.ts';
export * from './runtime.ts';
