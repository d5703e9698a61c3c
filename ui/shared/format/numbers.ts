// SPDX-License-Identifier: Apache-2.0
// Numbers for people. What the server wrote (`"1.5e+09"`) is shown as it is where exactness matters.

const large = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

const special = (value: number): string | undefined => {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return undefined;
};

/** Without the zeros that `toFixed` and `toPrecision` leave behind the point. */
const trimmed = (text: string): string =>
  text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;

/** Prefixes for small numbers would be mistaken for units: below this they get an exponent. */
const PLAIN_MIN = 1e-4;

/** 1234567 → `1.235M`: `digits` significant ones and an SI prefix. */
export function formatShort(value: number, digits = 4): string {
  const named = special(value);
  if (named !== undefined) return named;
  if (value === 0) return '0';
  const size = Math.abs(value);
  let power = Math.max(0, Math.floor(Math.log10(size) / 3));
  // Rounding may reach the next prefix: 999.99k is 1M.
  if (Number((size / 1000 ** power).toPrecision(digits)) >= 1000) power += 1;
  const prefix = large[power];
  if (prefix === undefined || size < PLAIN_MIN) {
    return value.toExponential(digits - 1).replace(/\.?0*e/, 'e');
  }
  return trimmed((value / 1000 ** power).toPrecision(digits)) + prefix;
}

/** A value with all digits that a person can use: up to 9 significant ones, no prefix. */
export function formatValue(value: number): string {
  const named = special(value);
  if (named !== undefined) return named;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e15)) return value.toExponential();
  if (Number.isInteger(value)) return String(value);
  return trimmed(value.toPrecision(Math.max(9, Math.floor(Math.log10(size)) + 4)));
}

/** Labels of an axis's ticks: one prefix and as many decimals for all of them, as their distance needs. */
export function formatTicks(ticks: readonly number[]): string[] {
  const size = Math.max(...ticks.map(Math.abs), 0);
  const first = ticks[0] ?? 0;
  const distance = ticks.length > 1 ? Math.abs((ticks[1] ?? 0) - first) : size;
  const power = size === 0 ? 0 : Math.max(0, Math.floor(Math.log10(size) / 3));
  const prefix = large[power];
  if (prefix === undefined || distance === 0 || (size > 0 && size < PLAIN_MIN)) {
    return ticks.map((tick) => formatShort(tick));
  }
  const unit = 1000 ** power;
  let decimals = Math.min(9, Math.max(0, -Math.floor(Math.log10(distance / unit) + 1e-9)));
  // Steps of 2.5 need one more.
  const scaled = (distance / unit) * 10 ** decimals;
  if (Math.abs(scaled - Math.round(scaled)) > 1e-6) decimals += 1;
  return ticks.map((tick) => (tick === 0 ? '0' : (tick / unit).toFixed(decimals) + prefix));
}

/** Bytes with binary prefixes: `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text =
    unit === 0 ? String(value) : trimmed(value.toPrecision(Math.abs(value) < 100 ? 3 : 4));
  return `${text} ${units[unit]}`;
}

/** Whole numbers with thin groups: `1 234 567`. */
export const formatCount = (count: number): string =>
  Number.isFinite(count)
    ? Math.round(count)
        .toString()
        .replace(/\B(?=(\d{3})+$)/g, '\u202f')
    : String(count);

/** `1 series`, `2 series`; `1 target`, `2 targets`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** `Down 3`; `Down` while nobody knows how many: a zero would be a claim. */
export const labelWithCount = (label: string, count: number | undefined): string =>
  count === undefined ? label : `${label} ${count}`;
