// SPDX-License-Identifier: Apache-2.0
// Snappy's framing format: chunks of up to 64 KiB, each with a masked CRC-32C of its plain bytes.
//
//   chunk = type (1), length (3, little endian), data
//   0xff stream identifier "sNaPpY" · 0x00 compressed (crc, block) · 0x01 plain (crc, bytes)
//   0x80…0xfe skippable · anything else is an error
// Source: framing_format.txt of the snappy project.

import type { BlockCompression } from './compression.ts';
import { crc32c } from './crc32c.ts';

const IDENTIFIER = 'sNaPpY';
const CHUNK_PLAIN_BYTES_MAX = 65536;

/** What was decoded, and why no more, in the words of Go's reader. */
export interface SnappyFrames {
  readonly bytes: Uint8Array;
  readonly fault: string | undefined;
  readonly tooLarge: boolean;
}

const CORRUPT = 'snappy: corrupt input';

const unmasked = (sum: number): number => {
  const rotated = (sum - 0xa282ead8) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
};

/** The length that a block says it has; undefined where it is damaged. */
function plainLength(block: Uint8Array): number | undefined {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i]! & 127) * 2 ** (7 * i);
    if (block[i]! < 128) return length;
  }
  return undefined;
}

function plainChunk(
  type: number,
  data: Uint8Array,
  blocks: BlockCompression,
): Uint8Array | undefined {
  if (data.length < 4) return undefined;
  const sum = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  let plain = data.subarray(4);
  if (type === 0) {
    // Looked at before anything is allocated for it.
    const length = plainLength(plain);
    if (length === undefined || length > CHUNK_PLAIN_BYTES_MAX) return undefined;
    try {
      plain = blocks.decompress(plain);
    } catch {
      return undefined;
    }
  }
  if (plain.length > CHUNK_PLAIN_BYTES_MAX) return undefined;
  return crc32c(plain, 0, plain.length) === unmasked(sum) ? plain : undefined;
}

/** Decodes a framed stream up to `limitBytes` of plain bytes. */
export function decodeSnappyFrames(
  framed: Uint8Array,
  limitBytes: number,
  blocks: BlockCompression,
): SnappyFrames {
  const parts: Uint8Array[] = [];
  let length = 0;
  let fault: string | undefined;
  let tooLarge = false;
  let identified = false;
  for (let at = 0; at < framed.length; ) {
    if (at + 4 > framed.length) {
      fault = CORRUPT;
      break;
    }
    const type = framed[at]!;
    const size = framed[at + 1]! | (framed[at + 2]! << 8) | (framed[at + 3]! << 16);
    const data = framed.subarray(at + 4, at + 4 + size);
    at += 4 + size;
    const text = type === 0xff ? String.fromCharCode(...data.subarray(0, 8)) : '';
    if (type === 0xff) identified = text === IDENTIFIER;
    if (!identified || data.length < size) {
      fault = CORRUPT;
      break;
    }
    if (type >= 0x80) continue;
    if (type > 1) {
      fault = 'snappy: unsupported input';
      break;
    }
    const plain = plainChunk(type, data, blocks);
    if (plain === undefined) {
      fault = CORRUPT;
      break;
    }
    if (length + plain.length > limitBytes) {
      tooLarge = true;
      break;
    }
    parts.push(plain);
    length += plain.length;
  }
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return { bytes, fault, tooLarge };
}
