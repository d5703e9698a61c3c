// SPDX-License-Identifier: Apache-2.0
// hot
// CRC-32C: what kernels/assembly/crc32c.ts computes on the shared memory, for bytes that are elsewhere.
// Prometheus stores the plain checksum in the WAL.

/** The 256 words of the byte-wise table. */
function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    table[n] = c >>> 0;
  }
  return table;
}

const table = makeTable();

/** CRC-32C of bytes[start, end). */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let c = 0xffffffff;
  for (let i = start; i < end; i++) c = table[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
