// SPDX-License-Identifier: Apache-2.0
// From the syntax tree to the plan: durations and times resolved, constants folded, parts that are the
// same at every step marked, equal parts made one.

import { METRIC_NAME, isValidLabelName, quote } from '../../model/index.ts';
import type {
  Aggregation,
  BinaryExpression,
  BinaryOperator,
  Call,
  DurationExpression,
  Expression,
  MatrixSelector,
  Subquery,
  UnaryExpression,
  VectorMatching,
  VectorSelector,
} from '../ast/nodes.ts';
import { QueryError } from '../engine/errors.ts';
import { isComparison, isTrim } from '../operators/arithmetic.ts';
import type { EngineFeatures } from '../operators/context.ts';
import type { PlanBuilding } from './building.ts';
import { planCall, scalarFunctions } from './calls.ts';
import { type QueryTimes, durationMs } from './durations.ts';
import { type Draft, PlanNodes } from './intern.ts';
import type {
  AggregatePlan,
  ElementOperator,
  ElementPlan,
  JoinPlan,
  MergePlan,
  OncePlan,
  Plan,
  Placement,
  PlanType,
  RangePlan,
  SamplesPlan,
  ScalarPlan,
  SelectPlan,
  SetPlan,
  StringPlan,
  SubqueryPlan,
  VectorPlan,
  VectorScalarPlan,
} from './nodes.ts';
import { ScalarPlans } from './scalars.ts';

export interface PlanOptions extends QueryTimes {
  /** Step of subqueries that name none. */
  readonly defaultStepMs: number;
  readonly features: EngineFeatures;
}

/** Nesting that the recursion is certain to bear. */
export const PLAN_DEPTH_MAX = 2000;

const isSetOperator = (op: BinaryOperator): op is 'and' | 'or' | 'unless' =>
  op === 'and' || op === 'or' || op === 'unless';

export function unwrap(expression: Expression): Expression {
  let inner = expression;
  while (inner.kind === 'paren') inner = inner.expression;
  return inner;
}

/** The type of an expression that the parser accepted. */
export function typeOf(expression: Expression): PlanType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return scalarFunctions.has(expression.name) ? 'scalar' : 'vector';
    case 'binary':
      return typeOf(expression.left) === 'scalar' && typeOf(expression.right) === 'scalar'
        ? 'scalar'
        : 'vector';
    case 'unary':
    case 'paren':
      return typeOf(expression.expression);
    default:
      return 'vector';
  }
}

/** Builds the plan of one query. */
export class PlanBuilder implements PlanBuilding {
  readonly options: PlanOptions;
  readonly nodes = new PlanNodes();
  readonly scalars = new ScalarPlans(this.nodes);
  private depth = 0;
  private statsOnly = false;

  constructor(options: PlanOptions) {
    this.options = options;
  }

  get delayed(): boolean {
    return this.options.features.delayedNameRemoval === true;
  }

  /** The name of the results of what drops names. */
  droppedName(input: VectorPlan | RangePlan): string | undefined {
    return this.delayed ? input.name : '';
  }

  forStats<Result>(statsOnly: boolean, build: () => Result): Result {
    const before = this.statsOnly;
    this.statsOnly = statsOnly;
    const result = build();
    this.statsOnly = before;
    return result;
  }

  private nested<Result>(build: () => Result): Result {
    if (++this.depth > PLAN_DEPTH_MAX) {
      throw new QueryError('bad_data', `query is nested more than ${PLAN_DEPTH_MAX} levels deep`);
    }
    const result = build();
    this.depth--;
    return result;
  }

  vector(expression: Expression): VectorPlan {
    return this.nested(() => {
      switch (expression.kind) {
        case 'paren':
          return this.vector(expression.expression);
        case 'vectorSelector':
          return this.select(expression);
        case 'call':
          return planCall(this, expression);
        case 'aggregation':
          return this.aggregation(expression);
        case 'binary':
          return this.binary(expression);
        case 'unary':
          return this.unary(expression);
        default:
          throw new QueryError('bad_data', 'expected an instant vector');
      }
    });
  }

  scalar(expression: Expression): ScalarPlan {
    return this.nested(() => {
      const { position } = expression;
      switch (expression.kind) {
        case 'number':
          return this.scalars.constant(expression.value, position);
        case 'paren':
          return this.scalar(expression.expression);
        case 'unary': {
          const inner = this.scalar(expression.expression);
          return expression.op === '+' ? inner : this.scalars.call('negate', [inner], position);
        }
        case 'binary': {
          if (isSetOperator(expression.op)) break;
          const operands = [this.scalar(expression.left), this.scalar(expression.right)];
          return this.scalars.call(expression.op, operands, position);
        }
        case 'call':
          return this.scalarCall(expression);
        default:
          break;
      }
      throw new QueryError('bad_data', 'expected a scalar');
    });
  }

  private scalarCall(call: Call): ScalarPlan {
    const { position, args, name } = call;
    const { startMs, endMs, stepMs } = this.options;
    const { scalars } = this;
    switch (name) {
      case 'time':
        return scalars.time(position);
      case 'pi':
        return scalars.constant(Math.PI, position);
      case 'start':
        return scalars.constant(startMs / 1000, position);
      case 'end':
        return scalars.constant(endMs / 1000, position);
      case 'range':
        return scalars.constant((endMs - startMs) / 1000, position);
      case 'step':
        return scalars.constant(stepMs / 1000, position);
      case 'min_of':
      case 'max_of':
        return scalars.call(
          name,
          args.map((arg) => this.scalar(arg)),
          position,
        );
      default:
        return scalars.ofVector(this.vector(args[0]!), position);
    }
  }

  range(expression: Expression): RangePlan {
    const inner = unwrap(expression);
    if (inner.kind === 'matrixSelector') return this.samples(inner);
    if (inner.kind === 'subquery') return this.nested(() => this.subquery(inner));
    throw new QueryError('bad_data', 'expected a range vector');
  }

  /** `vector` for use where the steps differ: evaluated once if it is the same at all of them. */
  once(vector: VectorPlan): VectorPlan {
    if (!vector.invariant) return vector;
    const { position, name } = vector;
    return this.nodes.make<OncePlan>({
      kind: 'once',
      inner: vector,
      position,
      name,
      invariant: true,
    });
  }

  /** Joins series that the loss of a label may have made equal. */
  merge(vector: VectorPlan, strict: boolean): VectorPlan {
    const { position, name, invariant } = vector;
    return this.nodes.make<MergePlan>({
      kind: 'merge',
      inner: vector,
      strict,
      position,
      name,
      invariant,
    });
  }

  /** `vector`, whose names were dropped from `input`'s. */
  mergeDropped(vector: VectorPlan, input: VectorPlan | RangePlan, strict: boolean): VectorPlan {
    if (this.delayed || input.name !== undefined) return vector;
    return this.merge(vector, strict);
  }

  private duration(
    written: number,
    expression: DurationExpression | undefined,
    allowNegative: boolean,
  ): number {
    return expression === undefined ? written : durationMs(expression, this.options, allowNegative);
  }

  placement(node: VectorSelector | Subquery): Placement {
    const { startMs, endMs } = this.options;
    const offsetMs = this.duration(node.offsetMs, node.offsetExpression, true);
    if (node.startOrEnd === 'start') return { offsetMs, atMs: startMs };
    if (node.startOrEnd === 'end') return { offsetMs, atMs: endMs };
    return { offsetMs, atMs: node.timestampMs };
  }

  private metricName(selector: VectorSelector): string | undefined {
    const equal = selector.matchers.find(
      ({ name, type, value }) => name === METRIC_NAME && type === '=' && value !== '',
    );
    return equal?.value;
  }

  select(selector: VectorSelector): SelectPlan {
    const placement = this.placement(selector);
    return this.nodes.make<SelectPlan>({
      kind: 'select',
      matchers: selector.matchers,
      smoothed: selector.smoothed,
      ...(this.statsOnly ? { statsOnly: true } : {}),
      ...placement,
      name: this.metricName(selector),
      position: selector.position,
      invariant: placement.atMs !== undefined,
    });
  }

  private samples(node: MatrixSelector): RangePlan {
    const { selector } = node;
    const placement = this.placement(selector);
    return this.nodes.make<SamplesPlan>({
      kind: 'samples',
      matchers: selector.matchers,
      anchored: selector.anchored,
      smoothed: selector.smoothed,
      ...(this.statsOnly ? { statsOnly: true } : {}),
      rangeMs: this.duration(node.rangeMs, node.rangeExpression, false),
      ...placement,
      name: this.metricName(selector),
      position: node.position,
      invariant: placement.atMs !== undefined,
    });
  }

  private subquery(node: Subquery): RangePlan {
    const placement = this.placement(node);
    // Of results the resets must be looked for in the buckets.
    const inner = this.once(this.forStats(false, () => this.vector(node.expression)));
    const stepMs = this.duration(node.stepMs, node.stepExpression, false);
    return this.nodes.make<SubqueryPlan>({
      kind: 'subquery',
      inner,
      rangeMs: this.duration(node.rangeMs, node.rangeExpression, false),
      stepMs: stepMs === 0 ? this.options.defaultStepMs : stepMs,
      ...placement,
      name: inner.name,
      position: node.position,
      invariant: placement.atMs !== undefined,
    });
  }

  private unary(node: UnaryExpression): VectorPlan {
    const vector = this.vector(node.expression);
    if (node.op === '+') return vector;
    const plan = this.nodes.make<ElementPlan>({
      kind: 'element',
      func: 'negate',
      vector,
      args: [],
      name: this.droppedName(vector),
      position: node.position,
      invariant: vector.invariant,
    });
    return this.mergeDropped(plan, vector, false);
  }

  private binary(node: BinaryExpression): VectorPlan {
    const leftScalar = typeOf(node.left) === 'scalar';
    const rightScalar = typeOf(node.right) === 'scalar';
    if (!leftScalar && !rightScalar) return this.vectorPair(node);
    if (isSetOperator(node.op)) throw new QueryError('bad_data', 'set operator on a scalar');
    const scalar = this.scalar(leftScalar ? node.left : node.right);
    const vector = this.operand(node, leftScalar ? node.right : node.left);
    const invariant = scalar.invariant && vector.invariant;
    const filters = (isComparison(node.op) || isTrim(node.op)) && !node.returnBool;
    const plan = this.nodes.make<VectorScalarPlan>({
      kind: 'vectorScalar',
      op: node.op,
      vector: invariant ? vector : this.once(vector),
      scalar: invariant ? scalar : this.scalars.once(scalar),
      swapped: leftScalar,
      returnBool: node.returnBool,
      name: filters ? vector.name : this.droppedName(vector),
      position: node.position,
      invariant,
    });
    return filters ? plan : this.mergeDropped(plan, vector, false);
  }

  /** Trimming looks at buckets whatever is done with what it leaves. */
  private operand(node: BinaryExpression, side: Expression): VectorPlan {
    if (isSetOperator(node.op) || !isTrim(node.op)) return this.vector(side);
    return this.forStats(false, () => this.vector(side));
  }

  private vectorPair(node: BinaryExpression): VectorPlan {
    const leftPlan = this.operand(node, node.left);
    const rightPlan = this.operand(node, node.right);
    const invariant = leftPlan.invariant && rightPlan.invariant;
    const left = invariant ? leftPlan : this.once(leftPlan);
    const right = invariant ? rightPlan : this.once(rightPlan);
    const matching = node.matching ?? defaultMatching(node.op);
    const { position, op } = node;
    if (!isSetOperator(op)) {
      const draft: Draft<JoinPlan> = {
        kind: 'join',
        op,
        left,
        right,
        matching,
        returnBool: node.returnBool,
        name: this.joinedName(op, node, matching, left, right),
        position,
        invariant,
      };
      return this.nodes.make<JoinPlan>(draft);
    }
    const name = op === 'or' && left.name !== right.name ? undefined : left.name;
    const plan = this.nodes.make<SetPlan>({
      kind: 'set',
      op,
      left,
      right,
      matching,
      name,
      position,
      invariant,
    });
    return op === 'or' ? this.merge(plan, false) : plan;
  }

  private joinedName(
    op: ElementOperator,
    node: BinaryExpression,
    matching: VectorMatching,
    left: VectorPlan,
    right: VectorPlan,
  ): string | undefined {
    if (matching.include.includes(METRIC_NAME)) return undefined;
    if (!isComparison(op) && !isTrim(op)) return '';
    if (node.returnBool && !this.delayed) return '';
    const many = matching.cardinality === 'one-to-many' ? right : left;
    if (matching.cardinality !== 'one-to-one' || !matching.on) return many.name;
    return matching.labels.includes(METRIC_NAME) ? many.name : '';
  }

  private aggregation(node: Aggregation): VectorPlan {
    const { op, grouping, without, position } = node;
    const vector = this.vector(node.expression);
    const parameter =
      node.parameter === undefined || op === 'count_values'
        ? undefined
        : this.scalar(node.parameter);
    const invariant = vector.invariant && (parameter?.invariant ?? true);
    const keepsSeries = ['topk', 'bottomk', 'limitk', 'limit_ratio'].includes(op);
    const grouped = !without && grouping.includes(METRIC_NAME);
    const valueLabel = unwrap(node.parameter ?? node.expression);
    if (op === 'count_values' && valueLabel.kind === 'string') checkLabelName(valueLabel.value);
    return this.nodes.make<AggregatePlan>({
      kind: 'aggregate',
      op,
      vector: invariant ? vector : this.once(vector),
      grouping: [...new Set(grouping)],
      without,
      parameter: invariant || parameter === undefined ? parameter : this.scalars.once(parameter),
      parameterPosition: node.parameter?.position ?? position,
      vectorPosition: node.expression.position,
      valueLabel: op === 'count_values' && valueLabel.kind === 'string' ? valueLabel.value : '',
      name: keepsSeries || grouped ? vector.name : '',
      position,
      invariant,
    });
  }

  /** The plan of a whole query. */
  build(expression: Expression): Plan {
    const inner = unwrap(expression);
    const { position } = inner;
    switch (typeOf(expression)) {
      case 'scalar': {
        const root = this.scalars.once(this.scalar(expression));
        return { type: 'scalar', root, nodeCount: this.nodes.count };
      }
      case 'vector': {
        const root = this.once(this.vector(expression));
        return { type: 'vector', root, nodeCount: this.nodes.count };
      }
      case 'matrix': {
        const root = this.range(expression);
        return { type: 'matrix', root, nodeCount: this.nodes.count };
      }
      case 'string': {
        const value = inner.kind === 'string' ? inner.value : '';
        const root = this.nodes.make<StringPlan>({
          kind: 'string',
          value,
          position,
          invariant: true,
        });
        return { type: 'string', root, nodeCount: this.nodes.count };
      }
    }
  }
}

function checkLabelName(name: string): void {
  if (isValidLabelName(name, 'utf8')) return;
  throw new QueryError('execution', `invalid label name ${quote(name)}`);
}

const defaultMatching = (op: BinaryOperator): VectorMatching => ({
  cardinality: isSetOperator(op) ? 'many-to-many' : 'one-to-one',
  labels: [],
  on: false,
  include: [],
});
