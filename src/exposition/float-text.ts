// SPDX-License-Identifier: Apache-2.0
// Floats as the exposition formats write them: what Go's strconv accepts, and how it prints.

import { quote } from '../model/index.ts';

/** A text that is no float; `message` is Go's. */
export class FloatTextError extends Error {
  override name = 'FloatTextError';
}

const decimal = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const infinite = /^[+-]?inf(?:inity)?$/i;

/** The number that `text` spells, or undefined: decimal notation, `Inf`, `NaN`; no hexadecimal. */
export function readFloat(text: string): number | undefined {
  if (decimal.test(text)) return Number(text);
  if (infinite.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

/**
 * Reads a sample value, exemplar value or timestamp.
 *
 * @param shown  makes the text for messages, in quotes; needed where the input was not UTF-8
 * @throws FloatTextError with Go's texts: invalid syntax, value out of range, unsupported character
 */
export function parseFloatText(text: string, shown: () => string = () => quote(text)): number {
  if (/[pP_]/.test(text)) throw new FloatTextError('unsupported character in float');
  const value = readFloat(text);
  if (value === undefined)
    throw new FloatTextError(`strconv.ParseFloat: parsing ${shown()}: invalid syntax`);
  if (!Number.isFinite(value) && decimal.test(text))
    throw new FloatTextError(`strconv.ParseFloat: parsing ${shown()}: value out of range`);
  return value;
}

/** Go's `strconv.FormatFloat(value, 'g', -1, 64)` for finite values. */
function formatShortest(value: number): string {
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
}

/**
 * A float as OpenMetrics writes it in `le` and `quantile`: always with a point or an exponent, so that
 * equal bounds are equal label values whatever the target wrote.
 */
export function formatOpenMetricsFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  const text = Object.is(value, -0) ? '-0' : formatShortest(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
