// SPDX-License-Identifier: Apache-2.0
// Sockets of other programs on this machine, as core code sees them.

/** A connected stream. The caller closes it. */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  /** The next bytes; undefined when the other end has closed. Rejects with NetworkError. */
  read(): Promise<Uint8Array | undefined>;
  close(): void;
}

/** A connection that could not be made, or was lost; the message names the place. */
export class NetworkError extends Error {
  override name = 'NetworkError';
}

export interface DatagramRequest {
  readonly host: string;
  readonly port: number;
  readonly bytes: Uint8Array;
  /** Hops that the request may take; 0 = the system's default. */
  readonly timeToLive: number;
  readonly timeoutMs: number;
}

export interface PostRequest {
  /** `http://…`, or `unix:///path/of/socket`. */
  readonly url: string;
  /** On the socket of a `unix:` URL. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
  readonly timeoutMs: number;
}

/** All reject with NetworkError. */
export interface Network {
  connectUnix(path: string): Promise<ByteStream>;
  /** Sends one datagram and waits for one answer from the same place. */
  exchangeDatagram(request: DatagramRequest): Promise<Uint8Array>;
  /** The body of a 200 answer. */
  post(request: PostRequest): Promise<string>;
}
