// SPDX-License-Identifier: Apache-2.0

import dgram from 'node:dgram';
import http from 'node:http';
import net from 'node:net';
import type { ByteStream, DatagramRequest, Network, PostRequest } from '../base/index.ts';
import { NetworkError } from '../base/index.ts';

/** Longest answer to a POST that is read. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

const why = (what: string, error: unknown): NetworkError =>
  new NetworkError(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });

function connectUnix(path: string): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path });
    socket.once('error', (error) => reject(why(`cannot connect to ${path}`, error)));
    socket.once('connect', () => {
      const chunks = socket.iterator()[Symbol.asyncIterator]();
      // A failure between reads is told by the next read.
      socket.on('error', () => undefined);
      resolve({
        write: (bytes) => void socket.write(bytes),
        read: async () => {
          try {
            const next = await chunks.next();
            return next.done === true ? undefined : (next.value as Uint8Array);
          } catch (error) {
            throw why(`lost ${path}`, error);
          }
        },
        close: () => void socket.destroy(),
      });
    });
  });
}

function exchangeDatagram(request: DatagramRequest): Promise<Uint8Array> {
  const { host, port, bytes, timeToLive, timeoutMs } = request;
  const what = `no answer from ${host}:${port} over UDP`;
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    const timer = setTimeout(() => settle(new NetworkError(`${what}: i/o timeout`)), timeoutMs);
    const settle = (outcome: Uint8Array | NetworkError): void => {
      clearTimeout(timer);
      socket.close();
      if (outcome instanceof NetworkError) reject(outcome);
      else resolve(outcome);
    };
    socket.once('error', (error) => settle(why(what, error)));
    socket.once('message', (message) => settle(message));
    socket.connect(port, host, () => {
      if (timeToLive > 0) socket.setTTL(timeToLive);
      socket.send(bytes);
    });
  });
}

function post(request: PostRequest): Promise<string> {
  const { url, path, contentType, body, timeoutMs } = request;
  const isUnix = url.startsWith('unix:');
  const target = new URL(isUnix ? `http://unix${path}` : url);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(why(`cannot post to ${url}`, error));
    const outgoing = http.request(
      target,
      {
        method: 'POST',
        timeout: timeoutMs,
        headers: { 'content-type': contentType, 'content-length': Buffer.byteLength(body) },
        ...(isUnix ? { socketPath: new URL(url).pathname } : {}),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > BODY_LIMIT_BYTES) outgoing.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        response.on('error', fail);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
          else fail(new Error(`status ${response.statusCode ?? 0}`));
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

/** This machine's sockets. */
export const createNetwork = (): Network => ({ connectUnix, exchangeDatagram, post });
