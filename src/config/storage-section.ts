// SPDX-License-Identifier: Apache-2.0
// `storage`: what of it this version acts on. The rest is kept as it is and reported.

import { YamlMapping, type YamlValue } from './yaml-value.ts';

export interface StorageOptions {
  /** How late samples may come; 0: they may not. */
  readonly outOfOrderWindowMs: number;
}

/** Reads the section. `isWhole`: there is nothing in it that is only kept. */
export function readStorage(value: YamlValue | undefined): StorageOptions & { isWhole: boolean } {
  if (value === undefined) return { outOfOrderWindowMs: 0, isWhole: true };
  const sections = value.entries();
  const tsdb = sections.get('tsdb')?.value;
  const outOfOrderWindowMs =
    tsdb === undefined ? 0 : (new YamlMapping(tsdb).duration('out_of_order_time_window') ?? 0);
  const keys = [...(tsdb?.entries().keys() ?? [])];
  const isWhole =
    [...sections.keys()].every((key) => key === 'tsdb') &&
    keys.every((key) => key === 'out_of_order_time_window');
  return { outOfOrderWindowMs, isWhole };
}
