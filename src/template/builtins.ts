// SPDX-License-Identifier: Apache-2.0
// The functions that every Go template has. `and` and `or` are the executor's: they stop early.

import { print, printf, printLine, printValue } from './format.ts';
import type { TemplateFunction, Value } from './values.ts';
import { GoMap, Int, isFunction, isList, isTrue, SafeHtml, typeName } from './values.ts';

type BasicKind = 'bool' | 'int' | 'float' | 'string';

function basicKind(value: Value): BasicKind | undefined {
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof Int) return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string' || value instanceof SafeHtml) return 'string';
  return undefined;
}

const plain = (value: Value): boolean | number | string =>
  value instanceof Int
    ? value.value
    : value instanceof SafeHtml
      ? value.text
      : (value as boolean | number | string);

function equal(a: Value, b: Value): boolean {
  const kind = basicKind(a);
  const other = basicKind(b);
  if (kind === undefined || other === undefined) {
    if (a === undefined || b === undefined) return a === b;
    if (kind !== other) throw new Error('incompatible types for comparison');
    const odd = [a, b].find((value) => isList(value) || value instanceof GoMap);
    if (odd !== undefined)
      throw new Error(`non-comparable type ${printValue(odd)}: ${typeName(odd)}`);
    if (typeName(a) !== typeName(b)) throw new Error('incompatible types for comparison');
    return a === b || printValue(a) === printValue(b);
  }
  if (kind !== other) throw new Error('incompatible types for comparison');
  return plain(a) === plain(b);
}

function less(a: Value, b: Value): boolean {
  const kind = basicKind(a);
  const other = basicKind(b);
  if (kind === undefined || other === undefined) throw new Error('invalid type for comparison');
  if (kind !== other) throw new Error('incompatible types for comparison');
  if (kind === 'bool') throw new Error('invalid type for comparison');
  return plain(a) < plain(b);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function length(value: Value): Int {
  if (typeof value === 'string') return new Int(utf8(value).length);
  if (value instanceof SafeHtml) return new Int(utf8(value.text).length);
  if (value instanceof GoMap) return new Int(value.size);
  if (isList(value)) return new Int(value.length);
  if (value === undefined) throw new Error('reflect: call of reflect.Value.Type on zero Value');
  throw new Error(`len of type ${typeName(value)}`);
}

function position(index: Value, size: number, inclusive: boolean): number {
  if (index === undefined) throw new Error('cannot index slice/array with nil');
  if (!(index instanceof Int))
    throw new Error(`cannot index slice/array with type ${typeName(index)}`);
  const at = index.value;
  if (at < 0 || at > size || (at === size && !inclusive))
    throw new Error(`index out of range: ${at}`);
  return at;
}

function indexOne(value: Value, key: Value): Value {
  if (value === undefined) throw new Error('index of untyped nil');
  if (value instanceof GoMap) {
    if (typeof key !== 'string') {
      throw new Error(
        key === undefined
          ? 'value is nil; should be of type string'
          : `value has type ${typeName(key)}; should be string`,
      );
    }
    return value.get(key);
  }
  if (isList(value)) return value[position(key, value.length, false)];
  if (typeof value === 'string') {
    const bytes = utf8(value);
    return new Int(bytes[position(key, bytes.length, false)] ?? 0);
  }
  throw new Error(`can't index item of type ${typeName(value)}`);
}

function sliceOf(value: Value, indexes: readonly Value[]): Value {
  if (value === undefined) throw new Error('slice of untyped nil');
  if (indexes.length > 3) throw new Error(`too many slice indexes: ${indexes.length}`);
  if (typeof value === 'string') {
    if (indexes.length === 3) throw new Error('cannot 3-index slice a string');
    const bytes = utf8(value);
    const [from, to] = bounds(indexes, bytes.length);
    return new TextDecoder().decode(bytes.subarray(from, to));
  }
  if (!isList(value)) throw new Error(`can't slice item of type ${typeName(value)}`);
  const [from, to] = bounds(indexes, value.length);
  return value.slice(from, to);
}

function bounds(indexes: readonly Value[], size: number): [number, number] {
  const from = indexes.length > 0 ? position(indexes[0], size, true) : 0;
  const to = indexes.length > 1 ? position(indexes[1], size, true) : size;
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  return [from, to];
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

/** The five characters that matter in HTML text, and NUL. */
export const escapeHtml = (text: string): string =>
  text.replace(/[\0"'&<>]/g, (c) => htmlEscapes[c]!);

const jsEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

/** Text for the inside of a JavaScript string literal. */
export const escapeJs = (text: string): string =>
  text.replace(/[\\'"<>&=\p{C}\u2028\u2029]/gu, (c) => {
    const known = jsEscapes[c];
    if (known !== undefined) return known;
    const units = [...Array(c.length).keys()].map((i) => c.charCodeAt(i));
    return units.map((u) => `\\u${u.toString(16).toUpperCase().padStart(4, '0')}`).join('');
  });

/** Go's url.QueryEscape. */
export const escapeQuery = (text: string): string =>
  encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** What the text functions take: several values print as one text. */
const textOf = (args: readonly Value[]): string =>
  args.length === 1 && typeof args[0] === 'string' ? args[0] : print(args);

const texts = (call: (text: string) => string): TemplateFunction => ({
  parameters: [],
  rest: 'any',
  call: (args) => call(textOf(args)),
});

const comparison = (test: (a: Value, b: Value) => boolean): TemplateFunction => ({
  parameters: ['any', 'any'],
  call: ([a, b]) => test(a, b),
});

function callValue(args: readonly Value[]): Value {
  const [fn, ...rest] = args;
  if (fn === undefined) throw new Error('call of nil');
  if (!isFunction(fn)) throw new Error(`non-function ${printValue(fn)} of type ${typeName(fn)}`);
  if (fn.rest === undefined && rest.length !== fn.parameters.length)
    throw new Error(`wrong number of args: got ${rest.length} want ${fn.parameters.length}`);
  return fn.call(rest);
}

export const builtins: Readonly<Record<string, TemplateFunction>> = {
  call: { parameters: ['any'], rest: 'any', call: callValue },
  eq: {
    parameters: ['any'],
    rest: 'any',
    call: ([a, ...others]) => {
      if (others.length === 0) throw new Error('missing argument for comparison');
      return others.some((b) => equal(a, b));
    },
  },
  ne: comparison((a, b) => !equal(a, b)),
  lt: comparison(less),
  le: comparison((a, b) => less(a, b) || equal(a, b)),
  gt: comparison((a, b) => !(less(a, b) || equal(a, b))),
  ge: comparison((a, b) => !less(a, b)),
  html: texts(escapeHtml),
  index: {
    parameters: ['any'],
    rest: 'any',
    call: ([value, ...keys]) => keys.reduce<Value>(indexOne, value),
  },
  js: texts(escapeJs),
  len: { parameters: ['any'], call: ([value]) => length(value) },
  not: { parameters: ['any'], call: ([value]) => !isTrue(value) },
  print: { parameters: [], rest: 'any', call: print },
  printf: {
    parameters: ['string'],
    rest: 'any',
    call: ([format, ...args]) => printf(String(format), args),
  },
  println: { parameters: [], rest: 'any', call: printLine },
  slice: {
    parameters: ['any'],
    rest: 'any',
    call: ([value, ...indexes]) => sliceOf(value, indexes),
  },
  urlquery: texts(escapeQuery),
};
