// SPDX-License-Identifier: Apache-2.0
// Numbers as Go prints them with %g and the shortest digits: what every exposition in the field looks like.

/** `value` as Go's `strconv.FormatFloat(value, 'g', -1, 64)`: `1e+06`, `1.234e-05`, `+Inf`, `NaN`. */
export function goFloat(value: number): string {
  const magnitude = Math.abs(value);
  if ((magnitude >= 1e-4 && magnitude < 1e6) || value === 0) {
    return Object.is(value, -0) ? '-0' : String(value);
  }
  if (magnitude === Number.POSITIVE_INFINITY) return value > 0 ? '+Inf' : '-Inf';
  if (Number.isNaN(value)) return 'NaN';
  // JavaScript and Go agree on the shortest digits; only the exponent is written differently.
  const text = value.toExponential();
  const e = text.indexOf('e');
  const exponent = text.slice(e + 2);
  return text.slice(0, e + 2) + (exponent.length < 2 ? '0' + exponent : exponent);
}

/** As {@link goFloat}, but always visibly a float, as OpenMetrics has it: `1.0`, `17.0`. */
export function openMetricsFloat(value: number): string {
  const text = goFloat(value);
  return /^-?\d+$/.test(text) ? text + '.0' : text;
}
