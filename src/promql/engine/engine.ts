// SPDX-License-Identifier: Apache-2.0
// One query from text to result: parse, plan, compile, evaluate, sort.

import type { Clock } from '../../base/index.ts';
import type { QueryMemory } from '../../kernels/index.ts';
import { MatcherError, type Querier, type Queryable } from '../../storage/index.ts';
import type { Expression } from '../ast/nodes.ts';
import { type Steps, StepMatrix, countPresent } from '../operators/batch.ts';
import {
  type EngineFeatures,
  type QueryContext,
  type QueryControl,
  SampleBudget,
  materialise,
  ticking,
} from '../operators/context.ts';
import type { FanOut } from '../operators/fan-out.ts';
import { extendedSamples } from '../operators/extended-windows.ts';
import { LabelSets, needAll } from '../operators/label-sets.ts';
import { cleanNames } from '../operators/merge.ts';
import { Profiler } from '../operators/profile.ts';
import { SampleCounter } from '../operators/sample-counter.ts';
import { references } from '../operators/references.ts';
import type { SampleSource } from '../operators/sample-source.ts';
import { PlanBuilder, typeOf } from '../plan/build.ts';
import { parseExpression } from '../parser/parser.ts';
import type { Plan, RangePlan } from '../plan/nodes.ts';
import {
  GridSeries,
  type Points,
  type QueryResult,
  type QueryStatistics,
  type QueryTimings,
  SampleSeries,
} from '../result/result.ts';
import { Annotations } from './annotations.ts';
import { Compiler } from './compile.ts';
import { QueryError } from './errors.ts';
import { Estimator } from './estimate.ts';
import { type Explanation, explainPlan } from './explain.ts';

export interface EngineOptions {
  readonly lookbackDeltaMs: number;
  /** Samples that a query may hold in memory. */
  readonly maxSamples: number;
  /** Bytes that the results of a query may take while it runs; 2 GiB when not given. */
  readonly maxBytes?: number;
  /** Samples that a query may be estimated to read: one that would read more isn't begun. */
  readonly maxEstimatedSamples?: number;
  /** Step of subqueries that name none: the global evaluation interval. */
  readonly defaultStepMs: number;
  readonly features?: EngineFeatures;
  /** Other threads that may compute rows of this one's queries. */
  readonly fanOut?: FanOut;
  /** For the timings of `stats`; without it they are 0. */
  readonly clock?: Pick<Clock, 'monotonicMs'>;
  /**
   * Where a kernel works on columns; without it everything takes longer. Belongs to one thread, and a result
   * is valid until the next query of that thread.
   */
  readonly memory?: QueryMemory;
}

interface RequestBase {
  readonly query: string;
  readonly lookbackDeltaMs?: number;
  /** Most series in the answer; 0 or nothing for all. */
  readonly limit?: number;
  /** Count the samples looked at for each step, as `stats=all` shows them. */
  readonly perStepStats?: boolean;
}

export interface InstantRequest extends RequestBase {
  readonly timeMs: number;
}

export interface RangeRequest extends RequestBase {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** A query on its way. */
interface Run {
  readonly request: RequestBase;
  readonly steps: Steps;
  readonly endMs: number;
  readonly instant: boolean;
  readonly expression: Expression;
  readonly context: QueryContext;
  readonly estimator: Estimator;
  readonly timings: QueryTimings;
  readonly now: () => number;
}

const typeNames = {
  vector: 'instant vector',
  scalar: 'scalar',
  matrix: 'range vector',
  string: 'string',
} as const;

/** Whatever a query threw, as the error that clients know. */
function asQueryError(error: unknown): unknown {
  if (error instanceof MatcherError) {
    return new QueryError('bad_data', error.message, { cause: error });
  }
  if (error instanceof RangeError) {
    // Out of memory for an array, or of stack: the query's size, not ours.
    return new QueryError('execution', `query is too large: ${error.message}`, { cause: error });
  }
  return error;
}

function stepsOf({ startMs, endMs, stepMs }: RangeRequest): Steps {
  const count = endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1;
  return { startMs, stepMs, count };
}

/** The PromQL engine: synchronous, without state between queries. */
export class Engine {
  private readonly options: EngineOptions;

  constructor(options: EngineOptions) {
    this.options = options;
  }

  /**
   * Evaluates at one time.
   *
   * @throws QueryError
   */
  instant(queryable: Queryable, request: InstantRequest, control: QueryControl): QueryResult {
    const expression = this.expression(request);
    const steps = { startMs: request.timeMs, stepMs: 1, count: 1 };
    return this.execute(queryable, request, control, { expression, steps, instant: true });
  }

  /**
   * Evaluates at startMs, startMs + stepMs, … up to endMs.
   *
   * @throws QueryError
   */
  range(queryable: Queryable, request: RangeRequest, control: QueryControl): QueryResult {
    const expression = this.rangeExpression(request);
    return this.execute(queryable, request, control, {
      expression,
      steps: stepsOf(request),
      instant: false,
    });
  }

  private expression({ query }: RequestBase): Expression {
    return parseExpression(query, this.features);
  }

  private rangeExpression(request: RequestBase): Expression {
    const expression = this.expression(request);
    const type = typeOf(expression);
    if (type === 'matrix' || type === 'string') {
      throw new QueryError(
        'bad_data',
        `invalid expression type "${typeNames[type]}" for range query, ` +
          'must be Scalar or instant Vector',
      );
    }
    return expression;
  }

  private get features(): EngineFeatures {
    return this.options.features ?? {};
  }

  private execute(
    queryable: Queryable,
    request: InstantRequest | RangeRequest,
    control: QueryControl,
    what: Pick<Run, 'expression' | 'steps' | 'instant'>,
  ): QueryResult {
    const { clock } = this.options;
    const now = (): number => clock?.monotonicMs() ?? 0;
    const timings = newTimings();
    const started = now();
    let evaluating: number | undefined;
    let run: Run | undefined;
    const end = (): void => {
      timings.evalTotalTime = (now() - started) / 1000;
      timings.execTotalTime = timings.evalTotalTime;
      if (evaluating === undefined) timings.queryPreparationTime = timings.evalTotalTime;
      else timings.innerEvalTime = (now() - evaluating) / 1000 - timings.resultSortTime;
    };
    let querier: Querier | undefined;
    try {
      querier = queryable.querier();
      const context = this.newContext(querier, request, control, what.steps);
      const endMs = 'endMs' in request ? request.endMs : request.timeMs;
      const estimator = new Estimator(context);
      run = { ...what, request, endMs, context, estimator, timings, now };
      const plan = this.plan(run);
      this.begin(plan, run, control);
      timings.queryPreparationTime = (now() - started) / 1000;
      evaluating = now();
      const partial = evaluate(plan, run);
      end();
      return { ...partial, ...closing(run) };
    } catch (error) {
      const failure = asQueryError(error);
      if (failure instanceof QueryError && run !== undefined) {
        end();
        failure.stats = statisticsOf(run);
      }
      throw failure;
    } finally {
      this.options.fanOut?.finish();
      querier?.close();
    }
  }

  /**
   * The plan of a query as a tree, with estimated costs and, with `analyze`, those of running it.
   *
   * @throws QueryError
   */
  explain(
    queryable: Queryable,
    request: InstantRequest | RangeRequest,
    control: QueryControl,
    options: { readonly analyze: boolean },
  ): Explanation {
    const isRange = 'startMs' in request;
    const steps = isRange ? stepsOf(request) : { startMs: request.timeMs, stepMs: 1, count: 1 };
    const expression = isRange ? this.rangeExpression(request) : this.expression(request);
    const now = (): number => this.options.clock?.monotonicMs() ?? 0;
    const timings = newTimings();
    let querier: Querier | undefined;
    try {
      querier = queryable.querier();
      const profiler = options.analyze ? new Profiler(now) : undefined;
      const context = this.newContext(querier, request, control, steps);
      const endMs = isRange ? request.endMs : request.timeMs;
      const what = { expression, steps, instant: !isRange };
      const estimator = new Estimator(context);
      const run: Run = { ...what, request, endMs, context, estimator, timings, now };
      const plan = this.plan(run);
      const estimated = estimator.total(plan.root, steps);
      const started = now();
      if (options.analyze) {
        this.begin(plan, run, control);
        evaluate(plan, run, profiler);
      }
      const tree = explainPlan(plan.root, steps, estimator, profiler);
      if (!options.analyze) return { query: request.query, estimated, plan: tree };
      const { budget, counter } = context;
      const actual = {
        totalQueryableSamples: counter?.total ?? 0,
        peakSamples: budget.peak,
        peakBytes: budget.peakBytes,
        seconds: (now() - started) / 1000,
      };
      return { query: request.query, estimated, actual, plan: tree };
    } catch (error) {
      throw asQueryError(error);
    } finally {
      querier?.close();
    }
  }

  private newContext(
    querier: Querier,
    request: RequestBase,
    control: QueryControl,
    steps: Steps,
  ): QueryContext {
    this.options.memory?.reset();
    const { maxSamples, maxBytes, lookbackDeltaMs } = this.options;
    return {
      sets: new LabelSets(),
      querier,
      control,
      budget: new SampleBudget(maxSamples, maxBytes, this.options.memory),
      counter: new SampleCounter(request.perStepStats === true ? steps.count : undefined),
      selected: new Map(),
      annotations: new Annotations(),
      lookbackMs: request.lookbackDeltaMs ?? lookbackDeltaMs,
      features: this.features,
      // Counts by step are taken where the rows are computed.
      fanOut: request.perStepStats === true ? undefined : this.options.fanOut,
      memory: this.options.memory,
    };
  }

  /** Tells what the query will cost, and refuses one that would read too much. @throws QueryError */
  private begin(plan: Plan, { steps, context, estimator }: Run, control: QueryControl): void {
    const { maxEstimatedSamples } = this.options;
    if (maxEstimatedSamples === undefined && control.begin === undefined) return;
    const estimated = estimator.total(plan.root, steps);
    const { budget, counter } = context;
    control.begin?.({
      estimated,
      samples: () => counter?.total ?? 0,
      bytes: () => budget.bytes,
    });
    const { samples } = estimated;
    if (maxEstimatedSamples === undefined || samples <= maxEstimatedSamples) return;
    throw new QueryError(
      'execution',
      `query would read some ${samples} samples, more than the ${maxEstimatedSamples} that one query ` +
        'may: ask for fewer series or a shorter range',
    );
  }

  private plan(run: Run): Plan {
    const builder = new PlanBuilder({
      startMs: run.steps.startMs,
      endMs: run.endMs,
      stepMs: run.instant ? 0 : run.steps.stepMs,
      defaultStepMs: this.options.defaultStepMs,
      features: this.features,
    });
    return builder.build(run.expression);
  }
}

const newTimings = (): QueryTimings => ({
  evalTotalTime: 0,
  resultSortTime: 0,
  queryPreparationTime: 0,
  innerEvalTime: 0,
  execQueueTime: 0,
  execTotalTime: 0,
});

/** What every result ends with. */
function closing({
  context,
  request,
  timings,
  steps,
}: Run): Pick<QueryResult, 'warnings' | 'infos' | 'stats'> {
  return {
    ...context.annotations.strings(request.query),
    stats: statisticsOf({ context, timings, steps }),
  };
}

function statisticsOf({
  context,
  timings,
  steps,
}: Pick<Run, 'context' | 'timings' | 'steps'>): QueryStatistics {
  const { budget, counter } = context;
  const perStep = counter?.perStep;
  const eachStep =
    perStep === undefined
      ? {}
      : {
          totalQueryableSamplesPerStep: Array.from(
            perStep,
            (samples, k) => [(steps.startMs + k * steps.stepMs) / 1000, samples] as const,
          ),
        };
  return {
    timings,
    samples: {
      ...eachStep,
      totalQueryableSamples: counter?.total ?? 0,
      peakSamples: budget.peak,
    },
  };
}

type Unclosed<Result> = Result extends QueryResult
  ? Omit<Result, 'warnings' | 'infos' | 'stats'>
  : never;

function evaluate(plan: Plan, run: Run, profiler?: Profiler): Unclosed<QueryResult> {
  const { context, steps, estimator } = run;
  const { sets } = context;
  const timeMs = steps.startMs;
  const compiler = new Compiler(context, profiler, (leaf, at) => estimator.work(leaf, at));
  compiler.countUses(plan.root, steps);
  switch (plan.type) {
    case 'string': {
      return { type: 'string', timeMs, value: plan.root.value };
    }
    case 'scalar': {
      const column = compiler.scalar(plan.root, steps)();
      if (run.instant) return { type: 'scalar', timeMs, value: column[0] ?? Number.NaN };
      const matrix = new StepMatrix(steps.count);
      if (steps.count > 0) {
        const row = matrix.addRow(0, false);
        const present = new Uint8Array(steps.count).fill(1);
        mergeColumn(matrix, row, column, present);
      }
      return { type: 'matrix', sets, series: gridOf(matrix, run) };
    }
    case 'matrix':
      return { type: 'matrix', sets, series: samplesOf(plan.root, compiler, run) };
    case 'vector': {
      if (steps.count === 0) {
        return { type: 'matrix', sets, series: gridOf(new StepMatrix(0), run) };
      }
      const operator = compiler.vector(plan.root, steps);
      const rows = materialise(operator, needAll, steps.count, context);
      const series = gridOf(cleanNames(rows, context), run);
      return run.instant
        ? { type: 'vector', timeMs, sets, series }
        : { type: 'matrix', sets, series };
    }
  }
}

function mergeColumn(
  matrix: StepMatrix,
  row: number,
  values: Float64Array,
  present: Uint8Array,
): void {
  matrix.values(row).set(values, matrix.offset(row));
  matrix.present(row).set(present, matrix.offset(row));
  matrix.sampleCount += values.length;
}

/** Cuts an answer off at the request's limit. */
function limited(rows: number[], { request, context }: Run): number[] {
  const { limit = 0 } = request;
  if (limit <= 0 || rows.length <= limit) return rows;
  context.annotations.warn('results truncated due to limit', undefined);
  return rows.slice(0, limit);
}

/** The rows that have samples; those of range queries in the order of their labels. */
function gridOf(matrix: StepMatrix, run: Run): GridSeries {
  const { sets } = run.context;
  const started = run.now();
  const rows: number[] = [];
  for (let row = 0; row < matrix.rowCount; row++) {
    if (countPresent(matrix.cells(row), matrix.offset(row), matrix.stepCount) > 0) rows.push(row);
  }
  if (!run.instant) {
    const tick = ticking(run.context.control);
    rows.sort((a, b) => {
      tick();
      return sets.compare(matrix.labels[a]!, matrix.labels[b]!);
    });
  }
  run.timings.resultSortTime = (run.now() - started) / 1000;
  return new GridSeries(matrix, Int32Array.from(limited(rows, run)), run.steps, sets);
}

/** The loaded series' samples; of an extended range those at its ends are made up. */
function pointsOf(plan: RangePlan, source: SampleSource, n: number, run: Run): Points {
  const { times, values, histograms } = source;
  if (plan.kind === 'samples' && (plan.anchored || plan.smoothed)) {
    const endMs = references(run.steps, plan).refMs;
    if (histograms !== undefined) {
      const modifier = plan.anchored ? 'anchored' : 'smoothed';
      throw new QueryError('execution', `${modifier} modifier is not supported with histograms`);
    }
    const bounds = { startMs: endMs - plan.rangeMs, endMs };
    return extendedSamples(
      { times, values, histograms, startTimes: undefined },
      n,
      bounds,
      plan.smoothed,
    );
  }
  const points = { times: times.slice(0, n), values: values.slice(0, n) };
  return histograms === undefined ? points : { ...points, histograms: histograms.slice(0, n) };
}

/** A range vector as the answer of an instant query: the samples themselves, series sorted by labels. */
function samplesOf(plan: RangePlan, compiler: Compiler, run: Run): SampleSeries {
  const { context, steps } = run;
  const source = compiler.source(plan, steps, '');
  const list = source.open(needAll);
  const found: { labels: number; points: Points }[] = [];
  for (let row = 0; ; row++) {
    const n = source.next();
    if (n < 0) break;
    if (n === 0) continue;
    context.budget.hold(n);
    context.counter?.addEverywhere(n, 1);
    const points = pointsOf(plan, source, n, run);
    if (points.times.length === 0) continue;
    const dropped = list.dropName?.[row] === 1;
    const labels = dropped ? context.sets.withoutName(list.labels[row]!) : list.labels[row]!;
    found.push({ labels, points });
  }
  found.sort((a, b) => context.sets.compare(a.labels, b.labels));
  const kept = limited(
    found.map((_, i) => i),
    run,
  ).map((i) => found[i]!);
  return new SampleSeries(kept, context.sets);
}
