// SPDX-License-Identifier: Apache-2.0
// `promtool promql explain`: a server's plan of a query as a tree, with what it is estimated to cost
// and, with --analyze, what it did.

import type { ExplainNode, Explanation } from '../../promql/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import { table } from '../go-text.ts';
import {
  expressionArgument,
  httpConfigFlag,
  parseQueryTime,
  rangeFlags,
  rangeOf,
  secondsText,
  serverArgument,
  withServer,
} from '../query/query.ts';
import { goJson } from '../query/sample-text.ts';

const COLUMN = 8;
const MILLISECONDS = 1000;

const duration = (seconds: number): string => `${(seconds * MILLISECONDS).toFixed(3)}ms`;

function rowsOf(node: ExplainNode, indent: string, analyzed: boolean): string[][] {
  const { description, kind, shared, steps, estimated, actual } = node;
  const name = description === '' || description === kind ? kind : `${kind}: ${description}`;
  const row = [String(steps), String(estimated.series), String(estimated.samples)];
  if (analyzed) {
    const { series, samples, selfSeconds } = actual ?? {};
    row.push(
      series === undefined ? '-' : String(series),
      samples === undefined ? '-' : String(samples),
      selfSeconds === undefined ? '-' : duration(selfSeconds),
    );
  }
  row.push(`${indent}${name}${shared ? ' (shared)' : ''}`);
  return [row, ...node.inputs.flatMap((input) => rowsOf(input, `${indent}  `, analyzed))];
}

/** The plan for people: a row for each node, inputs indented below. */
export function explanationText({ estimated, actual, plan }: Explanation): string {
  const head = ['STEPS', 'EST SERIES', 'EST SAMPLES'];
  if (actual !== undefined) head.push('SERIES', 'SAMPLES', 'SELF');
  const rows = [[...head, 'NODE'], ...rowsOf(plan, '', actual !== undefined)];
  const costs = `Estimated: ${estimated.series} series, ${estimated.samples} samples, ${estimated.cells} cells\n`;
  const did =
    actual === undefined
      ? ''
      : `Actual: ${actual.totalQueryableSamples} samples, peak ${actual.peakSamples} samples and ` +
        `${actual.peakBytes} bytes, ${duration(actual.seconds)}\n`;
  return `${costs}${did}\n${table(rows, COLUMN)}`;
}

function parametersOf(values: CommandValues, host: CommandHost): URLSearchParams {
  const parameters = new URLSearchParams({ query: values.text('expr') });
  if (values.flag('analyze')) parameters.set('analyze', 'true');
  if (['start', 'end', 'step'].some((name) => values.text(name) !== '')) {
    const { startMs, endMs, stepMs } = rangeOf(values, host);
    parameters.set('start', secondsText(startMs));
    parameters.set('end', secondsText(endMs));
    parameters.set('step', secondsText(stepMs));
  } else if (values.text('time') !== '') {
    const timeMs = parseQueryTime(values.text('time'), 'evaluation');
    parameters.set('time', secondsText(timeMs));
  }
  return parameters;
}

export const explainCommand: Command = {
  words: ['promql', 'explain'],
  help: 'Show how a server would run a query, and what it would cost.',
  flags: [
    {
      name: 'format',
      short: 'o',
      kind: 'choice',
      choices: ['text', 'json'],
      byDefault: 'text',
      help: 'Output format of the plan.',
    },
    httpConfigFlag,
    { name: 'analyze', kind: 'switch', help: 'Run the query and show what each part did.' },
    {
      name: 'time',
      kind: 'text',
      help: 'Evaluation time of an instant query (RFC3339 or Unix timestamp).',
    },
    ...rangeFlags,
  ],
  args: [serverArgument, expressionArgument],
  run: async (values, host) => {
    const parameters = parametersOf(values, host);
    const data = await withServer(values, host, (api) => api.post('/explain', parameters));
    const isJson = values.text('format') === 'json';
    host.out(isJson ? goJson(data) : explanationText(data as Explanation));
    return 0;
  },
};
