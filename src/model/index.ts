// SPDX-License-Identifier: Apache-2.0
export * from './bytesize.ts';
export * from './columns.ts';
export * from './duration.ts';
export * from './labels.ts';
export * from './matcher.ts';
export * from './names.ts';
export * from './quote.ts';
export * from './regexp.ts';
export * from './relabel.ts';
export * from './staleness.ts';
