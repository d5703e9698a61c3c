// SPDX-License-Identifier: Apache-2.0
// hot
// Many short texts as one run of bytes. A loop over ASCII is several times faster here than joining the
// texts and encoding the whole, which has to flatten a rope first.

const encoder = new TextEncoder();

/** Writes `text` at `at` while it is ASCII. @returns the end, or -1 at the first other character */
function writeAscii(bytes: Uint8Array, at: number, text: string): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return -1;
    bytes[at + i] = code;
  }
  return at + length;
}

/** The texts one after the other in UTF-8; a view of a buffer that may be longer. Cost: O(characters). */
export function encodePieces(pieces: readonly string[]): Uint8Array {
  let left = 0;
  for (let i = 0; i < pieces.length; i++) left += pieces[i]!.length;
  let bytes = new Uint8Array(left);
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    left -= piece.length;
    const end = writeAscii(bytes, at, piece);
    if (end >= 0) {
      at = end;
      continue;
    }
    const encoded = encoder.encode(piece);
    if (at + encoded.length + left > bytes.length) {
      // Room for the rest to be like this piece, so that growing is rare.
      const grown = new Uint8Array(at + encoded.length + left * 2);
      grown.set(bytes.subarray(0, at));
      bytes = grown;
    }
    bytes.set(encoded, at);
    at += encoded.length;
  }
  return bytes.subarray(0, at);
}
