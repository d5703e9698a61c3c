// SPDX-License-Identifier: Apache-2.0
// Many targets in one cheap process: prebuilt answers, a port for each target, no HTTP library. It also
// knows when each request came: how late scrapes start is measured here.

import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expositionPages } from './exposition.ts';

export interface TargetServerOptions {
  readonly targets: number;
  readonly seriesPerTarget: number;
  readonly intervalMs: number;
  /** How many pages follow each other before the first comes again. */
  readonly variants: number;
  readonly gzip: boolean;
}

/** What the targets saw of one scraper, told apart by the path it asks for. */
export interface ScraperStats {
  scrapes: number;
  /** For each scrape since the last look: how long after its planned time it came, ms. */
  delaysMs: number[];
}

export interface TargetServer {
  readonly ports: readonly number[];
  stats(): Readonly<Record<string, ScraperStats>>;
  /** Forgets delays and begins to measure them anew. */
  resetDelays(): void;
  close(): Promise<void>;
}

const REQUEST_END = '\r\n\r\n';

function answerOf(page: Uint8Array, gzip: boolean): Buffer {
  const body = gzip ? gzipSync(page) : page;
  const head =
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n' +
    (gzip ? 'Content-Encoding: gzip\r\n' : '') +
    `Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Arrivals of one scraper at one target: its plan is the earliest it ever was, interval by interval. */
class Schedule {
  private readonly arrivals: number[] = [];

  arrive(nowMs: number): void {
    this.arrivals.push(nowMs);
  }

  reset(): void {
    this.arrivals.length = 0;
  }

  delays(intervalMs: number): number[] {
    const first = this.arrivals[0];
    if (first === undefined) return [];
    const phases = this.arrivals.map((at) => {
      const phase = (at - first) % intervalMs;
      return phase > intervalMs / 2 ? phase - intervalMs : phase;
    });
    const earliest = Math.min(...phases);
    return phases.map((phase) => phase - earliest);
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** Serves `/<scraper>` on every port. */
export async function startTargetServer(options: TargetServerOptions): Promise<TargetServer> {
  const { targets, seriesPerTarget, intervalMs, variants, gzip } = options;
  const answers = expositionPages(seriesPerTarget, variants).map((page) => answerOf(page, gzip));
  const started = performance.now();
  const schedules = new Map<string, Schedule[]>();
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const answer = (socket: Socket, scraper: string, target: number): void => {
    const now = performance.now();
    let all = schedules.get(scraper);
    if (all === undefined) {
      all = Array.from({ length: targets }, () => new Schedule());
      schedules.set(scraper, all);
    }
    all[target]?.arrive(now);
    counts.set(scraper, (counts.get(scraper) ?? 0) + 1);
    const variant = Math.floor((now - started) / intervalMs) % variants;
    socket.write(answers[variant] ?? '');
  };
  const serverOf = (target: number): Server =>
    createServer((socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        for (let end = text.indexOf(REQUEST_END); end >= 0; end = text.indexOf(REQUEST_END)) {
          const path = text.slice(text.indexOf(' ') + 1, text.indexOf(' ', 5));
          text = text.slice(end + REQUEST_END.length);
          answer(socket, path.slice(1), target);
        }
      });
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
  const servers = Array.from({ length: targets }, (_, target) => serverOf(target));
  const ports: number[] = [];
  for (const server of servers) ports.push(await listen(server));
  return {
    ports,
    stats: () => {
      const stats: Record<string, ScraperStats> = {};
      for (const [scraper, all] of schedules) {
        const delaysMs = all.flatMap((schedule) => schedule.delays(intervalMs));
        stats[scraper] = { scrapes: counts.get(scraper) ?? 0, delaysMs };
      }
      return stats;
    },
    resetDelays: () => {
      for (const all of schedules.values()) for (const schedule of all) schedule.reset();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(
        servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
      );
    },
  };
}
