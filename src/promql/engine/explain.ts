// SPDX-License-Identifier: Apache-2.0
// A plan as a tree for people and programs: what each node is, what it is estimated to cost and, after the
// query ran, what it did.

import { quote } from '../../model/index.ts';
import type { PositionRange } from '../ast/nodes.ts';
import type { Steps } from '../operators/batch.ts';
import type { Profiler } from '../operators/profile.ts';
import type { PlanNode } from '../plan/nodes.ts';
import { type Estimate, type Estimator, type QueryEstimate, nodeKey } from './estimate.ts';
import { planInputs } from './inputs.ts';

/** What a node did. Times in seconds. */
export interface ActualCost {
  readonly series: number;
  readonly samples: number;
  /** How often it was evaluated. */
  readonly evaluations: number;
  /** Its inputs included. */
  readonly totalSeconds: number;
  readonly selfSeconds: number;
}

export interface ExplainNode {
  readonly id: number;
  readonly kind: string;
  readonly description: string;
  /** UTF-16 offsets of the first place in the query where it stands. */
  readonly position: PositionRange;
  /** Steps at which it's evaluated. */
  readonly steps: number;
  /** Shown before, and computed once: inputs are not repeated. */
  readonly shared: boolean;
  readonly estimated: Estimate;
  readonly actual?: ActualCost;
  readonly inputs: readonly ExplainNode[];
}

/** The answer of explain; `actual` only of analyze. */
export interface Explanation {
  readonly query: string;
  readonly estimated: QueryEstimate;
  readonly actual?: {
    readonly totalQueryableSamples: number;
    readonly peakSamples: number;
    readonly peakBytes: number;
    readonly seconds: number;
  };
  readonly plan: ExplainNode;
}

const matchersText = (
  matchers: readonly { readonly name: string; readonly type: string; readonly value: string }[],
): string => `{${matchers.map(({ name, type, value }) => name + type + quote(value)).join(', ')}}`;

const seconds = (ms: number): string => `${ms / 1000}s`;

function placementText(node: { readonly offsetMs: number; readonly atMs: number | undefined }) {
  const at = node.atMs === undefined ? '' : ` @ ${node.atMs / 1000}`;
  return at + (node.offsetMs === 0 ? '' : ` offset ${seconds(node.offsetMs)}`);
}

/** One line on what a node does. */
export function describeNode(node: PlanNode): string {
  switch (node.kind) {
    case 'select':
      return `newest samples of ${matchersText(node.matchers)}${placementText(node)}`;
    case 'samples': {
      const range = `[${seconds(node.rangeMs)}]`;
      return `samples of ${matchersText(node.matchers)}${range}${placementText(node)}`;
    }
    case 'subquery':
      return `subquery [${seconds(node.rangeMs)}:${seconds(node.stepMs)}]${placementText(node)}`;
    case 'sampleTime':
      return `times of samples of ${matchersText(node.select.matchers)}`;
    case 'constant':
      return `constant ${node.value}`;
    case 'string':
      return `string ${quote(node.value)}`;
    case 'scalarCall':
      return `scalar ${node.op}`;
    case 'scalarOf':
      return 'the only element as a scalar';
    case 'once':
    case 'onceScalar':
      return 'evaluated once for all steps';
    case 'window':
    case 'element':
    case 'histogram':
    case 'label':
    case 'sort':
      return node.func;
    case 'vectorScalar':
      return `${node.swapped ? 'scalar ' : 'vector '}${node.op}${node.swapped ? ' vector' : ' scalar'}`;
    case 'join':
      return `join ${node.op}, ${node.matching.cardinality}${matchingText(node.matching)}`;
    case 'set':
      return `${node.op}${matchingText(node.matching)}`;
    case 'aggregate': {
      const grouped = node.grouping.length > 0 || node.without;
      const by = `${node.without ? ' without' : ' by'} (${node.grouping.join(', ')})`;
      return node.op + (grouped ? by : '');
    }
    case 'absent':
      return 'absent';
    case 'vectorOf':
      return 'a scalar as a vector';
    case 'info':
      return `info${node.selects ? ` ${matchersText(node.matchers)}` : ''}`;
    case 'merge':
      return 'series that have become equal are joined';
  }
}

const matchingText = (matching: { readonly on: boolean; readonly labels: readonly string[] }) =>
  matching.on || matching.labels.length > 0
    ? ` ${matching.on ? 'on' : 'ignoring'} (${matching.labels.join(', ')})`
    : '';

/** The tree from `root` on. */
export function explainPlan(
  root: PlanNode,
  steps: Steps,
  estimator: Estimator,
  profiler: Profiler | undefined,
): ExplainNode {
  const seen = new Set<string>();
  const visit = (node: PlanNode, at: Steps): ExplainNode => {
    const key = nodeKey(node, at);
    const shared = seen.has(key);
    seen.add(key);
    const below = planInputs(node, at);
    const profile = profiler?.profile(key);
    const inputSeconds = below.reduce(
      (sum, [input, steps]) => sum + (profiler?.profile(nodeKey(input, steps))?.seconds ?? 0),
      0,
    );
    return {
      id: node.id,
      kind: node.kind,
      description: describeNode(node),
      position: node.position,
      steps: at.count,
      shared,
      estimated: estimator.of(node, at),
      ...(profile === undefined
        ? {}
        : {
            actual: {
              series: profile.series,
              samples: profile.samples,
              evaluations: profile.opens,
              totalSeconds: profile.seconds,
              selfSeconds: Math.max(0, profile.seconds - inputSeconds),
            },
          }),
      inputs: shared ? [] : below.map(([input, steps]) => visit(input, steps)),
    };
  };
  return visit(root, steps);
}
