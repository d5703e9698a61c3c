// SPDX-License-Identifier: Apache-2.0

/** At most `max` characters; an ellipsis shows that there was more, where there is room for it. */
export function truncateRunes(text: string, max: number): string {
  const runes = [...text];
  if (runes.length <= max) return text;
  return max <= 3 ? runes.slice(0, max).join('') : `${runes.slice(0, max - 1).join('')}…`;
}

/** At most `max` bytes of UTF-8. */
export function truncateBytes(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text;
  if (max <= 3) return '.'.repeat(max);
  let end = max - 3;
  // Not in the middle of a character.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${new TextDecoder().decode(bytes.subarray(0, end))}…`;
}
