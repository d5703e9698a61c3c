// SPDX-License-Identifier: Apache-2.0
// Compressed bodies of requests, undone within a limit: a bomb costs its limit and no more.

import zlib from 'node:zlib';
import type { DecodedBody, RequestDecoder } from '../base/index.ts';
import { decodeSnappyFrames } from '../encoding/index.ts';
import { createSnappy } from './compression.ts';

/** Compressed bodies up to this are tried at one go on the calling thread. */
const SYNC_COMPRESSED_BYTES_MAX = 64 * 1024;
/** What they may become; more is streamed. */
const SYNC_DECODED_BYTES_MAX = 1024 * 1024;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/** zlib's complaint in the words of Go's gzip reader. */
function gzipFault(error: unknown, body: Uint8Array): string {
  if (body.length === 0) return 'EOF';
  if (body.length < 10) return 'unexpected EOF';
  if (codeOf(error) === 'Z_BUF_ERROR') return 'unexpected EOF';
  const text = error instanceof Error ? error.message : String(error);
  if (text === 'incorrect header check' || text === 'unknown compression method')
    return 'gzip: invalid header';
  if (/check$/.test(text)) return 'gzip: invalid checksum';
  return `flate: corrupt input: ${text}`;
}

function gunzipStream(body: Uint8Array, limitBytes: number): Promise<DecodedBody> {
  return new Promise((resolve) => {
    const stream = zlib.createGunzip({ chunkSize: 256 * 1024 });
    const parts: Buffer[] = [];
    let length = 0;
    const settle = (fault: string | undefined, tooLarge: boolean): void => {
      stream.destroy();
      resolve({ bytes: Buffer.concat(parts), fault, tooLarge });
    };
    stream.on('data', (chunk: Buffer) => {
      const room = limitBytes - length;
      parts.push(room < chunk.length ? chunk.subarray(0, room) : chunk);
      length += chunk.length;
      if (length > limitBytes) settle(undefined, true);
    });
    stream.on('end', () => settle(undefined, false));
    stream.on('error', (error) => settle(gzipFault(error, body), false));
    stream.end(body);
  });
}

function gunzip(body: Uint8Array, limitBytes: number): Promise<DecodedBody> {
  if (body.length === 0)
    return Promise.resolve({ bytes: new Uint8Array(), fault: 'EOF', tooLarge: false });
  if (body.length > SYNC_COMPRESSED_BYTES_MAX) return gunzipStream(body, limitBytes);
  try {
    const maxOutputLength = Math.min(limitBytes, SYNC_DECODED_BYTES_MAX);
    const bytes = zlib.gunzipSync(body, { maxOutputLength });
    return Promise.resolve({ bytes, fault: undefined, tooLarge: false });
  } catch {
    // Too large for this way, or damaged: the stream finds out how far it is good.
    return gunzipStream(body, limitBytes);
  }
}

/** A decoder whose results have at most `limitBytes`. */
export function createRequestDecoder(limitBytes: number): RequestDecoder {
  let snappy: ReturnType<typeof createSnappy> | undefined;
  return (encoding, body) => {
    if (encoding === 'gzip') return gunzip(body, limitBytes);
    snappy ??= createSnappy();
    return Promise.resolve(decodeSnappyFrames(body, limitBytes, snappy));
  };
}
