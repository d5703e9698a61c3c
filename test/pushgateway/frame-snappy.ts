// SPDX-License-Identifier: Apache-2.0

import type { BlockCompression } from '../../src/encoding/index.ts';
import { crc32c } from '../../src/encoding/index.ts';

/** A text as a framed snappy stream: identifier, a chunk to be skipped, one compressed, one plain. */
export function frameSnappy(text: string, blocks: BlockCompression): Uint8Array {
  const plain = new TextEncoder().encode(text);
  const half = plain.length >> 1;
  const chunk = (type: number, data: Uint8Array): number[] => [
    type,
    data.length & 255,
    (data.length >> 8) & 255,
    data.length >> 16,
    ...data,
  ];
  const summed = (bytes: Uint8Array, stored: Uint8Array): Uint8Array => {
    const sum = crc32c(bytes, 0, bytes.length);
    const masked = (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
    const data = new Uint8Array(4 + stored.length);
    new DataView(data.buffer).setUint32(0, masked, true);
    data.set(stored, 4);
    return data;
  };
  const first = plain.slice(0, half);
  const second = plain.slice(half);
  return Uint8Array.from([
    ...chunk(0xff, new TextEncoder().encode('sNaPpY')),
    ...chunk(0xfe, new Uint8Array(3)),
    ...chunk(0, summed(first, blocks.compress(first))),
    ...chunk(1, summed(second, second)),
  ]);
}
