// SPDX-License-Identifier: Apache-2.0

export interface YamlParts {
  readonly before: string;
  /** The key of the line's mapping; '' when it has none. */
  readonly key: string;
  readonly after: string;
}

/** Splits a line of block-style YAML around its key. */
export function yamlParts(line: string): YamlParts {
  const match = /^(\s*(?:- )*)([\w./-]+|"[^"]*")(:(?: .*)?)$/.exec(line);
  if (match === null) return { before: line, key: '', after: '' };
  return { before: match[1] ?? '', key: match[2] ?? '', after: match[3] ?? '' };
}
