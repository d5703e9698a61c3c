// SPDX-License-Identifier: Apache-2.0
// `promtool check metrics`: an exposition on the standard input, checked and counted.

import { parseTextFamilies, TextFormatError } from '../../exposition/index.ts';
import type { MetricFamily } from '../../model/index.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../command.ts';
import { lintFamilies } from './lint-metrics.ts';

const EXIT_LINT = 3;
/** Columns of the table: at least so wide, with so many blanks between. */
const PADDING = 4;

/** Series that a family becomes. */
const seriesCount = ({ metrics }: MetricFamily): number =>
  metrics.reduce(
    (sum, { distribution }) =>
      sum + (distribution === undefined ? 1 : distribution.points.length + 2),
    0,
  );

function cardinalityTable(families: readonly MetricFamily[]): string {
  const counts = families.map((family) => ({ name: family.name, count: seriesCount(family) }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const rows = [
    ['Metric', 'Cardinality', 'Percentage'],
    ...counts
      .sort((a, b) => b.count - a.count)
      .map(({ name, count }) => [name, String(count), `${((100 * count) / total).toFixed(2)}%`]),
    ['Total', String(total), '100%'],
  ];
  const width = (column: number): number =>
    Math.max(...rows.map((row) => (row[column]?.length ?? 0) + PADDING));
  const widths = [0, 1, 2].map(width);
  return rows
    .map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}\n`)
    .join('');
}

export const checkMetricsCommand: Command = {
  words: ['check', 'metrics'],
  help: 'Pass Prometheus metrics over stdin to lint them for consistency and correctness.\n\nexamples:\n\n$ cat metrics.prom | promtool check metrics\n\n$ curl -s http://localhost:9090/metrics | promtool check metrics',
  flags: [
    {
      name: 'extended',
      kind: 'switch',
      help: 'Print extended information related to the cardinality of the metrics.',
    },
    {
      name: 'lint',
      kind: 'choice',
      byDefault: 'all',
      choices: ['all', 'none'],
      help: 'Linting checks to apply for metrics. Available options are: all, none. Use --lint=none to disable metrics linting.',
    },
  ],
  args: [],
  run: async (values, host) => {
    const text = (await host.readInput()) ?? '';
    let families: readonly MetricFamily[];
    try {
      families = [...parseTextFamilies(new TextEncoder().encode(text)).values()];
    } catch (error) {
      if (!(error instanceof TextFormatError)) throw error;
      throw new CommandError(`error while linting: ${error.message}`, { cause: error });
    }
    const problems = values.text('lint') === 'none' ? [] : lintFamilies(families);
    for (const { metric, text: problem } of problems) host.err(`${metric} ${problem}\n`);
    if (problems.length > 0) return EXIT_LINT;
    if (values.flag('extended')) host.out(cardinalityTable(families));
    return 0;
  },
};
