// SPDX-License-Identifier: Apache-2.0
// Durations, times, sizes and tables as Go's standard library prints them.

/** time.Duration of whole milliseconds: `1h46m0.001s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const all = Math.abs(ms);
  if (all < 1000) return `${sign}${all}ms`;
  const seconds = String((all % 60_000) / 1000);
  const minutes = Math.floor(all / 60_000);
  if (minutes === 0) return `${sign}${seconds}s`;
  if (minutes < 60) return `${sign}${minutes}m${seconds}s`;
  return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}

/** time.Time in UTC, whole seconds: `2023-11-14 22:13:20 +0000 UTC`. */
export function goTime(ms: number): string {
  const iso = new Date(Math.floor(ms / 1000) * 1000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000 UTC`;
}

const base2 = ['EiB', 'PiB', 'TiB', 'GiB', 'MiB', 'KiB'] as const;

/** Sizes as all their units, largest first: `72KiB1023B`. */
export function base2Bytes(bytes: number): string {
  if (bytes === 0) return '0B';
  let text = '';
  let rest = bytes;
  base2.forEach((unit, i) => {
    const size = 1024 ** (base2.length - i);
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  });
  return rest > 0 ? `${text}${rest}B` : text;
}

/** Rows in columns at least `width` wide, two blanks apart; the last column is not filled up. */
export function table(rows: readonly (readonly string[])[], width: number): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? width, cell.length + 2);
    });
  }
  return rows
    .map((row) =>
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join(''),
    )
    .map((line) => `${line}\n`)
    .join('');
}
