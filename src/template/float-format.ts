// SPDX-License-Identifier: Apache-2.0
// Floats as Go's strconv writes them.

/** Decimal digits and exponent of a finite positive number: 0.d1d2… × 10^exponent is avoided: d1.d2… */
interface Decimal {
  readonly digits: string;
  /** Power of ten of the first digit. */
  readonly exponent: number;
}

function decimalOf(text: string): Decimal {
  const [mantissa = '', exponent = '0'] = text.split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

const shortest = (magnitude: number): Decimal => decimalOf(magnitude.toExponential());

/** `e+06`: a sign and at least two digits. */
function exponentText(letter: string, exponent: number): string {
  const digits = String(Math.abs(exponent));
  return letter + (exponent < 0 ? '-' : '+') + (digits.length < 2 ? `0${digits}` : digits);
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return undefined;
}

const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0);

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits + '0'.repeat(exponent + 1 - digits.length);
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function scientific(digits: string, exponent: number, letter: string): string {
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${digits.slice(0, 1)}${rest}${exponentText(letter, exponent)}`;
}

/** %e: `precision` digits after the point; undefined: as many as needed. */
export function formatScientific(value: number, precision?: number, letter = 'e'): string {
  const known = special(value);
  if (known !== undefined) return known;
  const magnitude = Math.abs(value);
  const { digits, exponent } =
    precision === undefined
      ? shortest(magnitude)
      : decimalOf(magnitude.toExponential(Math.min(100, precision)));
  return (isNegative(value) ? '-' : '') + scientific(digits, exponent, letter);
}

/** %f. JavaScript's toFixed stops at 1e21, where all further digits are zeros or exact integers. */
export function formatFixed(value: number, precision?: number): string {
  const known = special(value);
  if (known !== undefined) return known;
  const sign = isNegative(value) ? '-' : '';
  const magnitude = Math.abs(value);
  if (precision === undefined) {
    const { digits, exponent } = shortest(magnitude);
    return sign + plain(digits, exponent);
  }
  if (magnitude < 1e21) return sign + magnitude.toFixed(Math.min(100, precision));
  const whole = plain(shortest(magnitude).digits, shortest(magnitude).exponent);
  return sign + (precision > 0 ? `${whole}.${'0'.repeat(precision)}` : whole);
}

/**
 * %g: the shorter of %e and %f, with the digits that are needed or `precision` of them. Plain from 1e-4
 * to below 10^precision; without a precision below 1e6, whatever the number of digits.
 */
export function formatGeneral(
  value: number,
  precision?: number,
  { letter = 'e', keepZeros = false } = {},
): string {
  const known = special(value);
  if (known !== undefined) return known;
  const sign = isNegative(value) ? '-' : '';
  const magnitude = Math.abs(value);
  const kept = Math.max(precision ?? 6, 1);
  const { digits, exponent } =
    precision === undefined
      ? shortest(magnitude)
      : decimalOf(magnitude.toExponential(Math.min(100, kept - 1)));
  const shown = precision === undefined || keepZeros ? digits : digits.replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= kept) return sign + scientific(shown, exponent, letter);
  return sign + plain(shown, exponent);
}
