// SPDX-License-Identifier: Apache-2.0
import type { Expression } from '../ast/nodes.ts';
import type { EngineFeatures } from '../operators/context.ts';
import { type Matcher, parseDuration } from '../../model/index.ts';
import { QueryError } from './errors.ts';
const AGG = new Set([
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);
const PREC: Record<string, number> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '>': 3,
  '<=': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a first parser, which the real one replaces
export function parseQuery(query: string, _f: EngineFeatures): Expression {
  const toks: { t: string; p: number }[] = [];
  const re =
    /\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?:\d+(?:ms|[smhdwy]))+|0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|[a-zA-Z_:][\w:]*|=~|!~|==|!=|<=|>=|[-+*/%^(){}[\],@<>=:])/y;
  for (let m = re.exec(query); m !== null; m = re.exec(query))
    toks.push({ t: m[1]!, p: re.lastIndex - m[1]!.length });
  toks.push({ t: '', p: query.length });
  let i = 0;
  const peek = () => toks[i]!.t;
  const next = () => toks[i++]!.t;
  const eat = (t: string) => {
    if (next() !== t) throw new Error(`want ${t} at ${toks[i - 1]!.p} got ${toks[i - 1]!.t}`);
  };
  const str = (t: string) => (t.startsWith("'") ? t.slice(1, -1) : (JSON.parse(t) as string));
  const dur = (t: string) => (/^[\d.]+$/.test(t) ? Number(t) * 1000 : parseDuration(t));
  const names = () => {
    const r: string[] = [];
    eat('(');
    while (peek() !== ')') {
      r.push(next());
      if (peek() === ',') next();
    }
    eat(')');
    return r;
  };
  const end = () => toks[i - 1]!.p + toks[i - 1]!.t.length;
  function matchers(out: unknown[]) {
    eat('{');
    while (peek() !== '}') {
      const name = next();
      const type = next();
      out.push({ name, type, value: str(next()) });
      if (peek() === ',') next();
    }
    eat('}');
  }
  function suffix(e: Expression, start: number): Expression {
    for (;;) {
      if (peek() === '[') {
        next();
        const range = dur(next());
        if (peek() === ':') {
          next();
          const step = peek() === ']' ? 0 : dur(next());
          eat(']');
          e = {
            kind: 'subquery',
            expression: e,
            rangeMs: range,
            stepMs: step,
            offsetMs: 0,
            position: { start, end: end() },
          };
        } else {
          eat(']');
          e = {
            kind: 'matrixSelector',
            selector: e as never,
            rangeMs: range,
            position: { start, end: end() },
          };
        }
      } else if (peek() === 'offset') {
        next();
        const neg = peek() === '-' ? -1 : 1;
        if (neg < 0) next();
        const o = dur(next()) * neg;
        e =
          e.kind === 'matrixSelector'
            ? { ...e, selector: { ...e.selector, offsetMs: o } }
            : ({ ...e, offsetMs: o } as Expression);
      } else if (peek() === '@') {
        next();
        const t = next();
        let mod: object;
        if (t === 'start' || t === 'end') {
          eat('(');
          eat(')');
          mod = { startOrEnd: t };
        } else mod = { timestampMs: t === '-' ? -dur(next()) : dur(t) };
        e =
          e.kind === 'matrixSelector'
            ? { ...e, selector: { ...e.selector, ...mod } }
            : ({ ...e, ...mod } as Expression);
      } else return e;
    }
  }
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: as above
  function primary(): Expression {
    const start = toks[i]!.p;
    const t = next();
    const pos = () => ({ start, end: end() });
    if (t === '(') {
      const e = expr(0);
      eat(')');
      return suffix({ kind: 'paren', expression: e, position: pos() }, start);
    }
    if (t === '-' || t === '+') {
      const e = expr(5);
      return { kind: 'unary', op: t, expression: e, position: pos() };
    }
    if (/^["']/.test(t)) return { kind: 'string', value: str(t), position: pos() };
    if (/^[\d.]/.test(t))
      return {
        kind: 'number',
        value: /[smhdwy]$/.test(t) && !t.startsWith('0x') ? parseDuration(t) / 1000 : Number(t),
        isDuration: false,
        position: pos(),
      };
    if (t === '{') {
      i--;
      const ms: never[] = [];
      matchers(ms);
      return suffix(
        {
          kind: 'vectorSelector',
          name: '',
          matchers: ms,
          offsetMs: 0,
          anchored: false,
          smoothed: false,
          position: pos(),
        },
        start,
      );
    }
    const low = t.toLowerCase();
    if (low === 'nan' || low === 'inf')
      return {
        kind: 'number',
        value: low === 'nan' ? NaN : Infinity,
        isDuration: false,
        position: pos(),
      };
    if (AGG.has(low) && (peek() === '(' || peek() === 'by' || peek() === 'without')) {
      let grouping: string[] = [];
      let without = false;
      const by = () => {
        if (peek() === 'by' || peek() === 'without' || peek() === 'BY') {
          without = next() === 'without';
          grouping = names();
        }
      };
      by();
      eat('(');
      const args: Expression[] = [];
      while (peek() !== ')') {
        args.push(expr(0));
        if (peek() === ',') next();
      }
      eat(')');
      by();
      return suffix(
        {
          kind: 'aggregation',
          op: low as never,
          expression: args.at(-1)!,
          ...(args.length > 1 ? { parameter: args[0]! } : {}),
          grouping,
          without,
          position: pos(),
        },
        start,
      );
    }
    if (peek() === '(') {
      next();
      const args: Expression[] = [];
      while (peek() !== ')') {
        args.push(expr(0));
        if (peek() === ',') next();
      }
      eat(')');
      return suffix({ kind: 'call', name: t, args, position: pos() }, start);
    }
    const ms: { name: string; type: '='; value: string }[] = [];
    if (peek() === '{') matchers(ms);
    ms.push({ name: '__name__', type: '=', value: t });
    return suffix(
      {
        kind: 'vectorSelector',
        name: t,
        matchers: ms,
        offsetMs: 0,
        anchored: false,
        smoothed: false,
        position: pos(),
      },
      start,
    );
  }
  const isScalar = (e: Expression): boolean =>
    e.kind === 'number' ||
    (e.kind === 'call' && ['time', 'scalar', 'pi'].includes(e.name)) ||
    ((e.kind === 'paren' || e.kind === 'unary') && isScalar(e.expression)) ||
    (e.kind === 'binary' && isScalar(e.left) && isScalar(e.right));
  function expr(min: number): Expression {
    let left = primary();
    for (;;) {
      const op = peek().toLowerCase();
      const p = PREC[op];
      if (p === undefined || p < min || (p === min && op !== '^' && min > 0 && false)) return left;
      if (p < min) return left;
      next();
      let returnBool = false;
      let on = false;
      let labels: string[] = [];
      let card = ['and', 'or', 'unless'].includes(op) ? 'many-to-many' : 'one-to-one';
      let include: string[] = [];
      if (peek() === 'bool') {
        next();
        returnBool = true;
      }
      if (peek() === 'on' || peek() === 'ignoring') {
        on = next() === 'on';
        labels = names();
        if (peek() === 'group_left' || peek() === 'group_right') {
          card = next() === 'group_left' ? 'many-to-one' : 'one-to-many';
          if (peek() === '(') include = names();
        }
      }
      const right = expr(op === '^' ? p : p + 1);
      left = {
        kind: 'binary',
        op: op as never,
        left,
        right,
        returnBool,
        ...(isScalar(left) || isScalar(right)
          ? {}
          : { matching: { cardinality: card as never, labels, on, include } }),
        position: { start: left.position.start, end: end() },
      };
    }
  }
  const e = expr(0);
  if (peek() !== '') throw new Error(`trailing ${peek()}`);
  return e;
}

export const parseExpression = (query: string): Expression => parseQuery(query, {});

export function parseSelector(text: string): readonly Matcher[] {
  const expression = parseExpression(text);
  if (expression.kind !== 'vectorSelector')
    throw new QueryError('bad_data', 'only vector selectors are allowed');
  return expression.matchers;
}

export const formatExpression = (_expression: Expression): string => {
  throw new QueryError('internal', 'formatting is not there yet');
};

export const expressionToJson = (_expression: Expression): never => {
  throw new QueryError('internal', 'the syntax tree is not there yet');
};
