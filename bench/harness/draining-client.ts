// SPDX-License-Identifier: Apache-2.0
// An HTTP client that reads answers into one buffer and forgets them: Node's own takes longer over
// twenty megabytes than the servers do, and all of them would be measured by it.

import { connect, type Socket } from 'node:net';

const READ_BYTES = 1 << 20;
const HEAD_BYTES_MAX = 16 << 10;
const LAST_CHUNK = '\r\n0\r\n\r\n';

/** What is known of the answer that is being read. */
interface Reading {
  head: string;
  /** Bytes of the body still to come; -1 while the head is read or where chunks say the end. */
  left: number;
  /** The last bytes that came, as long as the mark of the last chunk. */
  tail: string;
  resolve(): void;
  reject(error: Error): void;
}

/** One kept connection. Requests must not overlap. */
export class DrainingClient {
  readonly #origin: URL;
  #socket: Socket | undefined;
  #reading: Reading | undefined;

  /** `origin` is like `http://127.0.0.1:9090`. */
  constructor(origin: string) {
    this.#origin = new URL(origin);
  }

  /** Resolves when the last byte of the answer has come; rejects when it is not a 200. */
  get(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reading = { head: '', left: -1, tail: '', resolve, reject };
      this.#socket ??= this.#connect();
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#origin.host}\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): Socket {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const callback = (count: number): boolean => {
      this.#take(buffer.subarray(0, count));
      return true;
    };
    const { hostname: host, port } = this.#origin;
    const socket = connect({ host, port: Number(port), onread: { buffer, callback } });
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => {
      this.#socket = undefined;
      this.#end(new Error(`${this.#origin.host} closed the connection`));
    });
    return socket;
  }

  #take(bytes: Buffer): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    let body = bytes;
    if (!reading.head.endsWith('\r\n\r\n')) {
      const before = reading.head.length;
      const text = reading.head + bytes.toString('latin1', 0, HEAD_BYTES_MAX);
      const end = text.indexOf('\r\n\r\n');
      reading.head = end < 0 ? text : text.slice(0, end + 4);
      if (end < 0) return;
      body = bytes.subarray(reading.head.length - before);
      if (!reading.head.startsWith('HTTP/1.1 200 ')) {
        this.#end(new Error(`${this.#origin.host} answered ${reading.head.split('\r\n', 1)[0]}`));
        return;
      }
      reading.left = Number(/^content-length: *(\d+)/im.exec(reading.head)?.[1] ?? -1);
    }
    if (reading.left >= 0) {
      reading.left -= body.length;
      if (reading.left <= 0) this.#end();
      return;
    }
    const last = body.toString('latin1', Math.max(0, body.length - LAST_CHUNK.length));
    reading.tail = (reading.tail + last).slice(-LAST_CHUNK.length);
    if (reading.tail === LAST_CHUNK) this.#end();
  }

  #end(error?: Error): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (error === undefined) reading?.resolve();
    else reading?.reject(error);
  }
}
