// SPDX-License-Identifier: Apache-2.0
// What a query will cost, before it runs: series and samples of its selectors by the index and the chunks'
// counts, and what each node makes of them at most.

import { type Steps, stepsKey } from '../operators/batch.ts';
import type { QueryContext } from '../operators/context.ts';
import {
  type ReadBounds,
  references,
  samplesBounds,
  selectBounds,
} from '../operators/references.ts';
import { selectStored, selectionKey } from '../operators/stored-series.ts';
import type { PlanNode, SamplesPlan, SelectPlan } from '../plan/nodes.ts';
import { planInputs } from './inputs.ts';

export interface Estimate {
  /** Rows of the node's result, at most. */
  readonly series: number;
  /** Samples that it reads (selectors) or hands on (all others), at most. */
  readonly samples: number;
}

/** Of a whole query. */
export interface QueryEstimate extends Estimate {
  /** Cells that all nodes together fill: the work beside reading. */
  readonly cells: number;
}

/** Rows whose samples are counted one by one; of more the rest is taken to be like them. */
const COUNTED_ROWS_MAX = 2000;

/** Key of a node at its steps. */
export const nodeKey = (node: PlanNode, steps: Steps): string => `${node.id}@${stepsKey(steps)}`;

/** Estimates the nodes of one plan, each once. */
export class Estimator {
  private readonly context: QueryContext;
  private readonly known = new Map<string, Estimate>();

  constructor(context: QueryContext) {
    this.context = context;
  }

  of(node: PlanNode, steps: Steps): Estimate {
    const key = nodeKey(node, steps);
    let estimate = this.known.get(key);
    if (estimate === undefined) {
      estimate = this.compute(node, steps);
      this.known.set(key, estimate);
    }
    return estimate;
  }

  /** Samples that a leaf (see plan/leaf.ts) reads, and cells that it fills. */
  work(leaf: PlanNode, steps: Steps): number {
    let node = leaf;
    for (;;) {
      const [input] = planInputs(node, steps);
      if (input === undefined) break;
      node = input[0];
    }
    const { series, samples } = this.of(node, steps);
    return samples + series * steps.count;
  }

  /** What all nodes from `root` on cost together. */
  total(root: PlanNode, steps: Steps): QueryEstimate {
    const seen = new Set<string>();
    let [series, samples, cells] = [0, 0, 0];
    const visit = (node: PlanNode, at: Steps): void => {
      if (seen.has(nodeKey(node, at))) return;
      seen.add(nodeKey(node, at));
      const estimate = this.of(node, at);
      if (node.kind === 'select' || node.kind === 'samples' || node.kind === 'sampleTime') {
        series += estimate.series;
        samples += estimate.samples;
      }
      if (node.kind !== 'samples') cells += estimate.series * at.count;
      for (const [input, steps] of planInputs(node, at)) visit(input, steps);
    };
    visit(root, steps);
    return { series, samples, cells };
  }

  private compute(node: PlanNode, steps: Steps): Estimate {
    const refs = (plan: SelectPlan | SamplesPlan) => references(steps, plan);
    const { lookbackMs } = this.context;
    switch (node.kind) {
      case 'select':
        return this.selector(node, selectBounds(node, refs(node), lookbackMs), steps, 0);
      case 'sampleTime':
        return this.of(node.select, steps);
      case 'samples':
        return this.selector(
          node,
          samplesBounds(node, refs(node), lookbackMs),
          steps,
          node.rangeMs,
        );
      case 'constant':
      case 'string':
        return { series: 0, samples: 0 };
      default: {
        const inputs = planInputs(node, steps).map(([input, at]) => this.of(input, at));
        const series = this.seriesOf(node, inputs);
        return { series, samples: series * steps.count };
      }
    }
  }

  private seriesOf(node: PlanNode, inputs: readonly Estimate[]): number {
    const most = inputs.reduce((max, { series }) => Math.max(max, series), 0);
    switch (node.kind) {
      case 'scalarCall':
      case 'scalarOf':
      case 'onceScalar':
        return 0;
      case 'absent':
      case 'vectorOf':
        return 1;
      case 'aggregate':
        // How many groups there are shows only when labels are read.
        return node.grouping.length === 0 && !node.without && !keepsSeries.has(node.op)
          ? Math.min(1, most)
          : most;
      case 'set':
        return node.op === 'or' ? inputs.reduce((sum, { series }) => sum + series, 0) : most;
      default:
        return most;
    }
  }

  private selector(
    plan: SelectPlan | SamplesPlan,
    { minMs, maxMs }: ReadBounds,
    { stepMs }: Steps,
    rangeMs: number,
  ): Estimate {
    const { context } = this;
    const hints = { stepMs, rangeMs, func: '' };
    const set = selectStored(context, plan.matchers, minMs, maxMs, hints);
    context.selected.set(selectionKey(plan.matchers, minMs, maxMs), set);
    const counted = Math.min(set.count, COUNTED_ROWS_MAX);
    let samples = 0;
    for (let i = 0; i < counted; i++) {
      const row = Math.floor((i * set.count) / counted);
      samples += set.estimateSamples(row, minMs, maxMs);
    }
    const scale = counted === 0 ? 0 : set.count / counted;
    return { series: set.count, samples: Math.round(samples * scale) };
  }
}

const keepsSeries: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'limitk',
  'limit_ratio',
  'count_values',
]);
