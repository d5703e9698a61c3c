// SPDX-License-Identifier: Apache-2.0
// Go's fmt: how values print, and printf with its verbs and flags.

import { quote } from '../model/index.ts';
import { formatFixed, formatGeneral, formatScientific } from './float-format.ts';
import type { Value } from './values.ts';
import { GoMap, Int, isFunction, isList, SafeHtml, Struct, typeName } from './values.ts';

/** Longest text that a width or precision may ask for; beyond it Go reports a bad width as well. */
const WIDTH_MAX = 1_000_000;

/** A value as %v prints it. */
export function printValue(value: Value): string {
  if (value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatGeneral(value);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Int) return String(value.value);
  if (value instanceof SafeHtml) return value.text;
  if (value instanceof GoMap) {
    return `map[${value
      .keys()
      .map((key) => `${key}:${printValue(value.get(key))}`)
      .join(' ')}]`;
  }
  if (value instanceof Struct) {
    if (value.text !== undefined) return value.text();
    return `{${[...value.fields.values()].map(printValue).join(' ')}}`;
  }
  if (isFunction(value)) return 'func';
  return `[${value.map(printValue).join(' ')}]`;
}

/** Go's Sprint: a space between operands when neither is a string. */
export function print(values: readonly Value[]): string {
  let out = '';
  values.forEach((value, i) => {
    const before = values[i - 1];
    if (i > 0 && typeof value !== 'string' && typeof before !== 'string') out += ' ';
    out += printValue(value);
  });
  return out;
}

export const printLine = (values: readonly Value[]): string =>
  `${values.map(printValue).join(' ')}\n`;

interface Directive {
  readonly flags: ReadonlySet<string>;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

function pad(text: string, { flags, width }: Directive, numeric = false): string {
  if (width === undefined) return text;
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.has('-')) return text + ' '.repeat(missing);
  if (!flags.has('0') || !numeric) return ' '.repeat(missing) + text;
  const sign = /^[+\- ]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

const signed = (text: string, { flags }: Directive): string =>
  /^[-+]/.test(text) ? text : flags.has('+') ? `+${text}` : flags.has(' ') ? ` ${text}` : text;

function formatInteger(value: number, directive: Directive): string | undefined {
  const { verb, flags } = directive;
  const negative = value < 0 ? '-' : '';
  const magnitude = Math.abs(value);
  const digits = (base: number, prefix: string): string => {
    let text = magnitude.toString(base);
    if (directive.precision !== undefined) text = text.padStart(directive.precision, '0');
    return pad(
      signed(negative + (flags.has('#') ? prefix : '') + text, directive),
      directive,
      true,
    );
  };
  switch (verb) {
    case 'v':
    case 'd':
      return digits(10, '');
    case 'b':
      return digits(2, '0b');
    case 'o':
      return digits(8, '0');
    case 'O':
      return pad(`${negative}0o${magnitude.toString(8)}`, directive);
    case 'x':
      return digits(16, '0x');
    case 'X':
      return digits(16, '0X').toUpperCase();
    case 'c':
      return pad(String.fromCodePoint(value), directive);
    case 'q':
      return pad(`'${String.fromCodePoint(value)}'`, directive);
    case 'U':
      return pad(`U+${magnitude.toString(16).toUpperCase().padStart(4, '0')}`, directive);
    default:
      return undefined;
  }
}

function formatFloat(value: number, directive: Directive): string | undefined {
  const { verb, precision, flags } = directive;
  // Infinities and NaN are never padded with zeros.
  const finish = (text: string): string =>
    pad(signed(text, directive), directive, Number.isFinite(value));
  switch (verb) {
    case 'v':
      return finish(formatGeneral(value, precision));
    case 'e':
    case 'E':
      return finish(formatScientific(value, precision ?? 6, verb));
    case 'f':
    case 'F':
      return finish(formatFixed(value, precision ?? 6));
    case 'g':
    case 'G':
      return finish(
        formatGeneral(value, precision, {
          letter: verb === 'g' ? 'e' : 'E',
          keepZeros: flags.has('#'),
        }),
      );
    default:
      return undefined;
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function formatText(value: string, directive: Directive): string | undefined {
  const { verb, precision, flags } = directive;
  const text = precision === undefined ? value : [...value].slice(0, precision).join('');
  switch (verb) {
    case 'v':
      return pad(flags.has('#') ? quote(text) : text, directive);
    case 's':
      return pad(text, directive);
    case 'q':
      return pad(flags.has('#') && !text.includes('`') ? `\`${text}\`` : quote(text), directive);
    case 'x':
    case 'X': {
      const gap = flags.has(' ') ? ' ' : '';
      const hex = Array.from(bytesOf(text), (byte) => byte.toString(16).padStart(2, '0')).join(gap);
      return pad(verb === 'X' ? hex.toUpperCase() : hex, directive);
    }
    default:
      return undefined;
  }
}

/** An operand that does not suit its verb: `%!d(string=hi)`. */
const mismatch = (verb: string, value: Value): string =>
  value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${printValue(value)})`;

function formatOperand(value: Value, directive: Directive): string {
  const { verb } = directive;
  if (verb === 'T') return pad(typeName(value), directive);
  if (value === undefined) return verb === 'v' ? pad('<nil>', directive) : mismatch(verb, value);
  let text: string | undefined;
  if (typeof value === 'number') text = formatFloat(value, directive);
  else if (value instanceof Int) text = formatInteger(value.value, directive);
  else if (typeof value === 'string') text = formatText(value, directive);
  else if (value instanceof SafeHtml) text = formatText(value.text, directive);
  else if (typeof value === 'boolean')
    text = verb === 'v' || verb === 't' ? pad(String(value), directive) : undefined;
  else if (isList(value))
    return `[${value.map((entry) => formatOperand(entry, directive)).join(' ')}]`;
  else if (value instanceof Struct && value.text !== undefined) {
    text = formatText(value.text(), directive);
  } else text = verb === 'v' || verb === 's' ? pad(printValue(value), directive) : undefined;
  return text ?? mismatch(verb, value);
}

class Printer {
  private readonly format: string;
  private readonly operands: readonly Value[];
  private at = 0;
  private next = 0;
  private reordered = false;

  constructor(format: string, operands: readonly Value[]) {
    this.format = format;
    this.operands = operands;
  }

  run(): string {
    let out = '';
    for (;;) {
      const percent = this.format.indexOf('%', this.at);
      if (percent < 0) break;
      out += this.format.slice(this.at, percent);
      this.at = percent + 1;
      out += this.directive();
    }
    out += this.format.slice(this.at);
    if (!this.reordered && this.next < this.operands.length) {
      const extra = this.operands
        .slice(this.next)
        .map((value) =>
          value === undefined ? '<nil>' : `${typeName(value)}=${printValue(value)}`,
        );
      out += `%!(EXTRA ${extra.join(', ')})`;
    }
    return out;
  }

  private directive(): string {
    const flags = new Set<string>();
    while ('+-# 0'.includes(this.format.charAt(this.at)) && this.at < this.format.length)
      flags.add(this.format.charAt(this.at++));
    if (flags.has('-')) flags.delete('0');
    this.index();
    const width = this.number(flags);
    let precision: number | undefined;
    if (this.format.charAt(this.at) === '.') {
      this.at++;
      this.index();
      precision = this.number(undefined) ?? 0;
    }
    this.index();
    const verb = String.fromCodePoint(this.format.codePointAt(this.at) ?? 0);
    if (this.at >= this.format.length) return '%!(NOVERB)';
    this.at += verb.length;
    if (verb === '%') return '%';
    if (this.next >= this.operands.length)
      return `%!${verb}(${this.reordered ? 'BADINDEX' : 'MISSING'})`;
    return formatOperand(this.operands[this.next++], { flags, width, precision, verb });
  }

  /** `[3]`: the operand to take next. */
  private index(): void {
    const match = /^\[(\d+)\]/.exec(this.format.slice(this.at, this.at + 12));
    if (match === null) return;
    this.at += match[0].length;
    this.next = Number(match[1]) - 1;
    this.reordered = true;
  }

  private number(flags: Set<string> | undefined): number | undefined {
    if (this.format.charAt(this.at) === '*') {
      this.at++;
      const operand = this.operands[this.next++];
      if (!(operand instanceof Int)) return undefined;
      if (operand.value < 0) flags?.add('-');
      return Math.min(WIDTH_MAX, Math.abs(operand.value));
    }
    const match = /^\d+/.exec(this.format.slice(this.at, this.at + 16));
    if (match === null) return undefined;
    this.at += match[0].length;
    return Math.min(WIDTH_MAX, Number(match[0]));
  }
}

/** Go's Sprintf. Mistakes show in the text, as in Go: `%!d(string=hi)`, `%!s(MISSING)`. */
export const printf = (format: string, operands: readonly Value[]): string =>
  new Printer(format, operands).run();
