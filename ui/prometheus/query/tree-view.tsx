// SPDX-License-Identifier: Apache-2.0
// The parts of an expression with what each of them gives: where in a long query the series get lost.

import { type ReactNode, useMemo } from 'react';
import type { DecodedResult } from '../../shared/api/decode-result.ts';
import { plural } from '../../shared/format/numbers.ts';
import { formatSpan } from '../../shared/format/times.ts';
import { resultCount } from './answer-frame.tsx';
import { expressionTree, labelCardinalities, type TreeNode } from './expression-tree.ts';
import { useInstantQuery } from './use-query-answer.ts';

/** Labels named per part. */
const LABELS_MAX = 5;

export interface TreeViewProps {
  readonly expr: string;
  readonly timeMs: number;
  readonly runAtMs: number;
  /** The part that is shown below; the whole expression when undefined. */
  readonly selected: string | undefined;
  readonly onSelect: (expr: string | undefined) => void;
}

interface NodeProps extends Omit<TreeViewProps, 'expr'> {
  readonly node: TreeNode;
  readonly isRoot: boolean;
}

function Labels({ result }: { readonly result: DecodedResult }): ReactNode {
  const all = useMemo(() => {
    if (result.type === 'vector') return labelCardinalities(result.samples.map((s) => s.metric));
    if (result.type === 'matrix') return labelCardinalities(result.series.map((s) => s.metric));
    return [];
  }, [result]);
  return (
    <span className="chips">
      {all.slice(0, LABELS_MAX).map(([name, count]) => (
        <span key={name} className="chip">
          <span className="name">{name}</span> {count}
        </span>
      ))}
      {all.length > LABELS_MAX && <span className="dim">+{all.length - LABELS_MAX}</span>}
    </span>
  );
}

function Outcome({ node, timeMs, runAtMs }: Pick<NodeProps, 'node' | 'timeMs' | 'runAtMs'>) {
  const { data, error } = useInstantQuery(node.expr, timeMs, runAtMs);
  if (error !== null) return <span className="tree-error">{error.message}</span>;
  if (data === undefined) return <span className="dim fetching">Loading…</span>;
  const count = resultCount(data);
  return (
    <>
      <span className={count === 0 ? 'badge warn' : 'dim num'}>
        {plural(count, 'result')} · {formatSpan(data.tookMs)}
      </span>
      <Labels result={data.result} />
    </>
  );
}

function Node({ node, isRoot, ...props }: NodeProps): ReactNode {
  const { selected, onSelect } = props;
  const isSelected = isRoot ? selected === undefined : selected === node.expr;
  return (
    <li>
      <div className="tree-line">
        <button
          type="button"
          className="plain-button tree-part"
          aria-pressed={isSelected}
          title={node.expr}
          onClick={() => onSelect(isRoot ? undefined : node.expr)}
        >
          {node.summary}
        </button>
        <Outcome node={node} timeMs={props.timeMs} runAtMs={props.runAtMs} />
      </div>
      {node.children.length > 0 && (
        <ul className="tree-list tree-parts">
          {node.children.map((child) => (
            <Node key={child.path} node={child} isRoot={false} {...props} />
          ))}
        </ul>
      )}
    </li>
  );
}

export default function TreeView({ expr, ...props }: TreeViewProps): ReactNode {
  const tree = useMemo(() => expressionTree(expr), [expr]);
  // What is wrong is said where the answer would be.
  if (tree instanceof Error) return null;
  return (
    <nav aria-label="Parts of the expression" className="tree">
      <ul className="tree-list">
        <Node node={tree} isRoot {...props} />
      </ul>
    </nav>
  );
}
