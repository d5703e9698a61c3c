// SPDX-License-Identifier: Apache-2.0
// Random queries that 2.x and 3.x must answer alike. Ranges are 7 s more than a multiple of 10 s, steps of
// subqueries multiples of 10 s: no step of a subquery lies on the edge of a window.

import type { Prng } from '../../src/base/index.ts';
import { type Expression, expressionText, parseExpression } from '../../src/promql/index.ts';
import { DATA_MINUTES, DATA_START_MS } from './fuzz-data.ts';

const metrics = ['req_total', 'mem', 'temp', 'info', 'limit', 'dur_bucket', 'lonely', 'nothing'];
const labelNames = ['job', 'instance', 'code', 'zone', 'version', 'le'];
const ranges = ['17s', '47s', '1m7s', '2m37s', '5m7s', '10m7s'];
const overTime = (
  'irate delta idelta deriv resets changes avg_over_time min_over_time max_over_time ' +
  'sum_over_time count_over_time last_over_time present_over_time stddev_over_time stdvar_over_time ' +
  'absent_over_time'
).split(' ');
const simple = (
  'abs ceil floor exp sqrt ln log2 log10 sgn sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh ' +
  'deg rad timestamp absent'
).split(' ');
const calendar = 'year month day_of_month day_of_week day_of_year days_in_month hour minute'.split(
  ' ',
);
const folds = 'sum avg min max count group stddev stdvar'.split(' ');

/** Writes one query. */
export class QueryWriter {
  private readonly prng: Prng;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  query(): string {
    return this.prng.below(8) === 0 ? this.scalar(3) : this.vector(1 + this.prng.below(4));
  }

  private pick<Item>(items: readonly Item[]): Item {
    return items[this.prng.below(items.length)]!;
  }

  private chance(one: number): boolean {
    return this.prng.below(one) === 0;
  }

  private number(): string {
    return this.pick([
      '0',
      '1',
      '2',
      '-1',
      '0.5',
      '3.25',
      '10',
      '100',
      '1e3',
      '-0.25',
      'NaN',
      'Inf',
      '-Inf',
    ]);
  }

  private matcher(): string {
    return this.pick([
      'job="api"',
      'job!="api"',
      'job=~"a.*|x"',
      'job!~"d."',
      'instance=~"(a|b):1"',
      'instance="c:1"',
      'code=~"[45].."',
      'code!="200"',
      'zone=""',
      'zone!=""',
      'version=~"v[01]"',
      'code=~"20.|"',
    ]);
  }

  private selector(): string {
    const name = this.pick(metrics);
    const matchers = Array.from({ length: this.prng.below(3) }, () => this.matcher());
    if (this.chance(12)) return `{__name__=~"${this.pick(['req.*', 'mem|temp', 'l.*'])}"}`;
    return matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;
  }

  private placement(): string {
    const at = (DATA_START_MS / 1000 + this.prng.below(DATA_MINUTES * 60) + 0.122).toFixed(3);
    return this.pick([
      '',
      '',
      '',
      '',
      '',
      ' offset 1m',
      ' offset -30s',
      ' offset 5m',
      ` @ ${at}`,
      ` @ ${at} offset 1m`,
      ' @ end()',
      ' @ start()',
    ]);
  }

  private range(depth: number): string {
    if (depth > 0 && this.chance(3)) {
      const inner = this.vector(depth - 1);
      const step = this.pick(['', '10s', '20s', '30s', '1m', '2m']);
      return `(${inner})[${this.pick(ranges)}:${step}]${this.placement()}`;
    }
    return `${this.selector()}[${this.pick(ranges)}]${this.placement()}`;
  }

  private labels(): string {
    const count = this.prng.below(3);
    return Array.from({ length: count }, () => this.pick(labelNames)).join(', ');
  }

  private scalar(depth: number): string {
    if (depth <= 0) return this.pick([this.number(), this.number(), 'time()', 'pi()']);
    switch (this.prng.below(5)) {
      case 0:
        return `scalar(${this.vector(depth - 1)})`;
      case 1:
        return `(${this.scalar(depth - 1)} ${this.pick(['+', '-', '*', '/', '%', '^', 'atan2'])} ${this.scalar(depth - 1)})`;
      case 2:
        return `(${this.scalar(depth - 1)} ${this.pick(['==', '!=', '<', '>', '<=', '>='])} bool ${this.scalar(depth - 1)})`;
      case 3:
        return `-(${this.scalar(depth - 1)})`;
      default:
        return this.number();
    }
  }

  private vector(depth: number): string {
    if (depth <= 0) return this.selector() + this.placement();
    switch (this.prng.below(16)) {
      case 0: {
        // Counters only: see COUNTER_START.
        const counter = this.pick(['req_total', 'info', 'dur_bucket', 'req_total{code="200"}']);
        const range = `${counter}[${this.pick(ranges)}]${this.placement()}`;
        return `${this.pick(['rate', 'increase'])}(${range})`;
      }
      case 1:
      case 2:
        return `${this.pick(overTime)}(${this.range(depth - 1)})`;
      case 3:
        return this.parametrised(depth);
      case 4:
        return `${this.pick(simple)}(${this.vector(depth - 1)})`;
      case 5:
      case 6:
      case 7:
        return this.aggregation(depth);
      case 8:
      case 9:
      case 10:
        return this.binary(depth);
      case 11:
        return this.setOperation(depth);
      case 12:
        return this.labelFunction(depth);
      case 13:
        return `${this.pick(calendar)}(${this.chance(4) ? '' : this.vector(depth - 1)})`;
      case 14:
        return `-${this.vector(0)}`;
      default:
        return this.chance(2) ? `vector(${this.scalar(depth - 1)})` : this.vector(depth - 1);
    }
  }

  private parametrised(depth: number): string {
    const inner = (): string => this.vector(depth - 1);
    switch (this.prng.below(6)) {
      // Under an argument that changes with the step, 2.x spoils the samples of a range with @.
      case 0:
        return `quantile_over_time(${this.number()}, ${this.range(depth - 1)})`;
      case 1: {
        const range = `${this.selector()}[${this.pick(ranges)}]${this.pick(['', ' offset 1m'])}`;
        return `predict_linear(${range}, ${this.pick(['60', '3600', '-30'])})`;
      }
      case 2:
        return `round(${inner()}, ${this.pick(['1', '5', '0.1', '0.25'])})`;
      case 3:
        return `clamp(${inner()}, ${this.number()}, ${this.number()})`;
      case 4:
        return `${this.pick(['clamp_min', 'clamp_max'])}(${inner()}, ${this.scalar(1)})`;
      default: {
        const q = this.pick(['0', '0.5', '0.9', '1', '1.5', '-1']);
        return `histogram_quantile(${q}, ${this.pick(['rate(dur_bucket[5m7s])', 'dur_bucket', inner()])})`;
      }
    }
  }

  private aggregation(depth: number): string {
    const by = this.pick(['', ` by (${this.labels()})`, ` without (${this.labels()})`]);
    const inner = this.vector(depth - 1);
    switch (this.prng.below(8)) {
      case 0:
        return `${this.pick(['topk', 'bottomk'])}${by} (${this.pick(['1', '2', '5', '0'])}, ${inner})`;
      case 1:
        return `quantile${by} (${this.pick(['0', '0.5', '0.99', '1', '2', 'NaN'])}, ${inner})`;
      case 2:
        return `count_values${by} ("val", round(${inner}))`;
      default:
        return `${this.pick(folds)}${by} (${inner})`;
    }
  }

  private binary(depth: number): string {
    const op = this.pick(['+', '-', '*', '/', '%', '^', 'atan2', '==', '!=', '<', '>', '<=', '>=']);
    const bool = /[=<>]/.test(op) && this.chance(2) ? ' bool' : '';
    if (this.chance(3)) {
      const sides = [this.vector(depth - 1), this.scalar(depth - 1)];
      if (this.chance(2)) sides.reverse();
      return `(${sides[0]} ${op}${bool} ${sides[1]})`;
    }
    const matching = this.chance(2)
      ? ''
      : ` ${this.pick(['on', 'ignoring'])} (${this.labels()})${this.pick(['', '', ' group_left ()', ' group_right ()', ' group_left (version)'])}`;
    return `(${this.vector(depth - 1)} ${op}${bool}${matching} ${this.vector(depth - 1)})`;
  }

  private setOperation(depth: number): string {
    const matching = this.chance(2) ? '' : ` ${this.pick(['on', 'ignoring'])} (${this.labels()})`;
    const op = this.pick(['and', 'or', 'unless']);
    return `(${this.vector(depth - 1)} ${op}${matching} ${this.vector(depth - 1)})`;
  }

  private labelFunction(depth: number): string {
    const inner = this.vector(depth - 1);
    if (this.chance(3)) {
      return `label_join(${inner}, "${this.pick(['new', 'job'])}", "-", "job", "code")`;
    }
    const pattern = this.pick(['(.).*', '.*', 'x', '']);
    const text = this.pick(['$1', 'fix', 'a-$1-b', '']);
    return `label_replace(${inner}, "${this.pick(['new', 'job', 'code'])}", "${text}", "${this.pick(labelNames)}", "${pattern}")`;
  }
}

/** Every vector or scalar within a query, smallest first: what a difference may be shrunk to. */
export function partsOf(query: string): string[] {
  const parts = new Set<string>();
  const visit = (node: Expression): void => {
    switch (node.kind) {
      case 'paren':
      case 'unary':
      case 'subquery':
        visit(node.expression);
        break;
      case 'aggregation':
        visit(node.expression);
        if (node.parameter !== undefined) visit(node.parameter);
        break;
      case 'binary':
        visit(node.left);
        visit(node.right);
        break;
      case 'call':
        node.args.forEach(visit);
        break;
      default:
        break;
    }
    const isQuery =
      node.kind !== 'matrixSelector' && node.kind !== 'subquery' && node.kind !== 'string';
    if (isQuery) parts.add(expressionText(node));
  };
  visit(parseExpression(query));
  return [...parts].sort((a, b) => a.length - b.length);
}
