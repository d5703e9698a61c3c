// SPDX-License-Identifier: Apache-2.0
// The pages that the targets of the ingest load serve: one service's metrics, text format 0.0.4.

import type { Prng } from '../../src/base/index.ts';
import { seededPrng } from '../../src/base/index.ts';

const handlers = ['/api/v1/orders', '/api/v1/orders/:id', '/api/v1/basket', '/login', '/healthz'];
const codes = ['200', '201', '204', '400', '404', '500', '503'];
const methods = ['GET', 'POST', 'PUT', 'DELETE'];
const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '+Inf'];

const pick = (texts: readonly string[], i: number): string => texts[i % texts.length] ?? '';

/** How a value moves: of ten series four stand still, four count and two wander. */
function nextValue(kind: number, value: number, prng: Prng): number {
  if (kind < 4) return value;
  if (kind < 8) return value + prng.below(50);
  return Math.round(1e6 * (value + prng.next() - 0.5)) / 1e6;
}

function seriesName(i: number): string {
  const route = `handler="${pick(handlers, i)}",method="${pick(methods, i >> 3)}"`;
  const shard = `shard="${Math.floor(i / 140)}"`;
  switch (Math.floor(i / 10) % 3) {
    case 0:
      return `http_requests_total{service="checkout",${route},code="${pick(codes, i)}",${shard},n="${i}"}`;
    case 1:
      return `http_request_duration_seconds_bucket{service="checkout",${route},le="${pick(bounds, i)}",${shard},n="${i}"}`;
    default:
      return `process_pool_bytes{service="checkout",pool="pool-${i % 40}",state="in-use",${shard},n="${i}"}`;
  }
}

/**
 * `variants` pages of the same `seriesCount` series, as they would follow each other in time. Every
 * target serves the same page: the labels of the target tell the series apart, as with replicas.
 */
export function expositionPages(seriesCount: number, variants: number): Uint8Array[] {
  const prng = seededPrng(7);
  const names: string[] = [];
  const values: number[] = [];
  for (let i = 0; i < seriesCount; i++) {
    names.push(seriesName(i));
    values.push(i % 10 < 8 ? prng.below(1e6) : Math.round(1e6 * prng.next()) / 1e4);
  }
  const pages: Uint8Array[] = [];
  for (let variant = 0; variant < variants; variant++) {
    const lines: string[] = [];
    for (let i = 0; i < seriesCount; i++) {
      lines.push(`${names[i]} ${values[i]}\n`);
      values[i] = nextValue(i % 10, values[i] ?? 0, prng);
    }
    pages.push(new TextEncoder().encode(lines.join('')));
  }
  return pages;
}
