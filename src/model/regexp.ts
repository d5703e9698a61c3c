// SPDX-License-Identifier: Apache-2.0
// Regular expressions as the field has them: RE2's syntax, matched against the whole text, the dot
// matching newlines too, in time linear in the text. RE2 itself (re2js) validates every pattern and
// matches those for which nothing quicker is provably the same.

import { RE2JS } from 're2js';
import {
  finiteSet,
  gappedShape,
  gappedTest,
  isDeterministic,
  literalPrefix,
  repeatsCapture,
  toJavaScript,
} from './regexp-shape.ts';
import { parseRegexp, type RegexpNode } from './regexp-syntax.ts';

/** A pattern that RE2 refuses; the message is Go's: "error parsing regexp: missing closing ]: `[a`". */
export class RegexpError extends Error {
  override name = 'RegexpError';
}

/** Group 0 is the whole text; a group that took no part is undefined. */
export type RegexpGroups = readonly (string | undefined)[];

/** How `test` works; for tests, explanations and benchmarks. */
export type RegexpMethod = 'literal' | 'set' | 'gapped' | 'javascript' | 're2';

/**
 * A compiled pattern. Immutable; equal `source` means equal behaviour. Only the fields that describe
 * it are visible, so that structural comparison of options works.
 */
export class CompiledRegexp {
  readonly source: string;
  /** Every matching text begins with this. */
  readonly prefix: string;
  /** All matching texts, each once, when the pattern is a finite set of them. */
  readonly setMatches: readonly string[] | undefined;
  /** `groupNames[i]` is the name of group i, '' when it has none; `groupNames[0]` is ''. */
  readonly groupNames: readonly string[];
  readonly method: RegexpMethod;
  readonly #test: (text: string) => boolean;
  readonly #exec: (text: string) => RegexpGroups | undefined;

  constructor(source: string, re2: RE2JS) {
    const parsed = parseRegexp(source);
    const root = parsed?.root;
    this.source = source;
    this.groupNames = parsed?.groupNames ?? groupNamesOf(re2);
    this.setMatches = root && finiteSet(root);
    this.prefix = root ? literalPrefix(root) : '';
    const native = root && isDeterministic(root) ? nativeRegexp(root) : undefined;
    [this.method, this.#test] = testFor(root, this.setMatches, native, re2);
    this.#exec = execFor(root, native, re2);
  }

  /** Whether the whole of `text` matches. */
  test(text: string): boolean {
    return this.#test(text);
  }

  /** The groups of the match of the whole of `text`, or undefined when it does not match. */
  exec(text: string): RegexpGroups | undefined {
    return this.#exec(text);
  }
}

/** Longer translations are left to RE2: the platform refuses large patterns, some of them only when used. */
const NATIVE_LENGTH_MAX = 16_384;

/** The platform's own pattern; undefined when it is too large for it. */
function nativeRegexp(root: RegexpNode): RegExp | undefined {
  const source = `^(?:${toJavaScript(root)})$`;
  if (source.length > NATIVE_LENGTH_MAX) return undefined;
  try {
    const regexp = new RegExp(source, 'u');
    // Code is made at the first use, for texts of one-byte and of two-byte characters.
    regexp.test('');
    regexp.test('\u0100');
    return regexp;
  } catch {
    return undefined;
  }
}

function groupNamesOf(re2: RE2JS): readonly string[] {
  const names = new Array<string>(re2.groupCount() + 1).fill('');
  for (const [name, index] of Object.entries(re2.namedGroups())) names[index] = name;
  return names;
}

function testFor(
  root: RegexpNode | undefined,
  setMatches: readonly string[] | undefined,
  native: RegExp | undefined,
  re2: RE2JS,
): [RegexpMethod, (text: string) => boolean] {
  if (setMatches?.length === 1) {
    const only = setMatches[0];
    return ['literal', (text) => text === only];
  }
  if (setMatches) {
    const set = new Set(setMatches);
    return ['set', (text) => set.has(text)];
  }
  const gapped = root && gappedShape(root);
  if (gapped) return ['gapped', gappedTest(gapped)];
  if (native) return ['javascript', (text) => native.test(text)];
  return ['re2', (text) => re2.test(text)];
}

function execFor(
  root: RegexpNode | undefined,
  native: RegExp | undefined,
  re2: RE2JS,
): (text: string) => RegexpGroups | undefined {
  if (root && native && !repeatsCapture(root)) return (text) => native.exec(text) ?? undefined;
  return (text) => {
    const match: RegexpGroups | null = re2.exec(text);
    return match ?? undefined;
  };
}

function compileRe2(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Go always ends with the offending part, be it empty.
    throw new RegexpError(message.endsWith('`') ? message : message + ': ``', { cause: error });
  }
}

/** A pattern that matches exactly `text`. */
export function quoteRegexp(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/**
 * Compiles a pattern. `wrapped` reports errors as upstream's relabelling does, which compiles the
 * pattern inside `^(?s:…)$` and so lets that show in the text; matchers report the bare pattern.
 * Costs some 0.1 ms: compile once.
 *
 * @throws RegexpError
 */
export function compileRegexp(source: string, form: 'bare' | 'wrapped' = 'bare'): CompiledRegexp {
  if (form === 'bare') compileRe2(source);
  return new CompiledRegexp(source, compileRe2(`^(?s:${source})$`));
}

const digits = /^(?:0|[1-9][0-9]{0,8})$/;
const reference = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu;

/** The text for `$name` or `${name}`: a group by number or by name, '' when there is none. */
function groupText(name: string, groups: RegexpGroups, groupNames: readonly string[]): string {
  if (digits.test(name)) return groups[Number(name)] ?? '';
  for (let i = 1; i < groupNames.length; i++) {
    if (groupNames[i] === name && groups[i] !== undefined) return groups[i] ?? '';
  }
  return '';
}

/**
 * Fills in `$1`, `${1}`, `$name`, `${name}` and `$$` as Go's Regexp.Expand does: the longest possible
 * name counts (`$1x` is `${1x}`), unknown names give nothing, a lone `$` stays.
 */
export function expandTemplate(
  template: string,
  groups: RegexpGroups,
  groupNames: readonly string[],
): string {
  const dollar = template.indexOf('$');
  if (dollar < 0) return template;
  if (dollar === 0 && template.length === 2) {
    // `$1`, the default replacement.
    const digit = template.charCodeAt(1) - 0x30;
    if (digit >= 0 && digit <= 9) return groups[digit] ?? '';
  }
  return template.replace(reference, (whole, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    return name === undefined ? whole.slice(1) : groupText(name, groups, groupNames);
  });
}
