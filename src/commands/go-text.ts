// SPDX-License-Identifier: Apache-2.0
// Durations, times, sizes and tables as Go's standard library writes and reads them.

import { CommandError } from './command.ts';

/** time.Duration to the microsecond: `1h46m0.001s`, `3.25ms`. */
export function goDuration(ms: number): string {
  const micros = Math.round(Math.abs(ms) * 1000);
  if (micros === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  if (micros < 1000) return `${sign}${micros}µs`;
  const all = micros / 1000;
  if (all < 1000) return `${sign}${all}ms`;
  const seconds = String((micros % 60_000_000) / 1e6);
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

/**
 * Lays out lines whose cells end with tabs: a column is as wide as its widest cell in the neighbouring
 * lines that have it, and two blanks. What follows a line's last tab belongs to no column.
 */
export function tabulated(text: string): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const length = (cell: string): number => [...cell].length;
  const widths: number[][] = lines.map(() => []);
  const columns = lines.reduce((most, cells) => Math.max(most, cells.length - 1), 0);
  for (let column = 0; column < columns; column++) {
    for (let from = 0; from < lines.length; ) {
      let to = from;
      let widest = 0;
      for (; to < lines.length && lines[to]!.length - 1 > column; to++)
        widest = Math.max(widest, length(lines[to]![column]!));
      for (let i = from; i < to; i++) widths[i]![column] = widest + 2;
      from = Math.max(to, from + 1);
    }
  }
  const filled = (cell: string, width: number | undefined): string =>
    width === undefined ? cell : cell + ' '.repeat(width - length(cell));
  return lines
    .map((cells, i) => cells.map((cell, column) => filled(cell, widths[i]![column])).join(''))
    .join('\n');
}

/** Milliseconds of Go's time.Duration units. */
const goUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go's standard library reads it (`1h30m`, `1.5s`), in milliseconds. @throws CommandError */
export function parseGoDuration(text: string): number {
  const shown = JSON.stringify(text);
  if (/^[+-]?0$/.test(text)) return 0;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '') throw new CommandError(`time: invalid duration ${shown}`);
  let ms = 0;
  while (rest !== '') {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (match === null) throw new CommandError(`time: invalid duration ${shown}`);
    const [all, number = '', unit = ''] = match;
    if (unit === '') throw new CommandError(`time: missing unit in duration ${shown}`);
    const unitMs = goUnits[unit];
    if (unitMs === undefined) {
      throw new CommandError(`time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`);
    }
    ms += Number(number) * unitMs;
    rest = rest.slice(all.length);
  }
  return text.startsWith('-') ? -ms : ms;
}
