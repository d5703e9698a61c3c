// SPDX-License-Identifier: Apache-2.0
// Archives of plain files: ustar, as every tar reads it.

const BLOCK_BYTES = 512;

/** A number as octal digits of a header field, with the NUL that ends it. */
const octal = (value: number, width: number): string =>
  `${value.toString(8).padStart(width - 1, '0')}\0`;

/** The header of one file. Names have at most 100 ASCII characters. */
function header(name: string, sizeBytes: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const encoder = new TextEncoder();
  const put = (at: number, text: string): void => block.set(encoder.encode(text), at);
  put(0, name);
  put(100, octal(0o666, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, octal(sizeBytes, 12));
  put(136, octal(0, 12));
  // The sum is computed as if its own field held blanks.
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\x0000');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** An archive of files in their order. */
export function tarArchive(
  files: readonly { readonly name: string; readonly body: Uint8Array }[],
): Uint8Array {
  const padded = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  const size = files.reduce((sum, { body }) => sum + BLOCK_BYTES + padded(body.length), 0);
  const archive = new Uint8Array(size + 2 * BLOCK_BYTES);
  let at = 0;
  for (const { name, body } of files) {
    archive.set(header(name, body.length), at);
    archive.set(body, at + BLOCK_BYTES);
    at += BLOCK_BYTES + padded(body.length);
  }
  return archive;
}
