// SPDX-License-Identifier: Apache-2.0

import type { PositionRange } from '../ast/nodes.ts';
import { QueryError } from '../engine/errors.ts';

/** UTF-8 bytes of a part of a text: columns of messages are counted in them, as upstream does. */
function utf8Length(text: string, from: number, to: number): number {
  let bytes = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    // A surrogate pair is four bytes, two for each half.
    if (code < 0x80) bytes += 1;
    else if (code < 0x800 || (code >= 0xd800 && code < 0xe000)) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}

/** Line and column (from 1, in bytes) of an offset, as messages have them. */
export function placeOf(query: string, offset: number): string {
  if (query === '') return 'unknown position';
  const lineStart = offset === 0 ? 0 : query.lastIndexOf('\n', offset - 1) + 1;
  let line = 1;
  for (let i = 0; i < lineStart; i++) if (query.charCodeAt(i) === 10) line++;
  return `${line}:${utf8Length(query, lineStart, offset) + 1}`;
}

/** A query that breaks the language's rules. The message is upstream's: "1:5: parse error: …". */
export class ParseError extends QueryError {
  override name = 'ParseError';
  readonly position: PositionRange;
  /** The message without its place. */
  readonly reason: string;
  constructor(query: string, position: PositionRange, reason: string) {
    super('bad_data', `${placeOf(query, position.start)}: parse error: ${reason}`);
    this.position = position;
    this.reason = reason;
  }
}
