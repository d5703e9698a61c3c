// SPDX-License-Identifier: Apache-2.0
export * from './glob.ts';
export * from './options.ts';
