// SPDX-License-Identifier: Apache-2.0
// Numbers as Go prints them. JavaScript and Go agree on the shortest digits; the layout differs.

/** `5e-7` → `5e-07`: Go's exponents have at least two digits and always a sign. */
function goExponent(text: string): string {
  const e = text.indexOf('e');
  if (e < 0) return text;
  const digits = text.slice(e + 2);
  return text.slice(0, e + 2) + (digits.length < 2 ? `0${digits}` : digits);
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return undefined;
}

/** A sample's value in the API's JSON: plain digits for 1e-6 <= |v| < 1e21, else Go's exponent form. */
export function formatSampleValue(value: number): string {
  const text = special(value);
  if (text !== undefined) return text;
  const magnitude = Math.abs(value);
  // JavaScript switches to exponents at the same places as the API does.
  if (magnitude >= 1e-6 && magnitude < 1e21) return String(value);
  return goExponent(value.toExponential());
}

/** Always plain digits, as `strconv.FormatFloat(v, 'f', -1, 64)`: labels that count_values makes. */
export function formatFloatF(value: number): string {
  const text = special(value);
  if (text !== undefined) return text;
  const plain = String(value);
  const e = plain.indexOf('e');
  if (e < 0) return plain;
  const negative = value < 0;
  const digits = plain.slice(negative ? 1 : 0, e).replace('.', '');
  const point = 1 + Number(plain.slice(e + 1));
  const sign = negative ? '-' : '';
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

/** As Go's `%g`, or `%.<precision>g`. */
export function formatFloatG(value: number, precision?: number): string {
  const text = special(value);
  if (text !== undefined) return text;
  const digits =
    precision === undefined ? value.toExponential() : value.toExponential(precision - 1);
  const exponent = Number(digits.slice(digits.indexOf('e') + 1));
  // With the shortest digits Go decides as if the precision were 6.
  const largest = precision ?? 6;
  if (exponent < -4 || exponent >= largest) {
    const [mantissa = '', power = ''] = digits.split('e');
    return goExponent(`${trimmed(mantissa)}e${power}`);
  }
  if (precision === undefined) return formatFloatF(value);
  return trimmed(value.toFixed(Math.max(0, precision - 1 - exponent)));
}

const trimmed = (text: string): string =>
  text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;

/** As Go's `%f`: six decimals. */
export const formatFloatFixed = (value: number): string => special6(value) ?? value.toFixed(6);

function special6(value: number): string | undefined {
  return Number.isFinite(value) ? undefined : special(value);
}
