// SPDX-License-Identifier: Apache-2.0
// What netclass gives, wherever it reads.

import type { Descriptor } from '../sink.ts';
import { gauge } from '../sink.ts';

export const up = gauge(
  'node_network_up',
  "Value is 1 if operstate is 'up', 0 otherwise.",
  'device',
);
export const property = (name: string, make = gauge): Descriptor =>
  make(`node_network_${name}`, `Network device property: ${name}`, 'device');

export const speedBytes = property('speed_bytes');
export const BYTES_PER_MEGABIT = 1e6 / 8;
