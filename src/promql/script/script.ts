// SPDX-License-Identifier: Apache-2.0
// The script language of PromQL tests: text to commands.
//
//   load 1m                              eval instant at 5m sum by (a) (x)
//     x{a="1"} 0+1x10                      expect no_warn
//   clear                                  {a="1"} 5
//
//   eval range from 0 to 10m step 5m rate(x[5m])

import {
  DurationError,
  type Labels,
  labelsEqual,
  labelsKey,
  parseDuration,
} from '../../model/index.ts';
import { ParseError } from '../parser/errors.ts';
import { unquote } from '../parser/strings.ts';
import { parseNumber } from '../parser/numbers.ts';
import type { LoadedSeries } from './load.ts';
import { nativeSeries } from './nhcb.ts';
import { parseMetric, parseSeriesDescription, type SequenceValue } from './sequence.ts';
import { parseStartTimesLine, type StartOffset, StartTimesError } from './start-times.ts';

/** A script that is none. The message names the line. */
export class ScriptError extends Error {
  override name = 'ScriptError';
  readonly line: number;
  constructor(line: number, message: string, options?: { cause?: unknown }) {
    super(`line ${line}: ${message}`, options);
    this.line = line;
  }
}

/** What a message must be: the same text, or something the pattern is found in. */
export type Expectation =
  | { readonly kind: 'any' }
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'pattern'; readonly source: string };

export type ExpectationSubject = 'fail' | 'warn' | 'no_warn' | 'info' | 'no_info' | 'ordered';

export interface ExpectedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

export interface LoadCommand {
  readonly kind: 'load';
  readonly line: number;
  readonly intervalMs: number;
  /** Native histograms made of classic ones included. */
  readonly series: readonly LoadedSeries[];
}

export interface EvalCommand {
  readonly kind: 'eval';
  /** From 1. */
  readonly line: number;
  readonly query: string;
  /** An instant query at `startMs`, or a range query. */
  readonly isRange: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** The grid of an expected range vector. */
  readonly grid: { readonly startMs: number; readonly endMs: number; readonly stepMs: number };
  readonly expectations: Readonly<Record<ExpectationSubject, readonly Expectation[]>>;
  readonly series: readonly ExpectedSeries[];
  readonly scalar: number | undefined;
  readonly string: string | undefined;
  /** The result is no instant vector: it isn't asked for as a range query too. */
  readonly instantOnly: boolean;
}

export type ScriptCommand =
  | LoadCommand
  | EvalCommand
  | { readonly kind: 'clear'; readonly line: number };

const loadSyntax = /^load(?:_(with_nhcb))?\s+(.+?)$/;
const instantSyntax = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const rangeSyntax =
  /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const expectSyntax = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const gridSyntax = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;

type Draft<Command> = { -readonly [Key in keyof Command]: Command[Key] };

/** Walks over the lines of one script. */
class ScriptParser {
  private readonly lines: readonly string[];
  /** Index of the current line. */
  private at = 0;

  constructor(text: string) {
    this.lines = text.split('\n').map((line) => {
      const trimmed = line.trim();
      return trimmed.startsWith('#') ? '' : trimmed;
    });
  }

  parse(): ScriptCommand[] {
    const commands: ScriptCommand[] = [];
    for (; this.at < this.lines.length; this.at++) {
      const line = this.lines[this.at]!;
      if (line === '') continue;
      const word = line.split(/[\t ]+/, 1)[0]!.toLowerCase();
      if (word === 'clear') commands.push({ kind: 'clear', line: this.at + 1 });
      else if (word.startsWith('load')) commands.push(this.load());
      else if (word.startsWith('eval')) commands.push(this.evaluation());
      else this.fail(`invalid command "${line}"`);
    }
    return commands;
  }

  private fail(message: string, cause?: unknown): never {
    throw new ScriptError(this.at + 1, message, { cause });
  }

  /** Runs a parser of the language and adds the line to its errors. */
  private within<Result>(parse: () => Result): Result {
    try {
      return parse();
    } catch (error) {
      const known =
        error instanceof ParseError ||
        error instanceof DurationError ||
        error instanceof StartTimesError;
      if (known) this.fail(error.message, error);
      throw error;
    }
  }

  private duration(text: string): number {
    return this.within(() => parseDuration(text));
  }

  /** Moves to the next line of the command; undefined when it ended. */
  private nextLine(): string | undefined {
    const line = this.lines[this.at + 1];
    if (line === undefined || line === '') return undefined;
    this.at++;
    return line;
  }

  private load(): LoadCommand {
    const line = this.at + 1;
    const match = loadSyntax.exec(this.lines[this.at]!);
    if (match === null) this.fail('invalid load command. (load[_with_nhcb] <step:duration>)');
    const intervalMs = this.duration(match[2] ?? '');
    const series: LoadedSeries[] = [];
    let defaults: readonly StartOffset[] = [];
    let pending: { labels: Labels; offsets: readonly StartOffset[] } | undefined;
    for (let text = this.nextLine(); text !== undefined; text = this.nextLine()) {
      const definition = text;
      const start = this.within(() => parseStartTimesLine(definition));
      if (start !== undefined) {
        if (pending !== undefined) this.fail('@st line has no following sample line');
        if (start.metric === '') defaults = start.offsets;
        else {
          const labels = this.within(() => parseMetric(start.metric));
          pending = { labels, offsets: start.offsets };
        }
        continue;
      }
      const described = this.within(() => parseSeriesDescription(definition));
      const startOffsets = this.startOffsets(described, pending, defaults);
      series.push(startOffsets === undefined ? described : { ...described, startOffsets });
      pending = undefined;
    }
    if (pending !== undefined) this.fail('@st line has no following sample line');
    // Of two lines for one series the later counts.
    const unique = [...new Map(series.map((one) => [labelsKey(one.labels), one])).values()];
    const native = match[1] === undefined ? [] : nativeSeries(unique);
    return { kind: 'load', line, intervalMs, series: [...unique, ...native] };
  }

  private startOffsets(
    { labels, values }: LoadedSeries,
    own: { labels: Labels; offsets: readonly StartOffset[] } | undefined,
    defaults: readonly StartOffset[],
  ): readonly StartOffset[] | undefined {
    if (own !== undefined) {
      if (!labelsEqual(own.labels, labels)) {
        this.fail('@st metric does not match the following sample line metric');
      }
      if (own.offsets.length !== values.length) {
        const counts = `${own.offsets.length} values but sample line has ${values.length}`;
        this.fail(`@st line has ${counts}`);
      }
      return own.offsets;
    }
    if (defaults.length === 0) return undefined;
    return values.map((_, i) => defaults[i % defaults.length]);
  }

  private header(): Pick<
    Draft<EvalCommand>,
    'query' | 'isRange' | 'startMs' | 'endMs' | 'stepMs'
  > & {
    mode: string | undefined;
  } {
    const text = this.lines[this.at]!;
    const instant = instantSyntax.exec(text);
    if (instant !== null) {
      const [, mode, at, query = ''] = instant;
      if (at === undefined) this.fail('invalid timestamp definition ""');
      const startMs = this.duration(at);
      return { mode, query, isRange: false, startMs, endMs: startMs, stepMs: 0 };
    }
    const range = rangeSyntax.exec(text);
    if (range === null) this.fail(`invalid evaluation command "${text}"`);
    const [, mode, from = '', to = '', step = '', query = ''] = range;
    return { mode, query, isRange: true, ...this.times(from, to, step) };
  }

  private times(
    from: string,
    to: string,
    step: string,
  ): { startMs: number; endMs: number; stepMs: number } {
    const startMs = this.duration(from);
    const endMs = this.duration(to);
    const stepMs = this.duration(step);
    if (endMs < startMs) {
      const times = `end timestamp (${to}) is before start timestamp (${from})`;
      this.fail(`invalid test definition, ${times}`);
    }
    return { startMs, endMs, stepMs };
  }

  private evaluation(): EvalCommand {
    const line = this.at + 1;
    const { mode, ...header } = this.header();
    const { startMs, endMs, stepMs } = header;
    const expectations: Record<ExpectationSubject, Expectation[]> = {
      fail: [],
      warn: [],
      no_warn: [],
      info: [],
      no_info: [],
      ordered: [],
    };
    if (mode === 'fail' || mode === 'warn' || mode === 'info' || mode === 'ordered') {
      // `eval_warn` wants one warning, whatever the others are.
      expectations[mode].push({ kind: 'any' });
    }
    const series: ExpectedSeries[] = [];
    const command: Draft<EvalCommand> = {
      kind: 'eval',
      line,
      ...header,
      grid: { startMs, endMs, stepMs },
      expectations,
      series,
      scalar: undefined,
      string: undefined,
      instantOnly: false,
    };
    for (let text = this.nextLine(); text !== undefined; text = this.nextLine()) {
      if (this.directive(text, command, expectations)) continue;
      const number = numberOf(text);
      if (number !== undefined) {
        command.scalar = number;
        break;
      }
      const definition = text;
      const expected = this.within(() => parseSeriesDescription(definition));
      if (expected.values.length > 1 && !command.isRange && !command.instantOnly) {
        this.fail('expecting multiple values in instant evaluation not allowed');
      }
      series.push(expected);
    }
    return command;
  }

  /** Lines that begin with `expect`; false for all others. */
  private directive(
    text: string,
    command: Draft<EvalCommand>,
    expectations: Record<ExpectationSubject, Expectation[]>,
  ): boolean {
    const oldMessage = /^expected_fail_(message|regexp)\s*(.*)$/.exec(text);
    if (oldMessage !== null) {
      const [, kind, wanted = ''] = oldMessage;
      const expected: Expectation =
        kind === 'message'
          ? { kind: 'message', text: wanted }
          : { kind: 'pattern', source: wanted };
      expectations.fail = [expected];
      return true;
    }
    if (!/^expect\s/.test(text)) return false;
    const grid = gridSyntax.exec(text);
    if (grid !== null) {
      command.grid = this.times(grid[1] ?? '', grid[2] ?? '', grid[3] ?? '');
      command.startMs = command.grid.endMs;
      command.endMs = command.grid.endMs;
      command.instantOnly = true;
      return true;
    }
    const literal = /^expect string\s+(["'`].*["'`])$/.exec(text);
    if (literal !== null) {
      command.string = unquote(literal[1] ?? '""');
      command.instantOnly = true;
      return true;
    }
    const match = expectSyntax.exec(text);
    if (match === null) this.fail(`invalid expect statement "${text}"`);
    const [, subject = '', how, wanted = ''] = match;
    const message = wanted.trim();
    const expected: Expectation =
      how === undefined
        ? { kind: 'any' }
        : how === 'msg'
          ? { kind: 'message', text: message }
          : { kind: 'pattern', source: message };
    expectations[subject as ExpectationSubject].push(expected);
    this.checkExpectations(expectations);
    return true;
  }

  private checkExpectations(expectations: Record<ExpectationSubject, Expectation[]>): void {
    const { info, no_info: noInfo, warn, no_warn: noWarn, fail } = expectations;
    const clash = (what: string): never => this.fail(`invalid expect lines, ${what}`);
    if (info.length > 0 && noInfo.length > 0) clash('info and no_info cannot be used together');
    if (warn.length > 0 && noWarn.length > 0) clash('warn and no_warn cannot be used together');
    if (fail.length > 1) clash('multiple expect fail lines are not allowed');
  }
}

function numberOf(text: string): number | undefined {
  const negative = text.startsWith('-');
  const value = parseNumber(text.replace(/^[+-]/, ''));
  if (typeof value !== 'number') return undefined;
  return negative ? -value : value;
}

/**
 * The commands of a script.
 *
 * @throws ScriptError with the line
 */
export const parseScript = (text: string): ScriptCommand[] => new ScriptParser(text).parse();
