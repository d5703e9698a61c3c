// SPDX-License-Identifier: Apache-2.0
// Plans of function calls.

import { METRIC_NAME } from '../../model/index.ts';
import type { Call, Expression } from '../ast/nodes.ts';
import { QueryError } from '../engine/errors.ts';
import { calendarFunctions } from '../operators/element-functions.ts';
import { isElementFunction } from '../operators/element.ts';
import { isWindowFunction, keepsName } from '../operators/window-functions.ts';
import type { PlanBuilding } from './building.ts';
import type {
  AbsentPlan,
  ElementPlan,
  HistogramPlan,
  InfoPlan,
  LabelPlan,
  Placement,
  RangePlan,
  SampleTimePlan,
  ScalarPlan,
  SortPlan,
  VectorOfPlan,
  VectorPlan,
  WindowPlan,
} from './nodes.ts';

/** The functions that give a scalar. */
export const scalarFunctions: ReadonlySet<string> = new Set([
  'time',
  'pi',
  'scalar',
  'start',
  'end',
  'range',
  'step',
  'min_of',
  'max_of',
]);

/** Functions of native histograms only: of floats they have no result. */
const histogramOnly: ReadonlySet<string> = new Set([
  'histogram_count',
  'histogram_sum',
  'histogram_avg',
  'histogram_stddev',
  'histogram_stdvar',
]);

/** Of those the ones for which a histogram's buckets don't matter. */
const statistics: ReadonlySet<string> = new Set([
  'histogram_count',
  'histogram_sum',
  'histogram_avg',
]);

const anchoredSafe = ['changes', 'delta', 'increase', 'rate', 'resets'];
const smoothedSafe = ['delta', 'increase', 'rate'];

/** Their results depend on the step even when their arguments don't. */
const dependsOnStep: ReadonlySet<string> = new Set([
  ...Object.keys(calendarFunctions),
  'predict_linear',
  'timestamp',
]);

function bare(expression: Expression | undefined): Expression {
  let inner = expression;
  while (inner?.kind === 'paren') inner = inner.expression;
  if (inner === undefined) throw new QueryError('bad_data', 'missing argument');
  return inner;
}

function textOf(expression: Expression | undefined): string {
  const inner = bare(expression);
  if (inner.kind !== 'string') throw new QueryError('bad_data', 'expected a string argument');
  return inner.value;
}

export function planCall(builder: PlanBuilding, call: Call): VectorPlan {
  const { name, args, position } = call;
  if (isWindowFunction(name)) return windowCall(builder, call);
  if (isElementFunction(name)) return elementCall(builder, call);
  if (histogramOnly.has(name)) {
    const vector = builder.forStats(statistics.has(name), () => builder.vector(bare(args[0])));
    return elementOf(builder, call, vector, []);
  }
  switch (name) {
    case 'absent':
      return absentCall(builder, call, builder.vector(bare(args[0])));
    case 'vector': {
      const scalar = builder.scalar(bare(args[0]));
      const { invariant } = scalar;
      return builder.nodes.make<VectorOfPlan>({
        kind: 'vectorOf',
        scalar,
        name: '',
        position,
        invariant,
      });
    }
    case 'label_replace':
    case 'label_join':
      return labelCall(builder, call, name);
    case 'sort':
    case 'sort_desc':
    case 'sort_by_label':
    case 'sort_by_label_desc': {
      const vector = builder.vector(bare(args[0]));
      return builder.nodes.make<SortPlan>({
        kind: 'sort',
        func: name,
        vector,
        texts: args.slice(1).map(textOf),
        name: vector.name,
        position,
        invariant: vector.invariant,
      });
    }
    case 'info':
      return infoCall(builder, call);
    case 'histogram_quantile':
      return histogramCall(builder, call, 1, args.slice(0, 1), '');
    case 'histogram_fraction':
      return histogramCall(builder, call, 2, args.slice(0, 2), '');
    case 'histogram_quantiles':
      return histogramCall(builder, call, 0, args.slice(2), textOf(args[1]));
    default:
      throw new QueryError('execution', `function "${name}" is not supported`);
  }
}

function windowCall(builder: PlanBuilding, call: Call): VectorPlan {
  const { name, args, position } = call;
  const at = args.findIndex((arg) => ['matrixSelector', 'subquery'].includes(bare(arg).kind));
  const range = builder.range(bare(args[at]));
  checkModifiers(name, range);
  const scalarArgs = args.filter((_, i) => i !== at).map((arg) => builder.scalar(bare(arg)));
  const invariant =
    range.invariant && scalarArgs.every((arg) => arg.invariant) && !dependsOnStep.has(name);
  const plan = builder.nodes.make<WindowPlan>({
    kind: 'window',
    func: name,
    range,
    args: invariant ? scalarArgs : scalarArgs.map((arg) => builder.scalars.once(arg)),
    argPositions: args.map((arg) => bare(arg).position),
    name: keepsName(name) ? range.name : builder.droppedName(range),
    position,
    invariant,
  });
  if (name === 'absent_over_time') return absentCall(builder, call, plan);
  return keepsName(name) ? plan : builder.mergeDropped(plan, range, true);
}

function checkModifiers(name: string, range: RangePlan): void {
  if (range.kind !== 'samples') return;
  const check = (modifier: string, safe: readonly string[]): void => {
    if (safe.includes(name)) return;
    throw new QueryError(
      'execution',
      `${modifier} modifier can only be used with: ${safe.join(', ')} - not with ${name}`,
    );
  };
  if (range.anchored) check('anchored', anchoredSafe);
  if (range.smoothed) check('smoothed', smoothedSafe);
}

/** Where info series are looked up: where the first selector of the argument looks. */
function infoPlacement(builder: PlanBuilding, expression: Expression): Placement | undefined {
  switch (expression.kind) {
    case 'vectorSelector':
      return builder.placement(expression);
    case 'matrixSelector':
      return builder.placement(expression.selector);
    case 'subquery': {
      const inner = infoPlacement(builder, expression.expression);
      if (inner === undefined || inner.atMs !== undefined) return inner;
      const outer = builder.placement(expression);
      return { offsetMs: inner.offsetMs + outer.offsetMs, atMs: outer.atMs };
    }
    case 'paren':
    case 'unary':
      return infoPlacement(builder, expression.expression);
    case 'aggregation':
      return (
        infoPlacement(builder, expression.expression) ??
        (expression.parameter && infoPlacement(builder, expression.parameter))
      );
    case 'binary':
      return infoPlacement(builder, expression.left) ?? infoPlacement(builder, expression.right);
    case 'call':
      for (const arg of expression.args) {
        const found = infoPlacement(builder, arg);
        if (found !== undefined) return found;
      }
      return undefined;
    default:
      return undefined;
  }
}

function infoCall(builder: PlanBuilding, call: Call): VectorPlan {
  const argument = bare(call.args[0]);
  const vector = builder.vector(argument);
  const selector = call.args[1] && bare(call.args[1]);
  const placement = infoPlacement(builder, argument) ?? { offsetMs: 0, atMs: undefined };
  const invariant = vector.invariant && placement.atMs !== undefined;
  return builder.nodes.make<InfoPlan>({
    kind: 'info',
    vector: invariant ? vector : builder.once(vector),
    matchers: selector?.kind === 'vectorSelector' ? selector.matchers : [],
    selects: selector !== undefined,
    ...placement,
    name: vector.name,
    position: call.position,
    invariant,
  });
}

function elementOf(
  builder: PlanBuilding,
  call: Call,
  vector: VectorPlan,
  args: readonly ScalarPlan[],
): VectorPlan {
  const { name, position } = call;
  const invariant =
    vector.invariant && args.every((arg) => arg.invariant) && !dependsOnStep.has(name);
  const plan = builder.nodes.make<ElementPlan>({
    kind: 'element',
    func: name,
    vector: invariant ? vector : builder.once(vector),
    args: invariant ? args : args.map((arg) => builder.scalars.once(arg)),
    name: builder.droppedName(vector),
    position,
    invariant,
  });
  return builder.mergeDropped(plan, vector, false);
}

function elementCall(builder: PlanBuilding, call: Call): VectorPlan {
  const { args, position, name } = call;
  if (args.length === 0) {
    // Calendar functions of the evaluation time.
    const scalar = builder.scalars.time(position);
    const time = builder.nodes.make<VectorOfPlan>({
      kind: 'vectorOf',
      scalar,
      name: '',
      position,
      invariant: false,
    });
    return elementOf(builder, call, time, []);
  }
  const first = bare(args[0]);
  const isTime = name === 'timestamp' || name === 'start_timestamp';
  if (isTime && first.kind === 'vectorSelector') {
    const select = builder.select(first);
    const plan = builder.nodes.make<SampleTimePlan>({
      kind: 'sampleTime',
      what: name === 'timestamp' ? 'time' : 'startTime',
      select,
      name: builder.droppedName(select),
      position,
      invariant: false,
    });
    return builder.mergeDropped(plan, select, false);
  }
  const scalars = args.slice(1).map((arg) => builder.scalar(bare(arg)));
  return elementOf(builder, call, builder.vector(first), scalars);
}

/** The labels of an absent result: what the selector's equality matchers say, names named once. */
function absentLabels(expression: Expression): [string, string][] {
  const inner = expression.kind === 'matrixSelector' ? expression.selector : expression;
  if (inner.kind !== 'vectorSelector') return [];
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, type, value } of inner.matchers) {
    if (name === METRIC_NAME) continue;
    if (type === '=' && !seen.has(name)) {
      labels.set(name, value);
      seen.add(name);
    } else labels.delete(name);
  }
  return [...labels].filter(([, value]) => value !== '');
}

function absentCall(builder: PlanBuilding, call: Call, vector: VectorPlan): VectorPlan {
  return builder.nodes.make<AbsentPlan>({
    kind: 'absent',
    vector,
    labels: absentLabels(bare(call.args[0])),
    name: '',
    position: call.position,
    invariant: vector.invariant,
  });
}

function labelCall(
  builder: PlanBuilding,
  call: Call,
  func: 'label_replace' | 'label_join',
): VectorPlan {
  const vector = builder.vector(bare(call.args[0]));
  const texts = call.args.slice(1).map(textOf);
  const plan = builder.nodes.make<LabelPlan>({
    kind: 'label',
    func,
    vector,
    texts,
    name: texts[0] === METRIC_NAME ? undefined : vector.name,
    position: call.position,
    invariant: vector.invariant,
  });
  return builder.merge(plan, false);
}

function histogramCall(
  builder: PlanBuilding,
  call: Call,
  vectorAt: number,
  scalarArgs: readonly Expression[],
  label: string,
): VectorPlan {
  const argument = bare(call.args[vectorAt]);
  const vector = builder.forStats(false, () => builder.vector(argument));
  const args = scalarArgs.map((arg) => builder.scalar(bare(arg)));
  const invariant = vector.invariant && args.every((arg) => arg.invariant);
  const plan = builder.nodes.make<HistogramPlan>({
    kind: 'histogram',
    func: call.name,
    vector: invariant ? vector : builder.once(vector),
    args: invariant ? args : args.map((arg) => builder.scalars.once(arg)),
    argPositions: scalarArgs.map((arg) => bare(arg).position),
    vectorPosition: argument.position,
    label,
    name: builder.droppedName(vector),
    position: call.position,
    invariant,
  });
  return plan;
}
