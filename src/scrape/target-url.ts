// SPDX-License-Identifier: Apache-2.0
// URLs of targets, written as Go writes them, and when in the interval a target is scraped.

import { labelsKey, type Labels } from '../model/index.ts';

const utf8 = new TextEncoder();
const unreserved = /[A-Za-z0-9\-_.~]/;

function escapeBytes(text: string, keeps: RegExp): string {
  let escaped = '';
  for (const char of text) {
    if (keeps.test(char)) {
      escaped += char;
      continue;
    }
    for (const byte of utf8.encode(char))
      escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

const escapeQuery = (text: string): string =>
  text
    .split(' ')
    .map((part) => escapeBytes(part, unreserved))
    .join('+');
const escapePath = (text: string): string => escapeBytes(text, /[A-Za-z0-9\-_.~$&+,/:;=@]/);

/** `scheme://address/path?params`, the parameters sorted by name. */
export function targetUrl(
  scheme: string,
  address: string,
  path: string,
  params: ReadonlyMap<string, readonly string[]>,
): string {
  const names = [...params.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const pairs: string[] = [];
  for (const name of names) {
    for (const value of params.get(name) ?? [])
      pairs.push(`${escapeQuery(name)}=${escapeQuery(value)}`);
  }
  const slash = path === '' || path.startsWith('/') ? '' : '/';
  const query = pairs.length > 0 ? `?${pairs.join('&')}` : '';
  return `${scheme}://${address}${slash}${escapePath(path)}${query}`;
}

/** Two 32-bit halves of a 64-bit number. */
export interface Seed64 {
  readonly high: number;
  readonly low: number;
}

/** FNV-1a, 64 bits, of `text` as UTF-8. */
export function fnv1a64(text: string): Seed64 {
  // The prime is 2^40 + 0x1b3: multiplying is a shift and a small product.
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (const byte of utf8.encode(text)) {
    low = (low ^ byte) >>> 0;
    const small = low * 0x1b3;
    const carry = Math.floor(small / 4294967296);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
    low = small >>> 0;
  }
  return { high, low };
}

/** (high:low) mod `modulus`, which is at most 2^37. */
function modulo({ high, low }: Seed64, modulus: number): number {
  let rest = 0;
  for (const part of [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff])
    rest = (rest * 65536 + part) % modulus;
  return rest;
}

/**
 * Milliseconds from `nowMs` to the target's next place in the interval: fixed by its labels and URL, and by
 * the server's seed, so that neither targets nor servers scrape all at once.
 */
export function scrapeOffsetMs(
  labels: Labels,
  url: string,
  seed: Seed64,
  intervalMs: number,
  nowMs: number,
): number {
  const hash = fnv1a64(labelsKey(labels) + url);
  const mixed: Seed64 = {
    high: (hash.high ^ seed.high) >>> 0,
    low: (hash.low ^ seed.low) >>> 0,
  };
  const next = intervalMs - (nowMs % intervalMs) + modulo(mixed, intervalMs);
  return next > intervalMs ? next - intervalMs : next;
}
