// SPDX-License-Identifier: Apache-2.0
// What a parsed pattern can be matched with instead of an automaton: a set of strings, pieces of text
// with anything between, or the JavaScript engine where it provably never has to go back.

import { anyChar, type CharSet, type RegexpNode, setsOverlap, unionSets } from './regexp-syntax.ts';

/** As upstream: larger alternations with character classes are not spelled out. */
const SET_MATCHES_MAX = 256;

const empty: CharSet = [];

const isAny = (set: CharSet): boolean => set[0] === anyChar[0] && set[1] === anyChar[1];

/** How many code points the set holds. */
function setSize(set: CharSet): number {
  let size = 0;
  for (let i = 0; i < set.length; i += 2) size += set[i + 1]! - set[i]! + 1;
  return size;
}

function charsOf(set: CharSet): string[] {
  const chars: string[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let point = set[i]!; point <= set[i + 1]!; point++)
      // Text holds no lone surrogates, so a set never matches one.
      if (point < 0xd800 || point > 0xdfff) chars.push(String.fromCodePoint(point));
  }
  return chars;
}

/** All texts that `node` matches, without repeats, if it is a plain finite set; else undefined. */
export function finiteSet(node: RegexpNode): readonly string[] | undefined {
  switch (node.kind) {
    case 'chars':
      return setSize(node.set) <= SET_MATCHES_MAX ? charsOf(node.set) : undefined;
    case 'group':
      return finiteSet(node.body);
    case 'alternate':
      return alternateSet(node.branches);
    case 'concat': {
      let texts: readonly string[] | undefined = [''];
      for (const part of node.parts) {
        const next = finiteSet(part);
        texts = texts && next && product(texts, next);
        if (!texts) return undefined;
      }
      return texts;
    }
    case 'repeat':
      return repeatSet(node.body, node.min, node.max);
  }
}

function alternateSet(branches: readonly RegexpNode[]): readonly string[] | undefined {
  const union = new Set<string>();
  for (const branch of branches) {
    const texts = finiteSet(branch);
    if (!texts) return undefined;
    for (const text of texts) union.add(text);
  }
  // A long list of plain words is welcome; a product of classes stops growing in `product`.
  return [...union];
}

function repeatSet(body: RegexpNode, min: number, max: number): readonly string[] | undefined {
  if (max > SET_MATCHES_MAX) return undefined;
  const once = finiteSet(body);
  if (!once) return undefined;
  const union = new Set<string>();
  let texts: readonly string[] | undefined = [''];
  for (let i = 0; i <= max && texts; i++) {
    if (i >= min) for (const text of texts) union.add(text);
    if (union.size > SET_MATCHES_MAX) return undefined;
    if (i < max) texts = product(texts, once);
  }
  return texts && [...union];
}

function product(a: readonly string[], b: readonly string[]): readonly string[] | undefined {
  // One side empty text only: keep even long lists.
  if (a.length === 1 && a[0] === '') return b;
  if (b.length === 1 && b[0] === '') return a;
  if (a.length * b.length > SET_MATCHES_MAX) return undefined;
  return [...new Set(a.flatMap((x) => b.map((y) => x + y)))];
}

/** The longest text that every match begins with, as far as it is seen at once. */
export function literalPrefix(node: RegexpNode): string {
  const set = finiteSet(node);
  if (set && set.length === 1) return set[0]!;
  if (node.kind === 'group') return literalPrefix(node.body);
  if (node.kind === 'repeat') return node.min > 0 ? literalPrefix(node.body) : '';
  if (node.kind !== 'concat') return '';
  let prefix = '';
  for (const part of node.parts) {
    const texts = finiteSet(part);
    if (texts?.length !== 1) return prefix + literalPrefix(part);
    prefix += texts[0]!;
  }
  return prefix;
}

/**
 * Texts with gaps between them: `pieces[0] gap pieces[1] gap … pieces[n]`. Each piece is one of some
 * alternatives (`['']` for none); gap i, between pieces i and i+1, needs at least `gapMin[i]` units.
 */
export interface GappedShape {
  readonly pieces: readonly (readonly string[])[];
  readonly gapMin: readonly number[];
}

function flatten(node: RegexpNode): readonly RegexpNode[] {
  if (node.kind === 'group') return flatten(node.body);
  if (node.kind === 'concat') return node.parts.flatMap(flatten);
  return [node];
}

/** The pattern as texts and gaps, if all it has beside texts is `.*` and `.+`. */
export function gappedShape(root: RegexpNode): GappedShape | undefined {
  const pieces: (readonly string[])[] = [['']];
  const gapMin: number[] = [];
  let afterGap = false;
  for (const part of flatten(root)) {
    if (part.kind === 'repeat' && part.body.kind === 'chars' && isAny(part.body.set)) {
      if (part.max !== Infinity || part.min > 1) return undefined;
      if (!afterGap) {
        gapMin.push(part.min);
        pieces.push(['']);
      } else {
        const min = gapMin[gapMin.length - 1]! + part.min;
        // Units and code points differ from two on.
        if (min > 1) return undefined;
        gapMin[gapMin.length - 1] = min;
      }
      afterGap = true;
      continue;
    }
    const texts = finiteSet(part);
    const joined = texts && product(pieces[pieces.length - 1]!, texts);
    if (!joined) return undefined;
    pieces[pieces.length - 1] = joined;
    // Only an empty text leaves the gap open.
    if (joined.length !== 1 || joined[0] !== '') afterGap = false;
  }
  return gapMin.length === 0 ? undefined : { pieces, gapMin };
}

/** A matcher for {@link GappedShape}: linear, since taking the earliest end of a piece is never wrong. */
export function gappedTest(shape: GappedShape): (text: string) => boolean {
  const last = shape.pieces.length - 1;
  const first = [...shape.pieces[0]!].sort((a, b) => a.length - b.length);
  const suffix = [...shape.pieces[last]!].sort((a, b) => a.length - b.length);
  const middle = shape.pieces.slice(1, last);
  const gapMin = shape.gapMin;
  return (text) => {
    const head = first.find((piece) => text.startsWith(piece));
    const tail = suffix.find((piece) => text.endsWith(piece));
    if (head === undefined || tail === undefined) return false;
    let position = head.length;
    for (let i = 0; i < middle.length; i++) {
      let end = Infinity;
      for (const piece of middle[i]!) {
        const at = text.indexOf(piece, position + gapMin[i]!);
        if (at >= 0) end = Math.min(end, at + piece.length);
      }
      position = end;
      if (position > text.length) return false;
    }
    return position + gapMin[last - 1]! + tail.length <= text.length;
  };
}

interface Edge {
  readonly nullable: boolean;
  readonly first: CharSet;
}

function edgeOf(node: RegexpNode): Edge {
  switch (node.kind) {
    case 'chars':
      return { nullable: false, first: node.set };
    case 'group':
      return edgeOf(node.body);
    case 'alternate': {
      const edges = node.branches.map(edgeOf);
      return {
        nullable: edges.some((edge) => edge.nullable),
        first: edges.reduce((set, edge) => unionSets(set, edge.first), empty),
      };
    }
    case 'concat': {
      let first = empty;
      for (const part of node.parts) {
        const edge = edgeOf(part);
        first = unionSets(first, edge.first);
        if (!edge.nullable) return { nullable: false, first };
      }
      return { nullable: true, first };
    }
    case 'repeat': {
      if (node.max === 0) return { nullable: true, first: empty };
      const edge = edgeOf(node.body);
      return { nullable: node.min === 0 || edge.nullable, first: edge.first };
    }
  }
}

/**
 * Whether one character of lookahead decides every choice in `node`, given what may come after it. A
 * backtracking engine then tries each wrong way for at most one character: its time is linear.
 */
export function isDeterministic(node: RegexpNode, follow: CharSet = empty): boolean {
  switch (node.kind) {
    case 'chars':
      return true;
    case 'group':
      return isDeterministic(node.body, follow);
    case 'alternate': {
      let taken = empty;
      let nullables = 0;
      for (const branch of node.branches) {
        const edge = edgeOf(branch);
        if (edge.nullable) nullables++;
        if (setsOverlap(taken, edge.first) || !isDeterministic(branch, follow)) return false;
        taken = unionSets(taken, edge.first);
      }
      return nullables === 0 || (nullables === 1 && !setsOverlap(taken, follow));
    }
    case 'concat': {
      let after = follow;
      for (let i = node.parts.length - 1; i >= 0; i--) {
        const part = node.parts[i]!;
        if (!isDeterministic(part, after)) return false;
        const edge = edgeOf(part);
        after = edge.nullable ? unionSets(edge.first, after) : edge.first;
      }
      return true;
    }
    case 'repeat': {
      const edge = edgeOf(node.body);
      if (edge.nullable) return false;
      if (node.min !== node.max && setsOverlap(edge.first, follow)) return false;
      const inner = node.max > 1 ? unionSets(edge.first, follow) : follow;
      return isDeterministic(node.body, inner);
    }
  }
}

/**
 * Whether a capturing group stands inside a repetition: the engines differ in what such a group holds
 * after an iteration that did not pass through it.
 */
export function repeatsCapture(node: RegexpNode, inside = false): boolean {
  switch (node.kind) {
    case 'chars':
      return false;
    case 'group':
      return inside || repeatsCapture(node.body, inside);
    case 'alternate':
      return node.branches.some((branch) => repeatsCapture(branch, inside));
    case 'concat':
      return node.parts.some((part) => repeatsCapture(part, inside));
    case 'repeat':
      return repeatsCapture(node.body, inside || node.max > 1);
  }
}

const escapePoint = (point: number): string => `\\u{${point.toString(16)}}`;

/** `node` in JavaScript's syntax, for the flag `u`. */
export function toJavaScript(node: RegexpNode): string {
  switch (node.kind) {
    case 'chars': {
      if (isAny(node.set)) return '[^]';
      if (setSize(node.set) === 1) return escapePoint(node.set[0]!);
      let ranges = '';
      for (let i = 0; i < node.set.length; i += 2)
        ranges += `${escapePoint(node.set[i]!)}-${escapePoint(node.set[i + 1]!)}`;
      return `[${ranges}]`;
    }
    case 'group':
      return `(${toJavaScript(node.body)})`;
    case 'alternate':
      return `(?:${node.branches.map(toJavaScript).join('|')})`;
    case 'concat':
      return node.parts.map(toJavaScript).join('');
    case 'repeat': {
      const max = node.max === Infinity ? '' : String(node.max);
      const body = `(?:${toJavaScript(node.body)})`;
      return `${body}{${node.min},${max}}${node.greedy ? '' : '?'}`;
    }
  }
}
