// SPDX-License-Identifier: Apache-2.0
// SHA-256 of a group key: how incidents of a group find each other at the receivers.

const K = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

function padded(bytes: Uint8Array): DataView {
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const all = new Uint8Array(blocks * 64);
  all.set(bytes);
  all[bytes.length] = 0x80;
  const view = new DataView(all.buffer);
  view.setUint32(all.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(all.length - 4, (bytes.length * 8) >>> 0);
  return view;
}

function compress(state: Uint32Array, words: Uint32Array): void {
  for (let i = 16; i < 64; i++) {
    const a = words[i - 15]!;
    const b = words[i - 2]!;
    const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
    const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
    words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
  }
  const v = Uint32Array.from(state);
  for (let i = 0; i < 64; i++) {
    const e = v[4]!;
    const a = v[0]!;
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & v[5]!) ^ (~e & v[6]!);
    const t1 = (v[7]! + s1 + choice + K[i]! + words[i]!) >>> 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & v[1]!) ^ (a & v[2]!) ^ (v[1]! & v[2]!);
    v.copyWithin(1, 0, 7);
    v[4] = v[4]! + t1;
    v[0] = t1 + s0 + majority;
  }
  for (let i = 0; i < 8; i++) state[i] = state[i]! + v[i]!;
}

/** SHA-256 of a text, 64 hexadecimal digits. */
export const sha256 = (text: string): string =>
  Array.from(digest(new TextEncoder().encode(text)), (word) =>
    word.toString(16).padStart(8, '0'),
  ).join('');

/** SHA-256 of bytes, 32 bytes. */
export function sha256Bytes(bytes: Uint8Array): Uint8Array {
  const result = new DataView(new ArrayBuffer(32));
  digest(bytes).forEach((word, i) => {
    result.setUint32(4 * i, word);
  });
  return new Uint8Array(result.buffer);
}

/** The eight words of the hash. */
function digest(bytes: Uint8Array): Uint32Array {
  const view = padded(bytes);
  const state = Uint32Array.of(
    0x6a09e667,
    0xbb67ae85,
    0x3c6ef372,
    0xa54ff53a,
    0x510e527f,
    0x9b05688c,
    0x1f83d9ab,
    0x5be0cd19,
  );
  const words = new Uint32Array(64);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
    compress(state, words);
  }
  return state;
}
