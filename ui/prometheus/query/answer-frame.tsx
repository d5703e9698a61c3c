// SPDX-License-Identifier: Apache-2.0
// What stands around every answer: its cost, its warnings, its error, or that there is none yet.

import { Tooltip } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Empty, LoadingLines, Notice } from '../../shared/components/notices.tsx';
import { formatBytes, formatCount, plural } from '../../shared/format/numbers.ts';
import { formatSpan } from '../../shared/format/times.ts';
import { usePreferences } from '../settings.ts';
import { ExpressionError } from './expression-error.tsx';
import type { QueryAnswer } from './use-query-answer.ts';

/** Results of an answer: series, samples or the one value. */
export function resultCount({ result }: QueryAnswer): number {
  if (result.type === 'matrix') return result.series.length;
  return result.type === 'vector' ? result.samples.length : 1;
}

function Cost({ answer }: { readonly answer: QueryAnswer }): ReactNode {
  const { stats, tookMs, sizeBytes } = answer;
  const lines: (readonly [string, string])[] = [];
  if (stats !== undefined) {
    const { timings, samples } = stats;
    lines.push(
      ['Evaluation', formatSpan(timings.evalTotalTime * 1000)],
      ['Waiting for a worker', formatSpan(timings.execQueueTime * 1000)],
      ['Samples looked at', formatCount(samples.totalQueryableSamples)],
      ['Most samples at once', formatCount(samples.peakSamples)],
    );
  }
  lines.push(['Answer', formatBytes(sizeBytes)]);
  const label = (
    <table className="cost">
      <tbody>
        {lines.map(([name, text]) => (
          <tr key={name}>
            <th>{name}</th>
            <td className="num">{text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <Tooltip label={label} withArrow multiline events={{ hover: true, focus: true, touch: true }}>
      <button type="button" className="plain-button answer-cost num">
        {plural(resultCount(answer), 'result')} · {formatSpan(tookMs)}
      </button>
    </Tooltip>
  );
}

function Annotations({ answer }: { readonly answer: QueryAnswer }): ReactNode {
  const { showQueryWarnings, showQueryInfoNotices } = usePreferences();
  return (
    <>
      {showQueryWarnings &&
        answer.warnings.map((text) => (
          <Notice key={text} kind="warn">
            {text}
          </Notice>
        ))}
      {showQueryInfoNotices &&
        answer.infos.map((text) => (
          <Notice key={text} kind="info">
            {text}
          </Notice>
        ))}
    </>
  );
}

export interface AnswerFrameProps {
  readonly expr: string;
  readonly query: UseQueryResult<QueryAnswer, Error>;
  readonly controls: ReactNode;
  readonly loading?: ReactNode;
  readonly children: (answer: QueryAnswer) => ReactNode;
}

export function AnswerFrame(props: AnswerFrameProps): ReactNode {
  const { expr, query, controls, loading, children } = props;
  const { data, error, isFetching, isPlaceholderData } = query;
  const answer = expr === '' || error !== null ? undefined : data;
  const body = (): ReactNode => {
    if (expr === '') {
      return (
        <Empty title="No query yet">
          <div>
            Type an expression and press Enter, for example <code className="mono">up</code>.
          </div>
        </Empty>
      );
    }
    if (error !== null && !isFetching) return <ExpressionError error={error} expr={expr} />;
    if (answer === undefined) return loading ?? <LoadingLines />;
    return (
      <div className={isPlaceholderData ? 'answer old' : 'answer'}>
        <Annotations answer={answer} />
        {children(answer)}
      </div>
    );
  };
  return (
    <>
      <div className="panel-controls">
        {controls}
        <div className="grow" />
        {isFetching && expr !== '' && <span className="fetching">Loading…</span>}
        {answer !== undefined && !isPlaceholderData && <Cost answer={answer} />}
      </div>
      <div aria-busy={isFetching} className="panel-body">
        {body()}
      </div>
    </>
  );
}
