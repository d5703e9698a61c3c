// SPDX-License-Identifier: Apache-2.0
// info(): adds the labels of info series (target_info and the like), which say something about the target
// that a series comes from and are found by what identifies it.

import {
  INSTANCE_LABEL,
  JOB_LABEL,
  METRIC_NAME,
  type Matcher,
  compareText,
  compileRegexp,
  quoteRegexp,
} from '../../model/index.ts';
import { QueryError } from '../engine/errors.ts';
import type { InfoPlan } from '../plan/nodes.ts';
import { type Steps, StepMatrix, copyCells } from './batch.ts';
import { type QueryContext, type VectorOperator, materialise } from './context.ts';
import { NAME_SYMBOL, needAll } from './label-sets.ts';
import { sameLabelset } from './merge.ts';
import { SelectOperator } from './select.ts';

/** What an info series has in common with the series of its target. */
const identifyingLabels = [INSTANCE_LABEL, JOB_LABEL] as const;
const DEFAULT_INFO_METRIC = 'target_info';
/** Where names are only excluded. */
const ANY_INFO_METRIC = '.+_info';

function valueTest({ type, value }: Matcher): (text: string) => boolean {
  if (type === '=') return (text) => text === value;
  if (type === '!=') return (text) => text !== value;
  const regexp = compileRegexp(value);
  return type === '=~' ? (text) => regexp.test(text) : (text) => !regexp.test(text);
}

/** The info series of one metric that have the same identifying labels: at a step at most one counts. */
interface InfoGroup {
  readonly metric: number;
  readonly rows: number[];
}

class InfoJoin {
  private readonly plan: InfoPlan;
  private readonly context: QueryContext;
  private readonly steps: Steps;
  private readonly base: StepMatrix;
  private readonly identifying: readonly number[];
  private readonly out: StepMatrix;
  private readonly outRow = new Map<number, number>();
  private info: StepMatrix;
  /** Label sets enriched by the info rows of a key. */
  private readonly enriched = new Map<string, number>();

  constructor(plan: InfoPlan, base: StepMatrix, steps: Steps, context: QueryContext) {
    this.plan = plan;
    this.context = context;
    this.steps = steps;
    this.base = base;
    this.identifying = identifyingLabels.map((name) => context.sets.symbol(name));
    this.out = new StepMatrix(steps.count, base.rowCount, context.budget);
    this.info = new StepMatrix(steps.count);
  }

  /** Info series themselves are left as they are. */
  private findIgnored(): Uint8Array {
    const { base, plan } = this;
    const { sets } = this.context;
    const tests = [...plan.matchers, ...this.defaultMatchers()]
      .filter(({ name }) => name === METRIC_NAME)
      .map(valueTest);
    const names = !plan.selects || plan.matchers.some(({ name }) => name === METRIC_NAME);
    return Uint8Array.from(base.labels, (set) => {
      const name = sets.text(sets.value(set, NAME_SYMBOL));
      return names && tests.every((test) => test(name)) ? 1 : 0;
    });
  }

  /** Matchers that find the info series of all series of the base; undefined when there are none. */
  private infoMatchers(ignored: Uint8Array): Matcher[] | undefined {
    const { base, plan } = this;
    const { sets } = this.context;
    const matchers: Matcher[] = [];
    this.identifying.forEach((symbol, i) => {
      const values = new Set<number>();
      base.labels.forEach((set, row) => {
        const value = sets.value(set, symbol);
        if (ignored[row] === 0 && value !== 0) values.add(value);
      });
      if (values.size === 0) return;
      const value = [...values]
        .map((id) => sets.text(id))
        .sort(compareText)
        .map(quoteRegexp)
        .join('|');
      matchers.push({ name: identifyingLabels[i]!, type: '=~', value });
    });
    if (matchers.length === 0) return undefined;
    return [...matchers, ...this.defaultMatchers(), ...plan.matchers];
  }

  /** What stands in when the selector doesn't say which metrics are to be looked at. */
  private defaultMatchers(): Matcher[] {
    const named = this.plan.matchers.filter(({ name }) => name === METRIC_NAME);
    if (named.length === 0) return [{ name: METRIC_NAME, type: '=', value: DEFAULT_INFO_METRIC }];
    const positive = named.some(({ type }) => type === '=' || type === '=~');
    return positive ? [] : [{ name: METRIC_NAME, type: '=~', value: ANY_INFO_METRIC }];
  }

  /** Info series with the times of their samples as values. */
  private selectInfo(matchers: readonly Matcher[]): void {
    const { plan, steps, context } = this;
    const { id, position, invariant, offsetMs, atMs } = plan;
    const select = {
      kind: 'select',
      matchers,
      smoothed: false,
      offsetMs,
      atMs,
      name: undefined,
      id,
      position,
      invariant,
    } as const;
    const asTimes = new SelectOperator(select, steps, context, 'infoTime');
    this.info = materialise(asTimes, needAll, steps.count, context);
  }

  /** Info rows by identifying labels, and of those by metric. */
  private groupInfo(): Map<number, InfoGroup[]> {
    const { sets } = this.context;
    const groups = new Map<number, InfoGroup[]>();
    this.info.labels.forEach((set, row) => {
      const key = sets.keeping(set, this.identifying);
      const metric = sets.value(set, NAME_SYMBOL);
      const known = groups.get(key) ?? [];
      groups.set(key, known);
      const group = known.find((one) => one.metric === metric);
      if (group === undefined) known.push({ metric, rows: [row] });
      else group.rows.push(row);
    });
    return groups;
  }

  /** The newest sample of a group at step k: its row, or -1. @throws QueryError for two at one time */
  private newest({ rows }: InfoGroup, k: number): number {
    const { info } = this;
    let best = -1;
    const time = (row: number): number => info.values(row)[info.offset(row) + k]!;
    for (const row of rows) {
      if (info.present(row)[info.offset(row) + k] === 0) continue;
      if (best < 0 || time(row) > time(best)) best = row;
      else if (time(row) === time(best)) throw this.conflict(best, row, time(row));
    }
    return best;
  }

  private conflict(existing: number, other: number, seconds: number): QueryError {
    const { sets } = this.context;
    const at = Math.round(seconds * 1000);
    const text = (row: number): string => sets.print(this.info.labels[row]!);
    return new QueryError(
      'execution',
      `found duplicate series for info metric: existing ${text(existing)} @ ${at}, ` +
        `new ${text(other)} @ ${at}`,
    );
  }

  /** `set` with the labels of the info rows that were asked for and that it doesn't have. */
  private enrich(set: number, rows: readonly number[]): number {
    const key = `${set}:${rows.join(',')}`;
    const known = this.enriched.get(key);
    if (known !== undefined) return known;
    const { sets } = this.context;
    const wanted = this.dataLabels;
    const added = new Map<number, number>();
    for (const row of rows) {
      const info = this.info.labels[row]!;
      for (let i = 0; i < sets.size(info); i++) {
        const name = sets.nameAt(info, i);
        if (name === NAME_SYMBOL || (wanted.size > 0 && !wanted.has(name))) continue;
        const value = sets.valueAt(info, i);
        const before = added.get(name);
        if (before !== undefined && before !== value) {
          throw new QueryError('execution', `conflicting label: ${sets.text(name)}`);
        }
        if (sets.value(set, name) === 0) added.set(name, value);
      }
    }
    let result = set;
    for (const [name, value] of added) result = sets.with(result, name, value);
    this.enriched.set(key, result);
    return result;
  }

  /** The labels that the selector names: only those are added, or all when it names none. */
  private get dataLabels(): ReadonlySet<number> {
    const { sets } = this.context;
    const names = this.plan.matchers.map(({ name }) => name).filter((name) => name !== METRIC_NAME);
    return new Set(names.map((name) => sets.symbol(name)));
  }

  private put(set: number, dropName: boolean, row: number, k: number): void {
    let to = this.outRow.get(set);
    if (to === undefined) {
      to = this.out.addRow(set, dropName);
      this.outRow.set(set, to);
    }
    const cell = this.out.offset(to) + k;
    if (this.out.present(to)[cell] !== 0) throw sameLabelset();
    copyCells(this.base.cells(row), this.base.offset(row) + k, this.out.cells(to), cell, 1);
    this.out.sampleCount++;
  }

  run(): StepMatrix {
    const { base, out, context } = this;
    const ignored = this.findIgnored();
    const matchers = this.infoMatchers(ignored);
    if (matchers !== undefined) this.selectInfo(matchers);
    const groups = this.groupInfo();
    const keepsBare = this.plan.matchers
      .filter(({ name }) => name !== METRIC_NAME)
      .every((matcher) => valueTest(matcher)(''));
    for (let row = 0; row < base.rowCount; row++) {
      context.control.checkpoint();
      const set = base.labels[row]!;
      const own = groups.get(context.sets.keeping(set, this.identifying)) ?? [];
      const present = base.present(row);
      const offset = base.offset(row);
      for (let k = 0; k < this.steps.count; k++) {
        if (present[offset + k] === 0) continue;
        const dropName = base.dropName[row]!;
        if (ignored[row] === 1) {
          this.put(set, dropName, row, k);
          continue;
        }
        const found = own.map((group) => this.newest(group, k)).filter((info) => info >= 0);
        if (found.length === 0 && !keepsBare) continue;
        this.put(this.enrich(set, found), dropName, row, k);
      }
    }
    context.budget.release(base.sampleCount + this.info.sampleCount);
    base.free();
    this.info.free();
    context.budget.hold(out.sampleCount);
    return out;
  }
}

/** Evaluates info(). */
export function infoJoin(
  plan: InfoPlan,
  input: VectorOperator,
  steps: Steps,
  context: QueryContext,
): StepMatrix {
  const base = materialise(input, needAll, steps.count, context);
  return new InfoJoin(plan, base, steps, context).run();
}
