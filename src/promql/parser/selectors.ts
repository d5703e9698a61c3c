// SPDX-License-Identifier: Apache-2.0
// Instant vector selectors and lists of labels.

import {
  METRIC_NAME,
  type Matcher,
  RegexpError,
  compileRegexp,
  isValidLabelName,
  quote,
} from '../../model/index.ts';
import type { VectorSelector } from '../ast/nodes.ts';
import type { Cursor } from './cursor.ts';
import { unquote } from './strings.ts';
import { isLabelWord, isMetricName, type Token } from './tokens.ts';

const MATCHING = 'label matching';
const GROUPING = 'grouping opts';

function matchType(token: Token): Matcher['type'] | undefined {
  const { word } = token;
  return word === '=' || word === '!=' || word === '=~' || word === '!~' ? word : undefined;
}

/** `name op "value"`, or a quoted metric name alone. */
function parseMatcher(cursor: Cursor): Matcher {
  const label = cursor.peek();
  if (label.kind !== 'identifier' && label.kind !== 'string') {
    cursor.unexpected(MATCHING, 'identifier or "}"');
  }
  cursor.take();
  const name = label.kind === 'string' ? unquote(label.text) : label.text;
  const type = matchType(cursor.peek());
  if (type === undefined) {
    if (label.kind === 'string') return { name: METRIC_NAME, type: '=', value: name };
    cursor.unexpected(MATCHING, 'label matching operator');
  }
  cursor.take();
  const literal = cursor.peek();
  if (literal.kind !== 'string') cursor.unexpected(MATCHING, 'string');
  cursor.take();
  const value = unquote(literal.text);
  if (type === '=~' || type === '!~') {
    try {
      compileRegexp(value);
    } catch (error) {
      if (!(error instanceof RegexpError)) throw error;
      cursor.fail({ start: label.start, end: literal.end }, error.message);
    }
  }
  return { name, type, value };
}

/** `{…}` with its braces. */
function parseMatchers(cursor: Cursor): Matcher[] {
  cursor.take();
  const matchers: Matcher[] = [];
  while (!cursor.accept('}')) {
    matchers.push(parseMatcher(cursor));
    if (cursor.accept(',') || cursor.at('}')) continue;
    cursor.unexpected(MATCHING, '"," or "}"');
  }
  return matchers;
}

/** A selector whose first token is the metric name or the left brace. */
export function parseVectorSelector(cursor: Cursor): VectorSelector {
  const first = cursor.peek();
  const { start } = first;
  let name = '';
  if (isMetricName(first)) name = cursor.take().text;
  else if (first.word !== '{') cursor.unexpectedInExpression();
  let { end } = first;
  let matchers: Matcher[] = [];
  if (cursor.at('{')) {
    matchers = parseMatchers(cursor);
    end = cursor.lastEnd;
  }
  if (name !== '') matchers.push({ name: METRIC_NAME, type: '=', value: name });
  return {
    kind: 'vectorSelector',
    name,
    matchers,
    offsetMs: 0,
    anchored: false,
    smoothed: false,
    position: { start, end },
  };
}

function groupingLabel(cursor: Cursor, token: Token): string {
  const name = unquote(token.text);
  if (!isValidLabelName(name, 'utf8')) {
    cursor.fail(token, `invalid label name for grouping: ${quote(name)}`);
  }
  return name;
}

/** `(a, "b c", …)` after by, without, on, ignoring, group_left or group_right. */
export function parseGrouping(cursor: Cursor): string[] {
  if (!cursor.accept('(')) cursor.unexpected(GROUPING, '"("');
  const labels: string[] = [];
  while (!cursor.accept(')')) {
    const token = cursor.peek();
    if (token.kind === 'string') labels.push(groupingLabel(cursor, token));
    else if (isLabelWord(token)) labels.push(token.text);
    else cursor.unexpected(GROUPING, 'label');
    cursor.take();
    if (cursor.accept(',') || cursor.at(')')) continue;
    cursor.unexpected(GROUPING, '"," or ")"');
  }
  return labels;
}
