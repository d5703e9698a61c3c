// SPDX-License-Identifier: Apache-2.0

/** One label. Both sides are arbitrary UTF-8 text; the name is not empty. */
export interface Label {
  readonly name: string;
  readonly value: string;
}

/**
 * A label set: sorted by name (by UTF-8 bytes), names unique, no empty value. The form for the edges
 * (parsing, relabelling, JSON, logs); hot paths use symbol ids.
 */
export type Labels = readonly Label[];

export const METRIC_NAME = '__name__';
export const BUCKET_LABEL = 'le';
export const INSTANCE_LABEL = 'instance';
export const JOB_LABEL = 'job';

export const emptyLabels: Labels = [];

/**
 * Compares by UTF-8 byte order, which is code point order: differs from JavaScript's `<` only where
 * one side has a surrogate pair and the other a character above U+E000.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates sort above every other UTF-16 unit, as their code points do.
    if (x >= 0xd800 && y >= 0xd800) {
      if (x >= 0xe000) x -= 0x2000;
      if (y >= 0xe000) y -= 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/** Builds a label set from name/value pairs in any order. Later duplicates win; empty values vanish. */
export function labelsFrom(
  pairs: Readonly<Record<string, string>> | Iterable<readonly [string, string]>,
): Labels {
  const labels: Label[] = [];
  const entries =
    Symbol.iterator in pairs
      ? new Map(pairs as Iterable<readonly [string, string]>)
      : Object.entries(pairs);
  for (const [name, value] of entries) if (value !== '') labels.push({ name, value });
  return labels.sort((a, b) => compareText(a.name, b.name));
}

/** The value of `name`, or '' when absent (as in the field, absent and empty are the same). */
export function labelValue(labels: Labels, name: string): string {
  for (const label of labels) if (label.name === name) return label.value;
  return '';
}

/** Orders label sets as upstream does: pair by pair, name before value, shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a[i]!;
    const y = b[i]!;
    const order = compareText(x.name, y.name) || compareText(x.value, y.value);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export function labelsEqual(a: Labels, b: Labels): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i]!.name !== b[i]!.name || a[i]!.value !== b[i]!.value) return false;
  }
  return true;
}

/** A key for maps: equal exactly for equal label sets. */
export function labelsKey(labels: Labels): string {
  let key = '';
  for (const { name, value } of labels) key += name + '\xff' + value + '\xff';
  return key;
}

export function labelsToObject(labels: Labels): Record<string, string> {
  const object: Record<string, string> = {};
  for (const { name, value } of labels) object[name] = value;
  return object;
}
