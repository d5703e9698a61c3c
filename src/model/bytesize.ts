// SPDX-License-Identifier: Apache-2.0
// Sizes in bytes: `512MB`, `1.5GB`, `10MiB`, `0`. All units are powers of 1024, as upstream has them.

const letters = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;

/** A text that is not a size; the message is upstream's. */
export class ByteSizeError extends Error {
  override name = 'ByteSizeError';
}

/** 1024^i for `KB`, `KiB` …; undefined for anything else. A bare `K` is no unit. */
function unitBytes(unit: string): number | undefined {
  const match = /^(?:([KMGTPE])i?)?B$/.exec(unit);
  if (!match) return undefined;
  return 1024 ** letters.findIndex((letter) => letter === (match[1] ?? ''));
}

/**
 * Reads a size into bytes. Several parts add up (`1GB512MB`); fractions are allowed and truncated.
 *
 * @throws ByteSizeError
 */
export function parseByteSize(text: string): number {
  const unsigned = text.replace(/^[-+]/, '');
  if (unsigned === '0') return 0;
  if (unsigned === '') throw new ByteSizeError(`units: invalid ${text}`);
  let total = 0;
  let rest = unsigned;
  while (rest !== '') {
    const match = /^([0-9]*\.?[0-9]*)([^0-9.]*)/.exec(rest);
    const digits = match?.[1] ?? '';
    const unit = match?.[2] ?? '';
    if (digits === '' || digits === '.') throw new ByteSizeError(`units: invalid ${text}`);
    if (unit === '') throw new ByteSizeError(`units: missing unit in ${text}`);
    const bytes = unitBytes(unit);
    if (bytes === undefined) throw new ByteSizeError(`units: unknown unit ${unit} in ${text}`);
    total += Number(digits) * bytes;
    rest = rest.slice(digits.length + unit.length);
  }
  if (total >= 2 ** 63) throw new ByteSizeError(`units: overflow parsing unit ${text}`);
  return Math.trunc(text.startsWith('-') ? -total : total);
}

/** Upstream's spelling of a whole number of bytes: `15MiB`, `1GiB512MiB`, `0B`. */
export function formatByteSize(bytes: number): string {
  if (bytes === 0) return '0B';
  let rest = bytes;
  let text = '';
  for (let i = 0; i < letters.length && rest > 0; i++) {
    const part = i === letters.length - 1 ? rest : rest % 1024;
    if (part !== 0) text = `${part}${letters[i]}${i === 0 ? 'B' : 'iB'}` + text;
    rest = Math.floor(rest / 1024);
  }
  return text;
}
