// SPDX-License-Identifier: Apache-2.0
// The shared linear memory and its views. It is reserved whole (4 GiB of address space) at once:
// untouched pages cost nothing, and no view ever has to be renewed because the memory grew.

import { assert } from '../base/index.ts';
import { CRC_TABLE_ADDRESS, POWERS_ADDRESS } from './layout.ts';

const PAGE = 65536;
export const MEMORY_MAX_BYTES = 65536 * PAGE;

/** One linear memory seen as typed arrays. Address a of an aligned word is index a >>> 2 (or >>> 3). */
export interface SharedMemory {
  /** Hand this to another thread and call {@link viewMemory} there. */
  readonly memory: WebAssembly.Memory;
  readonly sizeBytes: number;
  readonly u8: Uint8Array<SharedArrayBuffer>;
  readonly u32: Uint32Array<SharedArrayBuffer>;
  readonly i32: Int32Array<SharedArrayBuffer>;
  readonly f64: Float64Array<SharedArrayBuffer>;
}

/** Views of a memory made by {@link createMemory}, in this or another thread. */
export function viewMemory(memory: WebAssembly.Memory): SharedMemory {
  const buffer = memory.buffer as unknown as SharedArrayBuffer;
  return {
    memory,
    sizeBytes: buffer.byteLength,
    u8: new Uint8Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
  };
}

/**
 * Reserves a shared memory of `maxBytes` (default 4 GiB; halved until the system grants it) and fills the
 * constant tables. Costs address space, not memory.
 */
export function createMemory(maxBytes = MEMORY_MAX_BYTES): SharedMemory {
  assert(maxBytes >= 4 * PAGE && maxBytes <= MEMORY_MAX_BYTES, 'memory size out of range');
  let pages = Math.floor(maxBytes / PAGE);
  for (;;) {
    try {
      const shared = viewMemory(
        new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true }),
      );
      fillConstantTables(shared);
      return shared;
    } catch (error) {
      // An address space limit (ulimit -v, strict overcommit): a smaller head is better than none.
      if (pages <= 1024) throw error;
      pages >>>= 1;
    }
  }
}

function fillConstantTables(shared: SharedMemory): void {
  const crc = CRC_TABLE_ADDRESS >>> 2;
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    shared.u32[crc + n] = c >>> 0;
  }
  for (let slice = 1; slice < 8; slice++) {
    for (let n = 0; n < 256; n++) {
      const previous = shared.u32[crc + (slice - 1) * 256 + n]!;
      shared.u32[crc + slice * 256 + n] =
        ((previous >>> 8) ^ shared.u32[crc + (previous & 0xff)]!) >>> 0;
    }
  }
  for (let e = 0; e <= 22; e++) shared.f64[(POWERS_ADDRESS >>> 3) + e] = Number(`1e${e}`);
}

/**
 * Instantiates a kernel module (base64 text from `generated/`) on a memory, shared unless it was built for
 * its own. `Exports` describes its
 * functions; addresses and lengths are i32 and must be passed as such (`address | 0` is done by WebAssembly).
 */
export function instantiateKernel<Exports>(
  base64: string,
  { memory }: Pick<SharedMemory, 'memory'>,
): Exports {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const abort = (): never => {
    throw new Error('BUG: kernel aborted');
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory, abort },
  });
  return instance.exports as Exports;
}
