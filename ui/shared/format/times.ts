// SPDX-License-Identifier: Apache-2.0
// Points in time and lengths of time for people. Milliseconds since the epoch; UTC unless `local`.

/** `2026-11-24 22:04:05`, with `.123` only when there are milliseconds. */
export function formatTime(ms: number, local = false): string {
  if (!Number.isFinite(ms)) return '–';
  const date = new Date(local ? ms - new Date(ms).getTimezoneOffset() * 60_000 : ms);
  if (Number.isNaN(date.getTime())) return '–';
  const iso = date.toISOString();
  const end = date.getUTCMilliseconds() === 0 ? 19 : 23;
  return iso
    .replace('T', ' ')
    .replace(/Z$/, '')
    .slice(0, iso.length - 1 - 23 + end);
}

/**
 * Reads what `formatTime` writes and what people leave out: seconds, or the time of day.
 * @returns undefined when it is no time
 */
export function parseTimeText(text: string, local = false): number | undefined {
  const match =
    /^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?\s*(Z?)\s*$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => (part === undefined ? 0 : Number(part))) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Number((match[7] ?? '0').padEnd(3, '0'));
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return undefined;
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  if (new Date(utc).getUTCDate() !== day) return undefined;
  if (!local || match[8] === 'Z') return utc;
  return new Date(year, month - 1, day, hour, minute, second, ms).getTime();
}

/** A length of time in its two largest units: `3d 4h`, `12m 5s`, `4.21s`, `35ms`. */
export function formatSpan(ms: number): string {
  const size = Math.abs(ms);
  const sign = ms < 0 ? '-' : '';
  if (size < 1) return size === 0 ? '0s' : `${sign}${Math.max(1, Math.round(size * 1000))}µs`;
  if (size < 999.5) return `${sign}${size < 10 ? Number(size.toFixed(2)) : Math.round(size)}ms`;
  if (size < 59_950) return `${sign}${Number((size / 1000).toFixed(size < 10_000 ? 2 : 1))}s`;
  const seconds = Math.round(size / 1000);
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, length]) => seconds >= length);
  const [name, length] = units[first] ?? ['s', 1];
  const next = units[first + 1];
  const whole = Math.floor(seconds / length);
  const rest = next === undefined ? 0 : Math.floor((seconds - whole * length) / next[1]);
  return `${sign}${whole}${name}${next !== undefined && rest > 0 ? ` ${rest}${next[0]}` : ''}`;
}

/** `4.2s ago`, `in 3m`, `never` for Go's zero time. */
export function formatAgo(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms) || ms < -62_000_000_000_000) return 'never';
  const agoMs = nowMs - ms;
  if (agoMs < -500) return `in ${formatSpan(-agoMs)}`;
  return `${formatSpan(Math.max(0, Math.round(agoMs / 100) * 100))} ago`;
}
