// SPDX-License-Identifier: Apache-2.0

import { decimal, SourceError } from '../text.ts';

/** More than any machine has: a longer list is no list of CPUs. */
const CPUS_MAX = 65_536;

/** `0-2,5` → 0, 1, 2, 5; `1-10:5` counts in steps. @throws SourceError */
export function parseCpuList(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.split(',').filter((range) => range !== '')) {
    const [range = '', stride] = part.split(':');
    const [first, last] = range.split('-');
    const step = stride === undefined ? 1 : Math.max(1, decimal(stride, 'a CPU list'));
    const end = decimal(last ?? first, 'a CPU list');
    if (end >= CPUS_MAX) throw new SourceError(`CPU ${end} in a CPU list`);
    for (let cpu = decimal(first, 'a CPU list'); cpu <= end; cpu += step) cpus.push(cpu);
  }
  return cpus;
}
