// SPDX-License-Identifier: Apache-2.0
// label_replace and label_join: rows pass through with other labels.

import { compileRegexp, expandTemplate, isValidLabelName, RegexpError } from '../../model/index.ts';
import { QueryError } from '../engine/errors.ts';
import type { LabelPlan } from '../plan/nodes.ts';
import type { SeriesList, StepBatch } from './batch.ts';
import { type QueryContext, type VectorOperator, ticking } from './context.ts';
import { type LabelNeed, NAME_SYMBOL, needAll } from './label-sets.ts';

/** The value symbol of the destination label for a label set; undefined leaves the set as it is. */
type NewValue = (set: number) => number | undefined;

function checkName(name: string, kind: 'destination' | 'source', func: string): void {
  if (isValidLabelName(name, 'utf8')) return;
  throw new QueryError('execution', `invalid ${kind} label name in ${func}(): ${name}`);
}

function replacement(texts: readonly string[], { sets }: QueryContext): NewValue {
  const [dst = '', template = '', src = '', pattern = ''] = texts;
  checkPattern(pattern);
  const regexp = compileRegexp(pattern, 'wrapped');
  checkName(dst, 'destination', 'label_replace');
  const source = sets.symbol(src);
  const memo = new Map<number, number | undefined>();
  return (set) => {
    const value = sets.value(set, source);
    if (memo.has(value)) return memo.get(value);
    const groups = regexp.exec(sets.text(value));
    const text = groups && expandTemplate(template, groups, regexp.groupNames);
    const result = text === undefined ? undefined : sets.symbol(text);
    memo.set(value, result);
    return result;
  };
}

function checkPattern(pattern: string): void {
  try {
    compileRegexp(pattern, 'wrapped');
  } catch (error) {
    if (!(error instanceof RegexpError)) throw error;
    throw new QueryError('execution', `invalid regular expression in label_replace(): ${pattern}`, {
      cause: error,
    });
  }
}

function joined(texts: readonly string[], { sets }: QueryContext): NewValue {
  const [dst = '', separator = '', ...sources] = texts;
  for (const source of sources) checkName(source, 'source', 'label_join');
  checkName(dst, 'destination', 'label_join');
  const symbols = sources.map((source) => sets.symbol(source));
  return (set) =>
    sets.symbol(symbols.map((name) => sets.text(sets.value(set, name))).join(separator));
}

export class LabelOperator implements VectorOperator {
  private readonly plan: LabelPlan;
  private readonly input: VectorOperator;
  private readonly context: QueryContext;

  constructor(plan: LabelPlan, input: VectorOperator, context: QueryContext) {
    this.plan = plan;
    this.input = input;
    this.context = context;
  }

  open(need: LabelNeed): SeriesList {
    const { plan, context } = this;
    const { sets } = context;
    const newValue = (plan.func === 'label_replace' ? replacement : joined)(plan.texts, context);
    const destination = sets.symbol(plan.texts[0] ?? '');
    const list = this.input.open(needAll);
    const labels = new Int32Array(list.count);
    const dropName = list.dropName?.slice();
    const tick = ticking(context.control, 256);
    for (let row = 0; row < list.count; row++) {
      tick();
      const set = list.labels[row]!;
      const value = newValue(set);
      labels[row] = sets.project(
        value === undefined ? set : sets.with(set, destination, value),
        need,
      );
      // Who sets the name on purpose keeps it.
      if (value !== undefined && destination === NAME_SYMBOL) dropName?.fill(0, row, row + 1);
    }
    return { count: list.count, labels, dropName };
  }

  next(out: StepBatch): number {
    return this.input.next(out);
  }
}
