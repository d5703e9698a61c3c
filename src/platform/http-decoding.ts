// SPDX-License-Identifier: Apache-2.0
// Response bodies on their way to whoever wants them: undone compression, counted bytes.

import zlib from 'node:zlib';
import { type BodyInflater, type BodySink, type HeldBody, HttpError } from '../base/index.ts';

/** Compressed bodies up to this are held and undone in one go, which costs a sixth of streaming. */
const SYNC_COMPRESSED_BYTES_MAX = 128 * 1024;
/** Bodies that grow beyond this are undone off the calling thread instead. */
const SYNC_DECODED_BYTES_MAX = 4 * 1024 * 1024;
/** Measured best for bodies of 20 to 500 KB. */
const DECODE_CHUNK_BYTES = 64 * 1024;
/** What a byte of deflate can become at most. */
const DEFLATE_RATIO_MAX = 1032;

/** What a receiver may ask of the connection. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** Ends the exchange with this error. */
  fail(error: Error): void;
}

/** Takes the bytes of one body as they come from the connection. */
export interface BodyReceiver {
  /** `chunk` is valid during the call. */
  receive(chunk: Uint8Array): void;
  /** All has come: calls `done` once everything has reached the sink. */
  finish(done: () => void): void;
  abandon(): void;
}

const tooLarge = (): HttpError => new HttpError('body_too_large', 'body size limit exceeded');

/** Counts what goes to `sink`; past `limit` (0 = none) it fails instead. */
class LimitedSink {
  private written = 0;
  private readonly sink: BodySink;
  private readonly limit: number;

  constructor(sink: BodySink, limit: number) {
    this.sink = sink;
    this.limit = limit;
  }

  write(chunk: Uint8Array): void {
    this.written += chunk.length;
    if (this.limit > 0 && this.written > this.limit) throw tooLarge();
    this.sink.write(chunk);
  }
}

const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** zlib's complaint in the words that Go's readers use. */
function decodeError(error: unknown): HttpError {
  const cause = toError(error);
  if (error instanceof HttpError) return error;
  const text = cause.message;
  if (codeOf(error) === 'Z_BUF_ERROR') return new HttpError('decode', 'unexpected EOF', { cause });
  if (text === 'incorrect header check')
    return new HttpError('decode', 'gzip: invalid header', { cause });
  if (/check$/.test(text)) return new HttpError('decode', 'gzip: invalid checksum', { cause });
  return new HttpError('decode', `flate: corrupt input: ${text}`, { cause });
}

class PlainReceiver implements BodyReceiver {
  private readonly sink: LimitedSink;

  constructor(sink: LimitedSink) {
    this.sink = sink;
  }

  receive(chunk: Uint8Array): void {
    this.sink.write(chunk);
  }

  finish(done: () => void): void {
    done();
  }

  abandon(): void {}
}

const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;

/** The usual head of a gzip member: deflated, with no fields of its own. */
const isPlainGzip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8 && bytes[3] === 0;

const uint32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

/**
 * Small gzip bodies by an inflater. What it does not take goes the way of {@link DecodingReceiver}, which
 * also knows what to say about it.
 */
class InflatingReceiver implements BodyReceiver {
  private readonly held: HeldBody;
  private readonly sink: LimitedSink;
  private readonly limit: number;
  private readonly flow: Flow;
  private usual: DecodingReceiver | undefined;

  constructor(held: HeldBody, sink: LimitedSink, limit: number, flow: Flow) {
    this.held = held;
    this.sink = sink;
    this.limit = limit;
    this.flow = flow;
  }

  receive(chunk: Uint8Array): void {
    const { held } = this;
    const fits = held.length + chunk.length <= SYNC_COMPRESSED_BYTES_MAX;
    if (this.usual === undefined && fits && held.append(chunk)) return;
    this.goTheUsualWay().receive(chunk);
  }

  finish(done: () => void): void {
    if (this.usual === undefined && this.inflated()) {
      done();
      return;
    }
    this.goTheUsualWay().finish(done);
  }

  abandon(): void {
    this.held.release();
    this.usual?.abandon();
  }

  private goTheUsualWay(): DecodingReceiver {
    if (this.usual === undefined) {
      this.usual = new DecodingReceiver('gzip', this.sink, this.limit, this.flow);
      const { held } = this;
      if (held.length > 0) this.usual.receive(held.bytes);
      held.release();
    }
    return this.usual;
  }

  /** False when it is not one member that is right and within all limits; nothing has been written then. */
  private inflated(): boolean {
    const { held, limit } = this;
    const { bytes } = held;
    const trailer = bytes.length - GZIP_TRAILER_BYTES;
    if (trailer < GZIP_HEADER_BYTES || !isPlainGzip(bytes)) return false;
    const size = uint32(bytes, trailer + 4);
    if (size > SYNC_DECODED_BYTES_MAX || (limit > 0 && size > limit)) return false;
    const result = held.inflate(GZIP_HEADER_BYTES, size);
    if (result === undefined) return false;
    const { output, inputBytes } = result;
    const isWhole = GZIP_HEADER_BYTES + inputBytes === trailer && output.length === size;
    if (!isWhole || zlib.crc32(output) !== uint32(bytes, trailer)) return false;
    held.release();
    this.sink.write(output);
    return true;
  }
}

/**
 * Undoes compression. Small bodies are held until they are complete; a body that turns out to be large,
 * on either side of the compression, goes through a stream with back pressure, so that a bomb never
 * holds more than one chunk and never blocks the thread.
 */
class DecodingReceiver implements BodyReceiver {
  private held: Uint8Array[] = [];
  private heldBytes = 0;
  private stream: zlib.Gunzip | zlib.Inflate | undefined;
  private abandoned = false;
  private readonly encoding: 'gzip' | 'deflate';
  private readonly sink: LimitedSink;
  private readonly limit: number;
  private readonly flow: Flow;

  constructor(encoding: 'gzip' | 'deflate', sink: LimitedSink, limit: number, flow: Flow) {
    this.encoding = encoding;
    this.sink = sink;
    this.limit = limit;
    this.flow = flow;
  }

  receive(bytes: Uint8Array): void {
    // The connection reads into the same memory again.
    const chunk = Uint8Array.prototype.slice.call(bytes);
    if (this.stream) {
      this.feed(this.stream, chunk);
      return;
    }
    this.held.push(chunk);
    this.heldBytes += chunk.length;
    if (this.heldBytes > SYNC_COMPRESSED_BYTES_MAX) this.switchToStream();
  }

  finish(done: () => void): void {
    if (!this.stream) {
      if (this.decodeHeld()) {
        done();
        return;
      }
      this.switchToStream();
    }
    this.stream?.once('end', () => {
      if (!this.abandoned) done();
    });
    this.stream?.end();
  }

  abandon(): void {
    this.abandoned = true;
    this.held = [];
    this.stream?.destroy();
  }

  /** False when the body is too large for this; nothing has been written then. */
  private decodeHeld(): boolean {
    const compressed = this.held.length === 1 ? this.held[0]! : Buffer.concat(this.held);
    if (compressed.length === 0) throw new HttpError('decode', 'EOF');
    const maxOutputLength = Math.min(this.limit || Infinity, SYNC_DECODED_BYTES_MAX);
    const chunkSize = this.encoding === 'gzip' ? announcedBytes(compressed) : DECODE_CHUNK_BYTES;
    const options = { chunkSize, maxOutputLength };
    let decoded: Uint8Array;
    try {
      if (this.encoding === 'gzip') decoded = zlib.gunzipSync(compressed, options);
      else if (isZlibHeader(compressed)) decoded = zlib.inflateSync(compressed, options);
      else decoded = zlib.inflateRawSync(compressed, options);
    } catch (error) {
      if (codeOf(error) !== 'ERR_BUFFER_TOO_LARGE') throw decodeError(error);
      if (maxOutputLength < SYNC_DECODED_BYTES_MAX) throw tooLarge();
      return false;
    }
    this.sink.write(decoded);
    return true;
  }

  private switchToStream(): void {
    const options = { chunkSize: DECODE_CHUNK_BYTES };
    const first = this.held[0];
    const stream =
      this.encoding === 'gzip'
        ? zlib.createGunzip(options)
        : first && isZlibHeader(first)
          ? zlib.createInflate(options)
          : zlib.createInflateRaw(options);
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => {
      if (this.abandoned) return;
      try {
        this.sink.write(chunk);
      } catch (error) {
        this.failWith(toError(error));
      }
    });
    stream.on('error', (error) => this.failWith(decodeError(error)));
    stream.on('drain', () => this.flow.resume());
    const held = this.held;
    this.held = [];
    for (const chunk of held) this.feed(stream, chunk);
  }

  private feed(stream: zlib.Gunzip | zlib.Inflate, chunk: Uint8Array): void {
    if (!this.abandoned && !stream.write(chunk)) this.flow.pause();
  }

  private failWith(error: Error): void {
    if (this.abandoned) return;
    this.abandon();
    this.flow.fail(error);
  }
}

/**
 * Room for the body that a gzip trailer announces, so that it comes in one piece; the usual room where the
 * announcement cannot be true or is large.
 */
function announcedBytes(compressed: Uint8Array): number {
  const end = compressed.length;
  const [a = 0, b = 0, c = 0, d = 0] = compressed.subarray(Math.max(0, end - 4));
  const announced = a + 256 * (b + 256 * (c + 256 * d));
  const isUsable = announced <= DEFLATE_RATIO_MAX * end && announced < SYNC_DECODED_BYTES_MAX;
  // More than announced, or zlib would look for the end in another piece.
  return isUsable ? announced + 64 : DECODE_CHUNK_BYTES;
}

/** "deflate" means zlib's container, but some servers send the bare stream. */
function isZlibHeader(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0x0f) === 8 && (first * 256 + (bytes[1] ?? 0)) % 31 === 0;
}

/**
 * A receiver for a body with this Content-Encoding. Encodings other than gzip and deflate are passed on
 * as they are. Its methods throw HttpError, or whatever the sink throws.
 *
 * @param limitBytes largest body after decompression; 0 = no limit
 * @param inflater for the usual small bodies; undefined: zlib does all
 */
export function bodyReceiver(
  contentEncoding: string,
  sink: BodySink,
  limitBytes: number,
  flow: Flow,
  inflater: BodyInflater | undefined,
): BodyReceiver {
  const limited = new LimitedSink(sink, limitBytes);
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === 'gzip' || encoding === 'x-gzip') {
    return inflater === undefined
      ? new DecodingReceiver('gzip', limited, limitBytes, flow)
      : new InflatingReceiver(inflater.hold(), limited, limitBytes, flow);
  }
  if (encoding === 'deflate') return new DecodingReceiver('deflate', limited, limitBytes, flow);
  return new PlainReceiver(limited);
}
