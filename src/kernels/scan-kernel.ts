// SPDX-License-Identifier: Apache-2.0

import { wasm } from './generated/scan.ts';
import { instantiateKernel, type SharedMemory } from './memory.ts';
import type { ScanKernel } from './scan-layout.ts';

/** The compiled scan kernel on `shared`. One instance serves all loops of a thread. */
export function scanKernel(shared: SharedMemory): ScanKernel {
  return instantiateKernel<ScanKernel>(wasm, shared);
}
