// SPDX-License-Identifier: Apache-2.0
// Texts of the head as a reading thread sees them.

import type { SharedMemory } from '../../kernels/index.ts';
import type { SymbolSpace } from '../../storage/index.ts';
import { Control, SYMBOL_TEXT } from './layout.ts';
import { directoryGet, findSymbol } from './tables.ts';

/** Texts remembered by one thread; when there are more, all are forgotten and decoded again. */
const REMEMBERED_MAX = 200_000;

export class HeadSymbols implements SymbolSpace {
  readonly shared: SharedMemory;
  private texts = new Map<number, string>();
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(shared: SharedMemory) {
    this.shared = shared;
  }

  text(id: number): string {
    const known = this.texts.get(id);
    if (known !== undefined) return known;
    const text = this.decode(id);
    if (this.texts.size >= REMEMBERED_MAX) this.texts = new Map();
    this.texts.set(id, text);
    return text;
  }

  /** The highest id so far. */
  get idMax(): number {
    return Atomics.load(this.shared.u32, Control.symbolMax);
  }

  /** As `text`, without remembering it. */
  decode(id: number): string {
    const { u32, u8 } = this.shared;
    const address = directoryGet(this.shared, u32[Control.symbolDirectory]!, id);
    const start = address + SYMBOL_TEXT;
    return this.decoder.decode(u8.slice(start, start + u32[address >>> 2]!));
  }

  /** Order of two texts by their bytes. */
  compare(a: number, b: number): number {
    const { u32, u8 } = this.shared;
    const directory = u32[Control.symbolDirectory]!;
    const x = directoryGet(this.shared, directory, a);
    const y = directoryGet(this.shared, directory, b);
    const xLength = u32[x >>> 2]!;
    const yLength = u32[y >>> 2]!;
    const n = Math.min(xLength, yLength);
    for (let i = SYMBOL_TEXT; i < SYMBOL_TEXT + n; i++) {
      const order = u8[x + i]! - u8[y + i]!;
      if (order !== 0) return order;
    }
    return xLength - yLength;
  }

  /** UTF-8 length of a text, without decoding it. */
  byteLength(id: number): number {
    const { u32 } = this.shared;
    return u32[directoryGet(this.shared, u32[Control.symbolDirectory]!, id) >>> 2]!;
  }

  id(text: string): number {
    const bytes = this.encoder.encode(text);
    return findSymbol(this.shared, bytes, 0, bytes.length);
  }
}
