// SPDX-License-Identifier: Apache-2.0
// hot
// Directories, lists and hash tables of the head, for the writer and for readers of other threads. A
// reader may come at any moment: what it can reach is complete, because pointers are stored last.

import type { SharedMemory } from '../../kernels/index.ts';
import { Control, List, SYMBOL_TEXT, Table } from './layout.ts';

/** Address of record `id` in a directory, 0 when there is none. */
export function directoryGet(m: SharedMemory, directory: number, id: number): number {
  const page = m.u32[(directory >>> 2) + (id >>> 16)]!;
  return page === 0 ? 0 : m.u32[(page >>> 2) + (id & 0xffff)]!;
}

/** 32-bit hash of UTF-8 bytes (FNV-1a with a final mix). */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 12)) >>> 0;
}

/** 32-bit hash of a pair of ids. */
export function hashPair(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** Id of the symbol with the bytes [start, start+length), or 0. */
export function findSymbol(
  m: SharedMemory,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  const table = Atomics.load(m.u32, Control.symbolTable) >>> 2;
  const mask = m.u32[table + Table.mask]!;
  const directory = m.u32[Control.symbolDirectory]!;
  let slot = hashBytes(bytes, start, start + length) & mask;
  for (;;) {
    const id = Atomics.load(m.u32, table + Table.slots + slot);
    if (id === 0) return 0;
    if (id !== SYMBOL_GONE && symbolIs(m, directoryGet(m, directory, id), bytes, start, length))
      return id;
    slot = (slot + 1) & mask;
  }
}

function symbolIs(
  m: SharedMemory,
  address: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (m.u32[address >>> 2] !== length) return false;
  const text = address + SYMBOL_TEXT;
  for (let i = 0; i < length; i++) if (m.u8[text + i] !== bytes[start + i]) return false;
  return true;
}

/** In a slot of the symbol table: there was a symbol; the search goes on. No symbol has this id. */
export const SYMBOL_GONE = 0xffffffff;
/** In place of a name id in a slot of the pair table: there was a pair; the search goes on. */
export const PAIR_GONE = 0xffffffff;

/** Words of a slot of the pair table: name id (0 = empty), value id, list address. */
export const PAIR_WORDS = 3;

/**
 * Address of the list of a pair, or 0. Value 0 names two lists of the label itself: see
 * {@link NAME_VALUES} and {@link NAME_SERIES}.
 */
export function findPair(m: SharedMemory, name: number, value: number): number {
  const table = Atomics.load(m.u32, Control.pairTable) >>> 2;
  const mask = m.u32[table + Table.mask]!;
  let slot = hashPair(name, value) & mask;
  for (;;) {
    const at = table + Table.slots + slot * PAIR_WORDS;
    const key = Atomics.load(m.u32, at);
    if (key === 0) return 0;
    if (key === name && m.u32[at + 1] === value) return Atomics.load(m.u32, at + 2);
    slot = (slot + 1) & mask;
  }
}

/** In place of a value id: the list of the values that a label has. No symbol has these ids. */
export const NAME_VALUES = 0xffffffff;
/** In place of a value id: the list of all series that have the label. */
export const NAME_SERIES = 0xfffffffe;

/** The ids of a list, as they are now: later additions do not show. Valid during the reader's epoch. */
export function listView(m: SharedMemory, list: number): Uint32Array {
  if (list === 0) return new Uint32Array(0);
  const count = Atomics.load(m.u32, (list >>> 2) + List.count);
  const address = Atomics.load(m.u32, (list >>> 2) + List.address) >>> 2;
  return m.u32.subarray(address, address + count);
}
