// SPDX-License-Identifier: Apache-2.0
// What the expression, or the part of it that is chosen in the tree, means; for operations between vectors
// also which series find each other.

import { type ReactNode, useMemo } from 'react';
import {
  allSyntaxFeatures,
  type BinaryExpression,
  type Expression,
  expressionText,
  ParseError,
  parseExpression,
  type VectorMatching,
} from '../../../src/promql/index.ts';
import { LabelChips, SeriesName } from '../../shared/components/labels.tsx';
import { Empty, LoadingLines } from '../../shared/components/notices.tsx';
import { formatCount, plural } from '../../shared/format/numbers.ts';
import { useServerSettings } from '../settings.ts';
import { explain } from './explain.ts';
import { ExpressionError } from './expression-error.tsx';
import { countMatches, type MatchGroup, type MatchStatus, matchGroups } from './match-groups.ts';
import type { TabProps } from './tab-props.ts';
import { type QueryAnswer, useInstantQuery } from './use-query-answer.ts';

const GROUPS_MAX = 30;
const SERIES_MAX = 3;

function parsed(expr: string): Expression | ParseError {
  try {
    return parseExpression(expr, allSyntaxFeatures);
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

const statusText: Readonly<Record<MatchStatus, string>> = {
  matched: 'match',
  left: 'only on the left',
  right: 'only on the right',
  manyLeft: 'several on the left: an error',
  manyRight: 'several on the right: an error',
};

const statusClass: Readonly<Record<MatchStatus, string>> = {
  matched: 'badge ok',
  left: 'badge warn',
  right: 'badge warn',
  manyLeft: 'badge bad',
  manyRight: 'badge bad',
};

function Side({ series }: { readonly series: MatchGroup['left'] }): ReactNode {
  return (
    <>
      {series.slice(0, SERIES_MAX).map((metric) => (
        <div key={JSON.stringify(metric)}>
          <SeriesName metric={metric} />
        </div>
      ))}
      {series.length > SERIES_MAX && (
        <div className="dim">and {formatCount(series.length - SERIES_MAX)} more</div>
      )}
    </>
  );
}

function Groups({ groups }: { readonly groups: readonly MatchGroup[] }): ReactNode {
  const counts = countMatches(groups);
  return (
    <>
      <p className="explain-counts">
        {(Object.keys(statusText) as MatchStatus[])
          .filter((status) => counts[status] > 0)
          .map((status) => (
            <span key={status} className={statusClass[status]}>
              {formatCount(counts[status])} {statusText[status]}
            </span>
          ))}
      </p>
      <div className="table-scroll">
        <table className="plain">
          <thead>
            <tr>
              <th>Compared labels</th>
              <th>Left</th>
              <th>Right</th>
              <th> </th>
            </tr>
          </thead>
          <tbody>
            {groups.slice(0, GROUPS_MAX).map((group) => (
              <tr key={JSON.stringify(group.labels)}>
                <td>
                  <LabelChips labels={group.labels} />
                </td>
                <td>
                  <Side series={group.left} />
                </td>
                <td>
                  <Side series={group.right} />
                </td>
                <td>
                  <span className={statusClass[group.status]}>{statusText[group.status]}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {groups.length > GROUPS_MAX && (
        <div className="more">{plural(groups.length - GROUPS_MAX, 'more group')}.</div>
      )}
    </>
  );
}

const metricsOf = ({ result }: QueryAnswer): MatchGroup['left'] =>
  result.type === 'vector' ? result.samples.map(({ metric }) => metric) : [];

interface MatchesProps {
  readonly node: BinaryExpression;
  readonly matching: VectorMatching;
  readonly timeMs: number;
  readonly runAtMs: number;
}

function Matches({ node, matching, timeMs, runAtMs }: MatchesProps): ReactNode {
  const leftExpr = expressionText(node.left);
  const rightExpr = expressionText(node.right);
  const left = useInstantQuery(leftExpr, timeMs, runAtMs);
  const right = useInstantQuery(rightExpr, timeMs, runAtMs);
  const groups = useMemo(
    () =>
      left.data === undefined || right.data === undefined
        ? undefined
        : matchGroups(metricsOf(left.data), metricsOf(right.data), matching),
    [left.data, right.data, matching],
  );
  const [error, of] = left.error === null ? [right.error, rightExpr] : [left.error, leftExpr];
  if (error !== null) return <ExpressionError error={error} expr={of} />;
  if (groups === undefined) return <LoadingLines />;
  if (groups.length === 0) return <Empty title="Neither side has a series" />;
  return <Groups groups={groups} />;
}

export default function ExplainTab({ panel, expr, tabs }: TabProps): ReactNode {
  const { lookbackDelta } = useServerSettings();
  const { settings, runAtMs } = panel;
  const node = useMemo(() => (expr === '' ? undefined : parsed(expr)), [expr]);
  const body = (): ReactNode => {
    if (node === undefined) {
      return (
        <Empty title="No query yet">
          <div>Execute an expression, and its meaning is told here.</div>
        </Empty>
      );
    }
    if (node instanceof ParseError) return <ExpressionError error={node} expr={expr} />;
    const { kind, form, sentences, points } = explain(node, lookbackDelta);
    const inner = node.kind === 'paren' ? node.expression : node;
    const matching = inner.kind === 'binary' ? inner.matching : undefined;
    return (
      <div className="explain">
        <div className="explain-kind">{kind}</div>
        <div className="mono explain-form">{form}</div>
        {sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        {points.length > 0 && (
          <ul className="explain-points">
            {points.map((point) => (
              <li key={point}>{point}</li>
            ))}
          </ul>
        )}
        {inner.kind === 'binary' && matching !== undefined && (
          <Matches
            node={inner}
            matching={matching}
            timeMs={settings.endMs ?? runAtMs}
            runAtMs={runAtMs}
          />
        )}
      </div>
    );
  };
  return (
    <>
      <div className="panel-controls">
        {tabs}
        {!settings.showTree && expr !== '' && (
          <span className="dim">The tree view lets you choose a part to explain.</span>
        )}
      </div>
      <div className="panel-body">{body()}</div>
    </>
  );
}
