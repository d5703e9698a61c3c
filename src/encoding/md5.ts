// SPDX-License-Identifier: Apache-2.0
// MD5 (RFC 1321), for the one place that needs it for compatibility and not for secrecy: `hashmod`.

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;

/** floor(2^32 × |sin(i + 1)|), as the RFC defines the additive constants. */
const ADDENDS = Int32Array.from({ length: 64 }, (_, i) =>
  Math.floor(Math.abs(Math.sin(i + 1)) * 4294967296),
);

/** Which of the block's 16 words step `i` takes. */
function wordOf(i: number): number {
  if (i < 16) return i;
  if (i < 32) return (5 * i + 1) & 15;
  if (i < 48) return (3 * i + 5) & 15;
  return (7 * i) & 15;
}

const WORDS = Uint8Array.from({ length: 64 }, (_, i) => wordOf(i));

function mix(i: number, b: number, c: number, d: number): number {
  if (i < 16) return (b & c) | (~b & d);
  if (i < 32) return (d & b) | (~d & c);
  if (i < 48) return b ^ c ^ d;
  return c ^ (b | ~d);
}

function compress(state: Int32Array, view: DataView, offset: number): void {
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  for (let i = 0; i < 64; i++) {
    const word = view.getInt32(offset + 4 * WORDS[i]!, true);
    const sum = (((a + mix(i, b, c, d)) | 0) + ((ADDENDS[i]! + word) | 0)) | 0;
    const shift = SHIFTS[((i >> 4) << 2) | (i & 3)]!;
    const rotated = (sum << shift) | (sum >>> (32 - shift));
    a = d;
    d = c;
    c = b;
    b = (b + rotated) | 0;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
}

/** The 16 bytes of the MD5 digest of `bytes`. Cost: O(n); copies the message once. */
export function md5(bytes: Uint8Array): Uint8Array {
  const paddedLength = (((bytes.length + 8) >>> 6) + 1) << 6;
  const padded = new Uint8Array(paddedLength);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(paddedLength - 8, (bytes.length << 3) >>> 0, true);
  view.setUint32(paddedLength - 4, Math.floor(bytes.length / 0x20000000), true);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let offset = 0; offset < paddedLength; offset += 64) compress(state, view, offset);
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 4; i++) out.setInt32(4 * i, state[i]!, true);
  return digest;
}
