// SPDX-License-Identifier: Apache-2.0
// Runs the `eval` commands of a script and says how an answer differs from the expected one.

import {
  compareLabels,
  formatFloatG,
  formatTestHistogram,
  type Histogram,
  type Labels,
  labelsKey,
  quote,
  SearchPattern,
} from '../../model/index.ts';
import type { Queryable } from '../../storage/index.ts';
import type { Engine } from '../engine/engine.ts';
import { QueryError } from '../engine/errors.ts';
import { expressionText } from '../format/text.ts';
import { allSyntaxFeatures } from '../parser/options.ts';
import { parseExpression } from '../parser/parser.ts';
import type { Points, QueryResult, ResultSeries } from '../result/result.ts';
import { pinned } from './at-modifier.ts';
import { almostEqual, histogramsAlike } from './compare.ts';
import type { EvalCommand, Expectation, ExpectedSeries } from './script.ts';
import type { SequenceValue } from './sequence.ts';

const neverStops = { checkpoint: (): void => undefined };

/** A difference, thrown to the one place that reports it. */
class Mismatch extends Error {
  override name = 'Mismatch';
}

function mismatch(text: string): never {
  throw new Mismatch(text);
}

interface Point {
  readonly timeMs: number;
  readonly value: number;
  readonly histogram: Histogram | undefined;
}

interface ActualSeries {
  readonly labels: Labels;
  readonly points: readonly Point[];
}

const labelsText = (labels: Labels): string =>
  `{${labels.map(({ name, value }) => `${name}=${quote(value)}`).join(', ')}}`;

const pointText = ({ value, histogram }: Point): string =>
  histogram === undefined ? formatFloatG(value) : formatTestHistogram(histogram);

const seriesText = ({ points }: ActualSeries): string =>
  points.map((point) => `${pointText(point)} @[${point.timeMs}]`).join(' ');

function pointsOf({ times, values, histograms }: Points): Point[] {
  return Array.from(times, (timeMs, i) => ({
    timeMs,
    value: values[i]!,
    histogram: histograms?.[i],
  }));
}

const seriesOf = (series: ResultSeries): ActualSeries[] =>
  Array.from({ length: series.count }, (_, i) => ({
    labels: series.labels(i),
    points: pointsOf(series.points(i)),
  }));

function meets(expectation: Expectation, message: string): boolean {
  if (expectation.kind === 'any') return true;
  if (expectation.kind === 'message') return expectation.text === message;
  return new SearchPattern(expectation.source).foundIn(message);
}

const expectationText = (expectation: Expectation): string =>
  expectation.kind === 'any'
    ? 'anything'
    : expectation.kind === 'message'
      ? quote(expectation.text)
      : `/${expectation.source}/`;

function checkAnnotations(
  kind: 'warn' | 'info',
  expected: readonly Expectation[],
  forbidden: boolean,
  messages: readonly string[],
): void {
  if (forbidden && messages.length > 0) {
    mismatch(`unexpected ${kind} annotations: ${messages.join('; ')}`);
  }
  if (expected.length === 0) return;
  for (const expectation of expected) {
    if (messages.some((message) => meets(expectation, message))) continue;
    const found = messages.length === 0 ? 'none' : messages.join('; ');
    mismatch(`expected ${kind} annotation ${expectationText(expectation)}, found ${found}`);
  }
  for (const message of messages) {
    if (!expected.some((expectation) => meets(expectation, message))) {
      mismatch(`unexpected ${kind} annotation ${quote(message)}`);
    }
  }
}

/** What a query at one time, or over some, gave. */
interface Outcome {
  readonly result: QueryResult | undefined;
  readonly error: QueryError | undefined;
}

class Evaluation {
  private readonly engine: Engine;
  private readonly queryable: Queryable;
  private readonly command: EvalCommand;

  constructor(engine: Engine, queryable: Queryable, command: EvalCommand) {
    this.engine = engine;
    this.queryable = queryable;
    this.command = command;
  }

  run(): void {
    const { command } = this;
    if (command.isRange) {
      const { query, startMs, endMs, stepMs } = command;
      const outcome = this.range(query, startMs, endMs, stepMs);
      if (this.failed(outcome) || outcome.result === undefined) return;
      this.checkAnnotations(outcome.result);
      this.checkResult(outcome.result);
      return;
    }
    this.instant(command.query, command.startMs);
    for (const { query, timeMs } of this.pinnedQueries()) {
      try {
        this.instant(query, timeMs);
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        mismatch(`as ${query} at ${timeMs}: ${error.message}`);
      }
    }
  }

  /** The same query with its selectors pinned to its time, asked for at other times. */
  private pinnedQueries(): { query: string; timeMs: number }[] {
    const { query, startMs } = this.command;
    let expression: ReturnType<typeof pinned>;
    try {
      expression = pinned(parseExpression(query, allSyntaxFeatures), startMs);
    } catch (error) {
      if (error instanceof QueryError) return [];
      throw error;
    }
    if (expression === undefined) return [];
    const text = expressionText(expression);
    const times =
      startMs === 0
        ? [-1000, 0, 1000]
        : [-10 * startMs, 0, Math.trunc(startMs / 5), startMs, 10 * startMs];
    return times.map((timeMs) => ({ query: text, timeMs }));
  }

  private outcome(evaluate: () => QueryResult): Outcome {
    try {
      return { result: evaluate(), error: undefined };
    } catch (error) {
      if (error instanceof QueryError) return { result: undefined, error };
      throw error;
    }
  }

  private range(query: string, startMs: number, endMs: number, stepMs: number): Outcome {
    return this.outcome(() =>
      this.engine.range(this.queryable, { query, startMs, endMs, stepMs }, neverStops),
    );
  }

  /** Whether the query failed as it should. */
  private failed({ error }: Outcome): boolean {
    const { fail } = this.command.expectations;
    if (error === undefined) {
      if (fail.length > 0) mismatch('expected an error but got none');
      return false;
    }
    if (fail.length === 0) mismatch(`error: ${error.message}`);
    for (const expectation of fail) {
      if (meets(expectation, error.message)) continue;
      mismatch(`expected error ${expectationText(expectation)} but got ${quote(error.message)}`);
    }
    return true;
  }

  private instant(query: string, timeMs: number): void {
    const outcome = this.outcome(() =>
      this.engine.instant(this.queryable, { query, timeMs }, neverStops),
    );
    if (this.failed(outcome) || outcome.result === undefined) return;
    this.checkAnnotations(outcome.result);
    this.checkResult(outcome.result);
    if (this.command.instantOnly || /(start|end|range|step)\(\)/.test(query)) return;
    this.checkAsRange(query, timeMs, outcome.result.type === 'scalar');
  }

  /** The middle step of a range query must be the instant query's answer. */
  private checkAsRange(query: string, timeMs: number, isScalar: boolean): void {
    const minute = 60_000;
    const { result, error } = this.range(query, timeMs - minute, timeMs + minute, minute);
    if (error !== undefined) mismatch(`in range mode: error: ${error.message}`);
    if (result?.type !== 'matrix' || this.command.expectations.ordered.length > 0) return;
    const series = seriesOf(result.series)
      .map(({ labels, points }) => ({
        labels,
        points: points.filter((point) => point.timeMs === timeMs),
      }))
      .filter(({ points }) => points.length > 0);
    try {
      if (isScalar) this.checkScalar(series[0]?.points[0]?.value);
      else this.checkVector(series);
    } catch (failure) {
      if (!(failure instanceof Mismatch)) throw failure;
      mismatch(`in range mode: ${failure.message}`);
    }
  }

  private checkAnnotations({ warnings, infos }: QueryResult): void {
    const { warn, no_warn: noWarn, info, no_info: noInfo } = this.command.expectations;
    checkAnnotations('warn', warn, noWarn.length > 0, warnings);
    checkAnnotations('info', info, noInfo.length > 0, infos);
  }

  private checkResult(result: QueryResult): void {
    switch (result.type) {
      case 'string':
        if (result.value !== (this.command.string ?? '')) {
          mismatch(`expected ${quote(this.command.string ?? '')}, got ${quote(result.value)}`);
        }
        return;
      case 'scalar':
        this.checkScalar(result.value);
        return;
      case 'vector':
        this.checkVector(seriesOf(result.series));
        return;
      case 'matrix':
        this.checkMatrix(seriesOf(result.series));
        return;
    }
  }

  private checkScalar(value: number | undefined): void {
    const { scalar } = this.command;
    if (scalar === undefined) mismatch(`expected a vector or matrix, got scalar ${value}`);
    if (value === undefined || !almostEqual(scalar, value)) {
      mismatch(`expected scalar ${scalar}, got ${value}`);
    }
  }

  /** The expected series with these labels, which must be there. */
  private expected(actual: ActualSeries): { series: ExpectedSeries; position: number } {
    const key = labelsKey(actual.labels);
    const position = this.command.series.findLastIndex(({ labels }) => labelsKey(labels) === key);
    const series = this.command.series[position];
    if (series === undefined) {
      mismatch(`unexpected ${labelsText(actual.labels)} ${seriesText(actual)}`);
    }
    return { series, position };
  }

  private checkComplete(actual: readonly ActualSeries[]): void {
    const seen = new Set(actual.map(({ labels }) => labelsKey(labels)));
    const missing = this.command.series.find(({ labels }) => !seen.has(labelsKey(labels)));
    if (missing !== undefined) mismatch(`${labelsText(missing.labels)} not found`);
  }

  private checkVector(actual: readonly ActualSeries[]): void {
    if (this.command.scalar !== undefined) mismatch('expected a scalar, got a vector');
    const ordered = this.command.expectations.ordered.length > 0;
    actual.forEach((one, i) => {
      const { series, position } = this.expected(one);
      if (ordered && position !== i) {
        mismatch(`expected ${labelsText(one.labels)} at position ${position + 1}, not ${i + 1}`);
      }
      const [value] = series.values;
      const [point] = one.points;
      if (value === undefined || point === undefined) mismatch('no value');
      else checkPoint(value, point, one.labels);
    });
    this.checkComplete(actual);
  }

  private checkMatrix(actual: readonly ActualSeries[]): void {
    if (this.command.scalar !== undefined) mismatch('expected a scalar, got a matrix');
    if (this.command.expectations.ordered.length > 0) mismatch('expected an order, got a matrix');
    const { startMs, endMs, stepMs } = this.command.grid;
    actual.forEach((one, i) => {
      const next = actual[i + 1];
      if (next !== undefined && compareLabels(one.labels, next.labels) > 0) {
        mismatch(`the matrix is not sorted: ${labelsText(next.labels)} after its neighbour`);
      }
      const { series } = this.expected(one);
      let at = 0;
      series.values.forEach((value, k) => {
        if (value.kind === 'omitted') return;
        const timeMs = startMs + k * stepMs;
        if (timeMs > endMs) mismatch(`${labelsText(one.labels)}: more values than steps expected`);
        const point = one.points[at++];
        if (point === undefined || point.timeMs !== timeMs) {
          const where = `${labelsText(one.labels)} at ${timeMs}`;
          mismatch(`no ${valueText(value)} for ${where} (result has ${seriesText(one)})`);
        } else checkPoint(value, point, one.labels);
      });
      if (at !== one.points.length) {
        const counts = `expected ${at} points for ${labelsText(one.labels)}`;
        mismatch(`${counts}, got ${seriesText(one)}`);
      }
    });
    this.checkComplete(actual);
  }
}

const valueText = (value: SequenceValue): string =>
  value.kind === 'float'
    ? formatFloatG(value.value)
    : value.kind === 'histogram'
      ? formatTestHistogram(value.histogram)
      : value.kind;

function checkPoint(expected: SequenceValue, actual: Point, labels: Labels): void {
  const same =
    expected.kind === 'histogram'
      ? actual.histogram !== undefined &&
        histogramsAlike(expected.histogram, actual.histogram, expected.hintSet)
      : expected.kind === 'float' &&
        actual.histogram === undefined &&
        almostEqual(expected.value, actual.value);
  if (same) return;
  const where = `${labelsText(labels)} at ${actual.timeMs}`;
  mismatch(`expected ${valueText(expected)} for ${where}, got ${pointText(actual)}`);
}

/**
 * Runs one `eval`: an instant query also as a range query and, where that must not matter, at other times.
 * Errors that are no QueryError pass through.
 *
 * @returns undefined when all is as expected, else the difference
 */
export function evaluateCommand(
  engine: Engine,
  queryable: Queryable,
  command: EvalCommand,
): string | undefined {
  try {
    new Evaluation(engine, queryable, command).run();
    return undefined;
  } catch (error) {
    if (error instanceof Mismatch) return error.message;
    throw error;
  }
}
