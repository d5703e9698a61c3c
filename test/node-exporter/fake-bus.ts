// SPDX-License-Identifier: Apache-2.0
// The other end of a D-Bus connection: authenticates, and answers method calls as a test says. Written
// apart from the client: bytes are put together here by hand.

import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { testDirectory } from './fixture-root.ts';

/** A body: signature and values already as bytes. */
export interface BusAnswer {
  readonly signature: string;
  readonly body: Buffer;
}

const pad = (bytes: Buffer, size: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((size - (bytes.length % size)) % size)]);

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const busText = (text: string): Buffer =>
  Buffer.concat([word(Buffer.byteLength(text)), Buffer.from(`${text}\0`)]);

const signatureBytes = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(`${text}\0`)]);

/** A variant at the start of a body. */
export function busVariant(type: 's' | 'u' | 't' | 'b', value: string | number): BusAnswer {
  const head = signatureBytes(type);
  let bytes: Buffer;
  if (type === 's') bytes = Buffer.concat([pad(head, 4), busText(String(value))]);
  else if (type === 't') {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64LE(BigInt(value));
    bytes = Buffer.concat([pad(head, 8), wide]);
  } else bytes = Buffer.concat([pad(head, 4), word(Number(value))]);
  return { signature: 'v', body: bytes };
}

/** An array of structures whose fields are text, but for unsigned numbers. */
export function busRows(
  signature: string,
  rows: readonly (readonly (string | number)[])[],
): BusAnswer {
  let content: Buffer = Buffer.alloc(0);
  for (const row of rows) {
    content = pad(content, 8);
    for (const field of row) {
      content = pad(content, 4);
      content = Buffer.concat([content, typeof field === 'number' ? word(field) : busText(field)]);
    }
  }
  // The elements start at a multiple of eight, after the length.
  return { signature, body: Buffer.concat([pad(word(content.length), 8), content]) };
}

function message(type: number, replySerial: number, answer: BusAnswer, errorName = ''): Buffer {
  let fields: Buffer = Buffer.alloc(0);
  const field = (code: number, kind: string, value: Buffer): void => {
    fields = Buffer.concat([pad(fields, 8), Buffer.from([code]), signatureBytes(kind), value]);
  };
  field(5, 'u', word(replySerial));
  if (errorName !== '') field(4, 's', busText(errorName));
  if (answer.signature !== '') field(8, 'g', signatureBytes(answer.signature));
  const head = Buffer.concat([
    Buffer.from(['l'.charCodeAt(0), type, 0, 1]),
    word(answer.body.length),
    word(1000 + replySerial),
    word(fields.length),
    fields,
  ]);
  return Buffer.concat([pad(head, 8), answer.body]);
}

export interface BusCall {
  readonly path: string;
  readonly member: string;
  readonly parameters: readonly string[];
}

/** The parts of a call that tests look at, by walking its header. */
function readCall(bytes: Buffer): { call: BusCall; serial: number; length: number } | undefined {
  if (bytes.length < 16) return undefined;
  const bodyLength = bytes.readUInt32LE(4);
  const fieldsEnd = 16 + bytes.readUInt32LE(12);
  const bodyStart = Math.ceil(fieldsEnd / 8) * 8;
  if (bytes.length < bodyStart + bodyLength) return undefined;
  const texts = new Map<number, string>();
  for (let at = 16; at < fieldsEnd; ) {
    at = Math.ceil(at / 8) * 8;
    const [code, kind] = [bytes[at]!, String.fromCharCode(bytes[at + 2]!)];
    at += 4;
    const length = kind === 'g' ? bytes[at]! : bytes.readUInt32LE(at);
    at += kind === 'g' ? 1 : 4;
    texts.set(code, bytes.toString('utf8', at, at + length));
    at += length + 1;
  }
  const parameters: string[] = [];
  for (let at = bodyStart; at < bodyStart + bodyLength; ) {
    at = Math.ceil(at / 4) * 4;
    const length = bytes.readUInt32LE(at);
    parameters.push(bytes.toString('utf8', at + 4, at + 4 + length));
    at += 5 + length;
  }
  return {
    call: { path: texts.get(1) ?? '', member: texts.get(3) ?? '', parameters },
    serial: bytes.readUInt32LE(8),
    length: bodyStart + bodyLength,
  };
}

function serve(socket: Socket, answer: (call: BusCall) => BusAnswer | undefined): void {
  let received = Buffer.alloc(0);
  let authenticated = false;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (!authenticated) {
      const line = received.indexOf('\r\n');
      if (line < 0) return;
      const uid = Buffer.from(String(process.getuid?.())).toString('hex');
      const isRight = received.toString('latin1', 0, line) === `\0AUTH EXTERNAL ${uid}`;
      // In two parts: the client has to wait for the end of the line.
      socket.write(isRight ? 'OK 0123' : 'REJECTED EX');
      setImmediate(() => socket.write(isRight ? '4567\r\n' : 'TERNAL\r\n'));
      authenticated = isRight;
      received = received.subarray(line + 2);
    }
    if (received.indexOf('BEGIN\r\n') === 0) received = received.subarray(7);
    for (let found = readCall(received); found !== undefined; found = readCall(received)) {
      const { call, serial, length } = found;
      received = received.subarray(length);
      const body = answer(call);
      const none = { signature: '', body: Buffer.alloc(0) };
      if (call.member === 'Hello') socket.write(message(2, serial, none));
      else if (body === undefined) socket.write(message(3, serial, none, 'org.test.Unknown'));
      else {
        const bytes = message(2, serial, body);
        // Torn apart, as sockets do.
        socket.write(bytes.subarray(0, 11));
        socket.write(bytes.subarray(11));
      }
    }
  });
}

/** A bus on a socket of its own. */
export async function startBus(
  answer: (call: BusCall) => BusAnswer | undefined,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  const path = join(testDirectory(), 'socket');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket, answer);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
