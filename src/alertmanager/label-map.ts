// SPDX-License-Identifier: Apache-2.0
import type { Labels } from '../model/index.ts';

/** An alert's labels are one array from its arrival to its end, and looked at by every part. */
const known = new WeakMap<Labels, ReadonlyMap<string, string>>();

/** Labels by name, for matching. Made once for each array. */
export function labelMap(labels: Labels): ReadonlyMap<string, string> {
  const made = known.get(labels);
  if (made !== undefined) return made;
  const map = new Map<string, string>();
  for (const { name, value } of labels) map.set(name, value);
  known.set(labels, map);
  return map;
}
