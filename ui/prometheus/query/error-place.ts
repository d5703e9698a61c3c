// SPDX-License-Identifier: Apache-2.0

export interface ErrorPlace {
  /** The line of the expression with the mistake. */
  readonly line: string;
  /** From 0. */
  readonly column: number;
  readonly width: number;
}

/** Where in `expr` a message such as `1:5: parse error: unexpected …` points; undefined when nowhere. */
export function errorPlace(message: string, expr: string): ErrorPlace | undefined {
  const match = /(?:^|\s)(\d+):(\d+): parse error/.exec(message);
  if (match === null) return undefined;
  const line = expr.split('\n')[Number(match[1]) - 1];
  const column = Number(match[2]) - 1;
  if (line === undefined || column < 0 || column > line.length) return undefined;
  const token = /^([\w:.]+|"[^"]*"|'[^']*'|\S)/.exec(line.slice(column))?.[0].length ?? 1;
  return { line, column, width: token };
}
