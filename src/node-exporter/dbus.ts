// SPDX-License-Identifier: Apache-2.0
// A D-Bus client: method calls and their answers over a Unix socket, many under way at a time.

import type { ByteStream, Network } from '../base/index.ts';
import { NetworkError } from '../base/index.ts';
import type { DbusValue } from './dbus-codec.ts';
import { decodeMessage, encodeCall, MessageType, messageLength } from './dbus-codec.ts';

/** The other end answered with an error; `name` of the error is the first word of the message. */
export class DbusError extends Error {
  override name = 'DbusError';
}

interface Waiting {
  resolve(body: readonly DbusValue[]): void;
  reject(error: Error): void;
}

const LINE_BYTES_MAX = 4096;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Proves who we are, as the kernel tells the other end anyway. */
async function authenticate(stream: ByteStream, userId: number): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const hex = [...String(userId)].map((c) => c.charCodeAt(0).toString(16)).join('');
  stream.write(encoder.encode(`\0AUTH EXTERNAL ${hex}\r\n`));
  let received: Uint8Array = new Uint8Array();
  for (;;) {
    const end = received.indexOf(10);
    if (end >= 0) {
      const line = new TextDecoder().decode(received.subarray(0, end)).trim();
      if (!line.startsWith('OK ')) throw new NetworkError(`D-Bus authentication refused: ${line}`);
      stream.write(encoder.encode('BEGIN\r\n'));
      return received.slice(end + 1);
    }
    const more = await stream.read();
    if (more === undefined || received.length > LINE_BYTES_MAX)
      throw new NetworkError('D-Bus connection closed during authentication');
    received = joined(received, more);
  }
}

/** One connection, used for one scrape and closed by the caller. */
export class DbusConnection {
  private readonly stream: ByteStream;
  private readonly waiting = new Map<number, Waiting>();
  private received: Uint8Array;
  private serial = 0;
  private ended: Error | undefined;

  private constructor(stream: ByteStream, received: Uint8Array) {
    this.stream = stream;
    this.received = received;
    void this.pump();
  }

  /**
   * Connects, authenticates, and says hello where there is a bus at the other end.
   * @throws NetworkError, DbusError
   */
  static async open(
    network: Network,
    path: string,
    userId: number,
    hasBus: boolean,
  ): Promise<DbusConnection> {
    const stream = await network.connectUnix(path);
    try {
      const connection = new DbusConnection(stream, await authenticate(stream, userId));
      const bus = 'org.freedesktop.DBus';
      if (hasBus) await connection.call(bus, '/org/freedesktop/DBus', bus, 'Hello');
      return connection;
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  /** The values of the answer. @throws DbusError, NetworkError */
  call(
    destination: string,
    path: string,
    interfaceName: string,
    member: string,
    ...parameters: readonly string[]
  ): Promise<readonly DbusValue[]> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    const serial = ++this.serial;
    return new Promise((resolve, reject) => {
      this.waiting.set(serial, { resolve, reject });
      const call = { serial, destination, path, interface: interfaceName, member, parameters };
      this.stream.write(encodeCall(call));
    });
  }

  /** One property of an object. @throws DbusError, NetworkError */
  async property(
    destination: string,
    path: string,
    interfaceName: string,
    name: string,
  ): Promise<DbusValue> {
    const properties = 'org.freedesktop.DBus.Properties';
    const body = await this.call(destination, path, properties, 'Get', interfaceName, name);
    return body[0] ?? '';
  }

  close(): void {
    this.stream.close();
    this.fail(new NetworkError('D-Bus connection closed'));
  }

  private fail(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  /** Reads until the connection ends, and hands each answer to who waits for it. */
  private async pump(): Promise<void> {
    try {
      for (;;) {
        this.deliver();
        const more = await this.stream.read();
        if (more === undefined) throw new NetworkError('D-Bus connection closed');
        this.received = joined(this.received, more);
      }
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private deliver(): void {
    let start = 0;
    for (;;) {
      const rest = this.received.subarray(start);
      const length = messageLength(rest);
      if (length === undefined || rest.length < length) break;
      const message = decodeMessage(rest.slice(0, length));
      start += length;
      const waiting = this.waiting.get(message.replySerial);
      if (waiting === undefined) continue;
      this.waiting.delete(message.replySerial);
      if (message.type === MessageType.error)
        waiting.reject(new DbusError(`${message.errorName}: ${String(message.body[0] ?? '')}`));
      else waiting.resolve(message.body);
    }
    if (start > 0) this.received = this.received.slice(start);
  }
}
