// SPDX-License-Identifier: Apache-2.0
// A parser for the everyday part of RE2's syntax, used only to find faster ways to match. What it
// does not know for certain (flags, Unicode classes, inner anchors …) it refuses by returning
// undefined; the caller has had the pattern validated before and then lets RE2 do the matching.

/** Code point ranges `[low, high, low, high …]`, both ends inclusive, sorted and apart. */
export type CharSet = readonly number[];

export type RegexpNode =
  | { readonly kind: 'chars'; readonly set: CharSet }
  | { readonly kind: 'concat'; readonly parts: readonly RegexpNode[] }
  | { readonly kind: 'alternate'; readonly branches: readonly RegexpNode[] }
  | {
      readonly kind: 'repeat';
      readonly body: RegexpNode;
      readonly min: number;
      readonly max: number;
      readonly greedy: boolean;
    }
  /** A capturing group. Others leave no trace. */
  | { readonly kind: 'group'; readonly body: RegexpNode };

export interface ParsedRegexp {
  readonly root: RegexpNode;
  /** `groupNames[i]` is the name of group i, '' for none; group 0 is the whole match. */
  readonly groupNames: readonly string[];
}

const CODE_POINT_MAX = 0x10ffff;
export const anyChar: CharSet = [0, CODE_POINT_MAX];

/** Sorts and joins ranges. */
export function normalizeSet(ranges: readonly (readonly [number, number])[]): CharSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const set: number[] = [];
  for (const [low, high] of sorted) {
    const last = set.length - 1;
    if (last > 0 && low <= set[last]! + 1) set[last] = Math.max(set[last]!, high);
    else set.push(low, high);
  }
  return set;
}

const pairsOf = (set: CharSet): [number, number][] => {
  const pairs: [number, number][] = [];
  for (let i = 0; i < set.length; i += 2) pairs.push([set[i]!, set[i + 1]!]);
  return pairs;
};

export const unionSets = (a: CharSet, b: CharSet): CharSet =>
  normalizeSet([...pairsOf(a), ...pairsOf(b)]);

export function setsOverlap(a: CharSet, b: CharSet): boolean {
  let i = 0;
  let k = 0;
  while (i < a.length && k < b.length) {
    if (a[i + 1]! < b[k]!) i += 2;
    else if (b[k + 1]! < a[i]!) k += 2;
    else return true;
  }
  return false;
}

/** All code points that are not in `set`. */
function complement(set: CharSet): CharSet {
  const out: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > next) out.push(next, set[i]! - 1);
    next = set[i + 1]! + 1;
  }
  if (next <= CODE_POINT_MAX) out.push(next, CODE_POINT_MAX);
  return out;
}

const code = (char: string): number => char.codePointAt(0) ?? 0;
const range = (low: string, high: string): [number, number] => [code(low), code(high)];

/** RE2's Perl classes are ASCII, and `\s` has no vertical tab. */
const perlClasses: Readonly<Record<string, CharSet>> = {
  d: normalizeSet([range('0', '9')]),
  w: normalizeSet([range('0', '9'), range('A', 'Z'), range('_', '_'), range('a', 'z')]),
  s: normalizeSet([range('\t', '\n'), range('\f', '\r'), range(' ', ' ')]),
};

const controlEscapes: Readonly<Record<string, number>> = {
  a: 7,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};

/** Thrown inside the parser to give up; never leaves this file. */
class Refusal extends Error {}

/** Nesting beyond this is left to RE2, which has its own limit. */
const DEPTH_MAX = 100;

/** Recursive descent over code points, since that is what RE2 counts in. */
class Parser {
  private position = 0;
  private readonly chars: readonly string[];
  readonly groupNames: string[] = [''];

  constructor(source: string) {
    this.chars = [...source];
  }

  parse(): RegexpNode {
    const root = this.alternation(0);
    if (this.position < this.chars.length) throw new Refusal();
    return root;
  }

  private peek(ahead = 0): string | undefined {
    return this.chars[this.position + ahead];
  }

  private next(): string {
    const char = this.chars[this.position++];
    if (char === undefined) throw new Refusal();
    return char;
  }

  private alternation(depth: number): RegexpNode {
    if (depth > DEPTH_MAX) throw new Refusal();
    const branches = [this.concatenation(depth)];
    while (this.peek() === '|') {
      this.position++;
      branches.push(this.concatenation(depth));
    }
    return branches.length === 1 ? branches[0]! : { kind: 'alternate', branches };
  }

  private concatenation(depth: number): RegexpNode {
    const parts: RegexpNode[] = [];
    for (;;) {
      const char = this.peek();
      if (char === undefined || char === '|' || char === ')') break;
      // Everything is anchored anyway: at the outermost edges these say nothing new.
      if (char === '^' && depth === 0 && parts.length === 0 && this.isPlainAfterAnchor(1)) {
        this.position++;
        continue;
      }
      if (char === '$' && depth === 0) {
        const after = this.peek(1);
        if (after !== undefined && after !== '|') throw new Refusal();
        this.position++;
        continue;
      }
      parts.push(this.repeated(this.atom(depth)));
    }
    return parts.length === 1 ? parts[0]! : { kind: 'concat', parts };
  }

  /** An anchor may itself be repeated (`^*`); such patterns are left to RE2. */
  private isPlainAfterAnchor(ahead: number): boolean {
    const after = this.peek(ahead);
    return after === undefined || !'*+?{^$'.includes(after);
  }

  private repeated(body: RegexpNode): RegexpNode {
    const bounds = this.repeatBounds();
    if (!bounds) return body;
    const greedy = this.peek() !== '?';
    if (!greedy) this.position++;
    return { kind: 'repeat', body, min: bounds[0], max: bounds[1], greedy };
  }

  private repeatBounds(): [number, number] | undefined {
    const char = this.peek();
    if (char === '*' || char === '+' || char === '?') {
      this.position++;
      return char === '*' ? [0, Infinity] : char === '+' ? [1, Infinity] : [0, 1];
    }
    if (char !== '{') return undefined;
    const ahead = this.chars.slice(this.position, this.position + 12).join('');
    const match = /^\{(\d+)(,(\d*))?\}/.exec(ahead);
    if (!match) return undefined; // A brace that opens no count is an ordinary character.
    this.position += match[0].length;
    const min = Number(match[1]);
    if (match[2] === undefined) return [min, min];
    return [min, match[3] === '' ? Infinity : Number(match[3])];
  }

  private atom(depth: number): RegexpNode {
    const char = this.next();
    if (char === '(') return this.group(depth);
    if (char === '.') return { kind: 'chars', set: anyChar };
    if (char === '[') return { kind: 'chars', set: this.charClass() };
    if (char === '\\') return { kind: 'chars', set: this.escape() };
    if ('^$*+?'.includes(char)) throw new Refusal();
    return this.literal(char);
  }

  private literal(char: string): RegexpNode {
    const point = code(char);
    if (point >= 0xd800 && point < 0xe000) throw new Refusal();
    return { kind: 'chars', set: [point, point] };
  }

  /** After `(`: capturing, named (both spellings) or plain; flags are refused. */
  private group(depth: number): RegexpNode {
    let name: string | undefined = '';
    if (this.peek() === '?') {
      const head = this.chars.slice(this.position, this.position + 80).join('');
      const named = /^\?P?<([A-Za-z0-9_]+)>/.exec(head);
      if (head.startsWith('?:')) {
        name = undefined;
        this.position += 2;
      } else if (named) {
        name = named[1] ?? '';
        this.position += named[0].length;
      } else throw new Refusal();
    }
    if (name !== undefined) this.groupNames.push(name);
    const body = this.alternation(depth + 1);
    if (this.next() !== ')') throw new Refusal();
    return name === undefined ? body : { kind: 'group', body };
  }

  /** After a backslash, the same inside and outside of classes. */
  private escape(): CharSet {
    const char = this.next();
    const lower = char.toLowerCase();
    const perl = perlClasses[lower];
    if (perl) return char === lower ? perl : complement(perl);
    const point = this.escapedPoint(char);
    return [point, point];
  }

  private escapedPoint(char: string): number {
    const control = controlEscapes[char];
    if (control !== undefined) return control;
    if (char === 'x') return this.hexPoint();
    // Digits, letters and what is not ASCII have meanings of their own or none.
    if (/^[!-/:-@[-`{-~ ]$/.test(char)) return code(char);
    throw new Refusal();
  }

  private hexPoint(): number {
    const ahead = this.chars.slice(this.position, this.position + 10).join('');
    const match = /^(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(ahead);
    if (!match) throw new Refusal();
    this.position += match[0].length;
    const point = Number('0x' + (match[1] ?? match[2] ?? ''));
    if (point > CODE_POINT_MAX || (point >= 0xd800 && point < 0xe000)) throw new Refusal();
    return point;
  }

  /** After `[`. The first `]` is an ordinary character, and so is a `-` at either end. */
  private charClass(): CharSet {
    const negated = this.peek() === '^';
    if (negated) this.position++;
    const ranges: [number, number][] = [];
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.peek() === '[' && this.peek(1) === ':') throw new Refusal();
      const low = this.classItem();
      if (low.length !== 2 || low[0] !== low[1]) {
        if (this.peek() === '-') throw new Refusal();
        for (const pair of pairsOf(low)) ranges.push(pair);
      } else if (this.peek() === '-' && this.peek(1) !== ']') {
        this.position++;
        const high = this.classItem();
        if (high.length !== 2 || high[0] !== high[1]) throw new Refusal();
        ranges.push([low[0]!, high[0]!]);
      } else ranges.push([low[0]!, low[0]!]);
    }
    this.position++;
    const set = negated ? complement(normalizeSet(ranges)) : normalizeSet(ranges);
    if (set.length === 0) throw new Refusal();
    return set;
  }

  private classItem(): CharSet {
    const char = this.next();
    if (char === '\\') return this.escape();
    const point = code(char);
    if (point >= 0xd800 && point < 0xe000) throw new Refusal();
    return [point, point];
  }
}

/** The pattern as a tree, or undefined when it uses anything beyond the part known here. */
export function parseRegexp(source: string): ParsedRegexp | undefined {
  const parser = new Parser(source);
  try {
    return { root: parser.parse(), groupNames: parser.groupNames };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
