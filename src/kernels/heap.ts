// SPDX-License-Identifier: Apache-2.0
// Allocator of the shared memory. One thread (the writer) allocates and frees; every other thread only
// reads. Blocks carry no header: whoever frees a block knows its size.
//
// Sizes are rounded up to classes: multiples of 16 to 512, then four classes to each doubling. Every class
// has a list of free blocks, linked through their first word; new blocks are cut from the end of the heap.
// Small blocks are cut from free large ones before the heap grows: lists and tables leave those behind when
// they grow.

import { assert } from '../base/index.ts';
import { HEAP_START } from './layout.ts';
import type { SharedMemory } from './memory.ts';

const SMALL_MAX = 512;
const SMALL_STEP = 16;
const SMALL_CLASSES = SMALL_MAX / SMALL_STEP;
const CLASS_COUNT = SMALL_CLASSES + 4 * 24;

/** Class index of a size (> 0). */
function classOf(sizeBytes: number): number {
  if (sizeBytes <= SMALL_MAX) return ((sizeBytes + SMALL_STEP - 1) / SMALL_STEP - 1) | 0;
  const doubling = 31 - Math.clz32((sizeBytes - 1) | 0);
  const quarter = ((sizeBytes - 1) >>> (doubling - 2)) & 3;
  return SMALL_CLASSES + (doubling - 9) * 4 + quarter;
}

/** The largest class that fits into `sizeBytes` (>= 16). */
function classWithin(sizeBytes: number): number {
  const index = classOf(sizeBytes);
  return classBytes(index) <= sizeBytes ? index : index - 1;
}

/** Blocks up to this are cut from larger ones that are free, of at least so many times their size. */
const CUT_MAX = 4096;
const CUT_FACTOR = 4;

function classBytes(index: number): number {
  if (index < SMALL_CLASSES) return (index + 1) * SMALL_STEP;
  const doubling = 9 + ((index - SMALL_CLASSES) >>> 2);
  const quarter = (index - SMALL_CLASSES) & 3;
  return 2 ** doubling + (quarter + 1) * 2 ** (doubling - 2);
}

export class SharedHeap {
  readonly shared: SharedMemory;
  private readonly freeLists = new Uint32Array(CLASS_COUNT);
  private end = HEAP_START;
  private used = 0;
  /** What is left of the free block that small blocks are being cut from. */
  private regionStart = 0;
  private regionEnd = 0;

  constructor(shared: SharedMemory) {
    this.shared = shared;
  }

  /** Bytes that `allocate(sizeBytes)` really gives. */
  static roundedBytes(sizeBytes: number): number {
    return classBytes(classOf(sizeBytes));
  }

  /** Bytes handed out and not freed. */
  get usedBytes(): number {
    return this.used;
  }

  /** Bytes of the memory that have ever been cut off: what can be resident. */
  get reservedBytes(): number {
    return this.end;
  }

  /** Address (16-byte aligned, content undefined) of `sizeBytes` > 0, or 0 when the memory is exhausted. */
  allocate(sizeBytes: number): number {
    assert(sizeBytes > 0 && sizeBytes < 0x7fffffff, 'allocation size out of range');
    const index = classOf(sizeBytes);
    const bytes = classBytes(index);
    const u32 = this.shared.u32;
    let address = this.freeLists[index]!;
    if (address !== 0) {
      this.freeLists[index] = u32[address >>> 2]!;
    } else {
      address = bytes <= CUT_MAX ? this.cut(bytes, index) : 0;
      if (address === 0) {
        if (this.end + bytes > this.shared.sizeBytes) return 0;
        address = this.end;
        this.end += bytes;
      }
    }
    this.used += bytes;
    return address;
  }

  /** A block of `bytes`, which is the size of class `index`, from a free large one; 0 when there is none. */
  private cut(bytes: number, index: number): number {
    if (this.regionEnd - this.regionStart < bytes) {
      const first = Math.max(index + 1, classOf(Math.max(1024, CUT_FACTOR * bytes)));
      let large = first;
      while (large < CLASS_COUNT && this.freeLists[large] === 0) large++;
      if (large === CLASS_COUNT) return 0;
      const address = this.freeLists[large]!;
      this.freeLists[large] = this.shared.u32[address >>> 2]!;
      this.dropRegion();
      this.regionStart = address;
      this.regionEnd = address + classBytes(large);
    }
    const address = this.regionStart;
    this.regionStart += bytes;
    return address;
  }

  /** What is left of the region becomes free blocks of the classes that fit. */
  private dropRegion(): void {
    while (this.regionEnd - this.regionStart >= SMALL_STEP) {
      const index = classWithin(this.regionEnd - this.regionStart);
      this.shared.u32[this.regionStart >>> 2] = this.freeLists[index]!;
      this.freeLists[index] = this.regionStart;
      this.regionStart += classBytes(index);
    }
  }

  /** Like {@link allocate}, zero-filled. */
  allocateZeroed(sizeBytes: number): number {
    const address = this.allocate(sizeBytes);
    if (address !== 0) this.shared.u8.fill(0, address, address + sizeBytes);
    return address;
  }

  /** Gives a block back. `sizeBytes` is what was asked for; no thread may read it any more. */
  free(address: number, sizeBytes: number): void {
    assert(address >= HEAP_START, 'free of an address outside of the heap');
    const index = classOf(sizeBytes);
    this.shared.u32[address >>> 2] = this.freeLists[index]!;
    this.freeLists[index] = address;
    this.used -= classBytes(index);
  }
}
