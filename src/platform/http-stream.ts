// SPDX-License-Identifier: Apache-2.0
// Answers that go on: text is sent when there is some, until the client goes or the server stops.

import type { ServerResponse as OutgoingMessage } from 'node:http';
import type { ServerResponse } from '../base/index.ts';

/** What may wait for a client that reads slowly; more is refused. */
const BACKLOG_BYTES_MAX = 64 * 1024;

/** The streams of one listener, so that stopping need not wait for them. */
export class OpenStreams {
  private readonly open = new Set<() => void>();
  private isClosed = false;

  /** Sends the head and lets `stream` write. */
  begin(
    reply: OutgoingMessage,
    { status, headers }: ServerResponse,
    stream: NonNullable<ServerResponse['stream']>,
  ): void {
    const end = (): void => void reply.end();
    if (reply.destroyed) {
      stream({ write: () => false, end })();
      return;
    }
    reply.writeHead(status, headers);
    reply.flushHeaders();
    const isOpen = (): boolean => !reply.writableEnded && !reply.destroyed;
    const ended = stream({
      write: (text) => {
        if (!isOpen() || reply.writableLength > BACKLOG_BYTES_MAX) return false;
        reply.write(text);
        return true;
      },
      end,
    });
    reply.on('close', () => {
      this.open.delete(end);
      ended();
    });
    this.open.add(end);
    if (this.isClosed) end();
  }

  /** Ends all of them, and those that come. */
  close(): void {
    this.isClosed = true;
    for (const end of this.open) end();
  }
}
