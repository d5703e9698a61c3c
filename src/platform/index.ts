// SPDX-License-Identifier: Apache-2.0
export * from './clock.ts';
export * from './files.ts';
export * from './http-client.ts';
export * from './operating-system.ts';
