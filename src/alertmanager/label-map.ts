// SPDX-License-Identifier: Apache-2.0
import type { Labels } from '../model/index.ts';

/** Labels by name, for matching. */
export function labelMap(labels: Labels): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const { name, value } of labels) map.set(name, value);
  return map;
}
