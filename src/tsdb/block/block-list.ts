// SPDX-License-Identifier: Apache-2.0
// Which blocks there are, as the main thread tells every reader: a text in the shared memory.
//
//   control block   +0 version (atomic; odd while the rest changes)   +4 address   +8 bytes of the text
//   text            a line a block: its ULID, a blank, how often its tombstones were replaced
//
// A block is listed before the head gives its samples back, so whoever sees the shorter head and looks at
// the list after it sees the block.

import type { SharedHeap, SharedMemory } from '../../kernels/index.ts';
import { BLOCK_CONTROL_ADDRESS } from '../../kernels/index.ts';
import { MemoryFullError } from '../head/store.ts';

const CONTROL = BLOCK_CONTROL_ADDRESS >>> 2;
const Word = { version: CONTROL, address: CONTROL + 1, bytes: CONTROL + 2 } as const;

export interface ListedBlock {
  readonly ulid: string;
  /** Grows with each change of the block's tombstones. */
  readonly tombstoneGeneration: number;
}

/** The one writer of the list. */
export class BlockListWriter {
  private readonly heap: SharedHeap;

  constructor(heap: SharedHeap) {
    this.heap = heap;
  }

  /** Readers that begin from now on see these blocks. @throws MemoryFullError */
  publish(blocks: readonly ListedBlock[]): void {
    const text = blocks.map(({ ulid, tombstoneGeneration: n }) => `${ulid} ${n}\n`).join('');
    const bytes = new TextEncoder().encode(text);
    const { u32, u8 } = this.heap.shared;
    const address = bytes.length === 0 ? 0 : this.heap.allocate(bytes.length);
    if (address === 0 && bytes.length > 0) {
      throw new MemoryFullError('the shared memory is full: there is no room for the block list');
    }
    u8.set(bytes, address);
    const oldAddress = u32[Word.address]!;
    const oldBytes = u32[Word.bytes]!;
    Atomics.add(u32, Word.version, 1);
    Atomics.store(u32, Word.address, address);
    Atomics.store(u32, Word.bytes, bytes.length);
    Atomics.add(u32, Word.version, 1);
    // Whoever copies the old text meanwhile sees another version afterwards and copies again.
    if (oldAddress !== 0) this.heap.free(oldAddress, oldBytes);
  }
}

/** The version of the list: another one means another list. */
export const blockListVersion = (shared: SharedMemory): number =>
  Atomics.load(shared.u32, Word.version);

/** The list and its version. */
export function readBlockList(shared: SharedMemory): {
  readonly version: number;
  readonly blocks: readonly ListedBlock[];
} {
  const { u32, u8 } = shared;
  for (;;) {
    const version = Atomics.load(u32, Word.version);
    if (version % 2 === 1) continue;
    const address = Atomics.load(u32, Word.address);
    const bytes = u8.slice(address, address + Atomics.load(u32, Word.bytes));
    if (Atomics.load(u32, Word.version) !== version) continue;
    const lines = new TextDecoder().decode(bytes).split('\n');
    const blocks = lines
      .filter((line) => line !== '')
      .map((line) => {
        const [ulid = '', generation = ''] = line.split(' ');
        return { ulid, tombstoneGeneration: Number(generation) };
      });
    return { version, blocks };
  }
}
