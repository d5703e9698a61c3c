// SPDX-License-Identifier: Apache-2.0

/** The plain bytes of a compressed body, as far as they could be had. */
export interface DecodedBody {
  readonly bytes: Uint8Array;
  /** Why there are no more, in the words of Go's readers; undefined: that is all. */
  readonly fault: string | undefined;
  /** There is more than the limit allows. */
  readonly tooLarge: boolean;
}

/** Undoes the compression of a request's body within a limit. Large bodies are done off the thread. */
export type RequestDecoder = (
  encoding: 'gzip' | 'snappy',
  body: Uint8Array,
) => Promise<DecodedBody>;
