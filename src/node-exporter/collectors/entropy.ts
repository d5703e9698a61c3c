// SPDX-License-Identifier: Apache-2.0
// entropy: the kernel's pool of random bits.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal } from '../text.ts';

const available = gauge('node_entropy_available_bits', 'Bits of available entropy.');
const poolSize = gauge('node_entropy_pool_size_bits', 'Bits of entropy pool.');

export function entropy(context: CollectorContext): Collector {
  const number = (file: string): number =>
    decimal(readProc(context, `sys/kernel/random/${file}`).trim(), file);
  return (sink) => {
    sink.add(available, number('entropy_avail'));
    sink.add(poolSize, number('poolsize'));
  };
}
