// SPDX-License-Identifier: Apache-2.0
// Kinds of tokens, and what messages call them.

import { quote } from '../../model/index.ts';

export type TokenKind =
  | 'end'
  | 'error'
  | 'identifier'
  | 'metric'
  | 'string'
  | 'number'
  | 'duration'
  /** Operators, keywords, aggregators and preprocessors carry their lower-case text in `word`. */
  | 'operator'
  | 'keyword'
  | 'aggregator'
  /** start, end, step, range. */
  | 'preprocessor'
  /** ( ) { } [ ] , : = */
  | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  /** As written; for errors the message. */
  readonly text: string;
  /** Lower case for what the language knows, symbols as they are; '' otherwise. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

const kindOfWord: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ...'inf nan'.split(' ').map((word) => [word, 'number'] as const),
  ...'and or unless atan2'.split(' ').map((word) => [word, 'operator'] as const),
  ...(
    'sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk ' +
    'limit_ratio'
  )
    .split(' ')
    .map((word) => [word, 'aggregator'] as const),
  ...(
    'offset smoothed anchored by without on ignoring group_left group_right bool fill fill_left ' +
    'fill_right'
  )
    .split(' ')
    .map((word) => [word, 'keyword'] as const),
  ...'start end step range'.split(' ').map((word) => [word, 'preprocessor'] as const),
]);

/** The kind of a word without colons. */
export const wordKind = (lower: string): TokenKind => kindOfWord.get(lower) ?? 'identifier';

const notMetricNames: ReadonlySet<string> = new Set(
  'on ignoring group_left group_right bool atan2 inf nan'.split(' '),
);

/** Whether a token can be a metric's name before braces. */
export function isMetricName({ kind, word }: Token): boolean {
  switch (kind) {
    case 'identifier':
    case 'metric':
    case 'aggregator':
    case 'preprocessor':
      return true;
    case 'keyword':
      return !notMetricNames.has(word);
    case 'operator':
      return word === 'and' || word === 'or' || word === 'unless';
    default:
      return false;
  }
}

/** Whether a token can be an unquoted label's name in a list of labels. */
export function isLabelWord({ kind, word }: Token): boolean {
  switch (kind) {
    case 'identifier':
    case 'metric':
    case 'aggregator':
    case 'preprocessor':
      return true;
    case 'keyword':
      return word !== 'without';
    case 'operator':
      return /^[a-z]/.test(word);
    default:
      return false;
  }
}

/** Go's `%.10q...` of long texts, `%q` of others. */
function shortened(text: string): string {
  if (new TextEncoder().encode(text).length <= 10) return quote(text);
  return `${quote([...text.slice(0, 20)].slice(0, 10).join(''))}...`;
}

/** How a message names what it did not expect. */
export function describeToken(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'end of input';
    case 'identifier':
      return `identifier ${quote(token.text)}`;
    case 'metric':
      return `metric identifier ${quote(token.text)}`;
    case 'string':
      return `string ${shortened(token.text)}`;
    case 'number':
      return `number ${shortened(token.text)}`;
    case 'duration':
      return `duration ${shortened(token.text)}`;
    case 'operator':
      return `<op:${token.text}>`;
    case 'keyword':
      return `<${token.text}>`;
    case 'aggregator':
      return `<aggr:${token.text}>`;
    default:
      return quote(token.text);
  }
}
