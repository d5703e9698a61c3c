// SPDX-License-Identifier: Apache-2.0
// The grouping labels in the path of a push: /metrics/job/JOB{/NAME/VALUE}, each name possibly followed by
// @base64.

import type { NameScheme } from '../model/index.ts';
import { compareText, isValidLabelName, quote, unescapeName } from '../model/index.ts';

/** A path that names no group; the message is upstream's, the status 400. */
export class GroupingError extends Error {
  override name = 'GroupingError';
}

/** Grouping labels with what follows from them. */
export interface Grouping {
  /** Sorted [name, value, …], `job` among them. */
  readonly pairs: readonly string[];
  /** Equal exactly for equal label sets. */
  readonly key: string;
  /** The names alone: two groups of the same names never share a series. */
  readonly signature: string;
}

const BASE64 = '@base64';
const SEPARATOR = '\xff';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const digitOf: ReadonlyMap<string, number> = new Map([...alphabet].map((char, i) => [char, i]));
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What could be decoded, and Go's complaint about the rest. */
interface Base64Result {
  readonly text: string;
  readonly fault: string | undefined;
}

/** URL-safe base64, padding optional. */
function decodeBase64(encoded: string): Base64Result {
  const text = encoded.replace(/=+$/, '');
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  let count = 0;
  let whole = 0;
  let last = 0;
  let fault: number | undefined;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\n' || text[i] === '\r') continue;
    const digit = digitOf.get(text[i]!);
    if (digit === undefined) {
      fault = i;
      break;
    }
    last = i;
    held = ((held << 6) | digit) & 0xfff;
    bits += 6;
    count++;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 255);
    }
    if (count % 4 === 0) whole = bytes.length;
  }
  if (fault === undefined && count % 4 === 1) fault = last;
  const kept = fault === undefined ? bytes : bytes.slice(0, whole);
  try {
    return {
      text: decoder.decode(Uint8Array.from(kept)),
      fault: fault === undefined ? undefined : `illegal base64 data at input byte ${fault}`,
    };
  } catch {
    return { text: '', fault: 'the decoded value is not UTF-8' };
  }
}

/**
 * `/NAME/VALUE…` after the job as labels: a name that comes again overwrites.
 * @throws GroupingError
 */
function splitLabels(text: string, scheme: NameScheme): Map<string, string> {
  const labels = new Map<string, string>();
  if (text.length <= 1) return labels;
  const components = text.slice(1).split('/');
  if (components.length % 2 !== 0)
    throw new GroupingError(`odd number of components in label string ${quote(text)}`);
  for (let i = 0; i < components.length; i += 2) {
    const written = components[i]!;
    const value = components[i + 1]!;
    const isBase64 = written.endsWith(BASE64);
    const trimmed = isBase64 ? written.slice(0, -BASE64.length) : written;
    const name = scheme === 'utf8' ? unescapeName(trimmed) : trimmed;
    if (!isValidLabelName(name, scheme) || name.startsWith('__'))
      throw new GroupingError(`improper label name ${quote(trimmed)}`);
    if (!isBase64) {
      labels.set(name, value);
      continue;
    }
    const decoded = decodeBase64(value);
    if (decoded.fault !== undefined) {
      throw new GroupingError(
        `invalid base64 encoding for label ${name}=${quote(value)}: ${decoded.fault}`,
      );
    }
    labels.set(name, decoded.text);
  }
  return labels;
}

/** Labels in any order as a grouping. */
export function groupingOf(labels: ReadonlyMap<string, string>): Grouping {
  const names = [...labels.keys()].sort(compareText);
  const pairs: string[] = [];
  for (const name of names) pairs.push(name, labels.get(name)!);
  return { pairs, key: pairs.join(SEPARATOR), signature: names.join(SEPARATOR) };
}

/** Names and values in turn, as a grouping keeps them. */
export function groupingOfPairs(pairs: readonly string[]): Grouping {
  const labels = new Map<string, string>();
  for (let i = 0; i + 1 < pairs.length; i += 2) labels.set(pairs[i]!, pairs[i + 1]!);
  return groupingOf(labels);
}

/**
 * The group that a path names; `path` is decoded and starts after `/metrics`. undefined: it is no path of
 * a push at all.
 * @throws GroupingError
 */
export function parseGrouping(path: string, scheme: NameScheme): Grouping | undefined {
  const match = /^\/job(@base64)?\/([^/]+)(\/[\s\S]*)?$/.exec(path);
  if (match === null) return undefined;
  let job = match[2]!;
  if (match[1] !== undefined) {
    const decoded = decodeBase64(job);
    if (decoded.fault !== undefined) {
      throw new GroupingError(
        `invalid base64 encoding in job name ${quote(decoded.text)}: ${decoded.fault}`,
      );
    }
    job = decoded.text;
  }
  const labels = splitLabels(match[3] ?? '', scheme);
  if (job === '') throw new GroupingError('job name is required');
  labels.set('job', job);
  return groupingOf(labels);
}

/** The path below `/metrics` that names the group, in a form that survives every proxy. */
export function groupingPath(pairs: readonly string[]): string {
  let path = '';
  for (let i = 0; i < pairs.length; i += 2) {
    const bytes = new TextEncoder().encode(pairs[i + 1]!);
    const encoded = btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_');
    const part = `/${pairs[i]}${BASE64}/${encoded === '' ? '=' : encoded}`;
    path = pairs[i] === 'job' ? part + path : path + part;
  }
  return path;
}
