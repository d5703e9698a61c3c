// SPDX-License-Identifier: Apache-2.0
// hot
// CRC-32C: what kernels/assembly/crc32c.ts computes on the shared memory, for bytes that are elsewhere.
// Prometheus stores the plain checksum in the WAL and in blocks. Eight bytes a turn ("slicing by 8").

/** Eight tables of 256 words: table k continues by k + 1 bytes. */
function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    tables[n] = c >>> 0;
  }
  for (let slice = 1; slice < 8; slice++) {
    for (let n = 0; n < 256; n++) {
      const previous = tables[(slice - 1) * 256 + n]!;
      tables[slice * 256 + n] = (previous >>> 8) ^ tables[previous & 0xff]!;
    }
  }
  return tables;
}

const tables = makeTables();

/** CRC-32C of bytes[start, end), going on from the checksum `before` of what came earlier. */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let c = ~before;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      tables[1792 + (c & 0xff)]! ^
      tables[1536 + ((c >>> 8) & 0xff)]! ^
      tables[1280 + ((c >>> 16) & 0xff)]! ^
      tables[1024 + (c >>> 24)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < end; i++) c = tables[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
