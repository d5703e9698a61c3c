// SPDX-License-Identifier: Apache-2.0
// `promtool query analyze`: how many buckets of histograms are in use, over a stretch of time.

import type { Command, CommandHost, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { goDuration } from '../go-text.ts';
import { durationOf, parseQueryTime, secondsText, withServer } from './query.ts';
import type { MetricLabels, QueryData, SeriesResult } from './sample-text.ts';
import { labelSetText, metricText } from './sample-text.ts';

const HEADER = `Bucket stats for each histogram series over time
------------------------------------------------
min/avg/max of how many buckets are populated, then the number of all buckets
where that is not the maximum (as it usually is for classic histograms).
`;
const FOOTER = `
Aggregated bucket stats
-----------------------
min/avg/max over the series above.
`;
const BUCKET_SUFFIX = '_bucket';

/** Populated buckets of one histogram over time, and how many different buckets it had at all. */
interface BucketStats {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly total: number;
}

const spread = (min: number, avg: number, max: number): string => `${min}/${avg.toFixed(3)}/${max}`;

const statsText = ({ min, avg, max, total }: BucketStats): string =>
  spread(min, avg, max) + (max === total ? '' : `/${total}`);

function statsOf(populated: readonly number[], total: number): BucketStats {
  const sum = populated.reduce((a, b) => a + b, 0);
  const [min, max] = [Math.min(...populated), Math.max(...populated)];
  return { min, avg: sum / populated.length, max, total };
}

/** Undefined for a series with fewer than two histograms. */
function nativeStats({ histograms = [] }: SeriesResult): BucketStats | undefined {
  if (histograms.length < 2) return undefined;
  const bounds = new Set<string>();
  const populated = histograms.map(([, { buckets = [] }]) => {
    for (const [boundaries, lower, upper] of buckets) bounds.add(`${boundaries} ${lower} ${upper}`);
    return buckets.length;
  });
  return statsOf(populated, bounds.size);
}

const upperBound = ({ metric }: SeriesResult): number =>
  metric.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(metric.le);

/**
 * Of the `_bucket` series of one histogram, whose counts are cumulative. Undefined with fewer
 * than two samples. Where a series has no sample any more, its bucket and those above count as empty.
 * @throws CommandError when the series were not scraped together
 */
function classicStats(buckets: readonly SeriesResult[]): BucketStats | undefined {
  const columns = [...buckets]
    .sort((a, b) => upperBound(a) - upperBound(b))
    .map(({ values = [] }) => values);
  const times = buckets[0]?.values ?? [];
  if (times.length < 2) return undefined;
  const populated = times.map((_, at) => {
    let count = 0;
    let below = 0;
    const time = columns[0]?.[at]?.[0];
    for (const column of columns) {
      const point = column[at];
      if (point === undefined) break;
      if (point[0] !== time) throw new CommandError('matrix result is not time aligned');
      const value = Number(point[1]);
      if (Math.trunc(value - below) !== 0) count++;
      below = value;
    }
    return count;
  });
  return statsOf(populated, buckets.length);
}

/** The `_bucket` series among `series`, by the histogram they belong to. */
function classicHistograms(series: readonly SeriesResult[]): Map<string, SeriesResult[]> {
  const found = new Map<string, SeriesResult[]>();
  for (const one of series) {
    const { __name__: name = '', le, ...labels }: MetricLabels = one.metric;
    if (le === undefined || !name.endsWith(BUCKET_SUFFIX) || one.values === undefined) continue;
    const key = name + labelSetText(labels);
    const buckets = found.get(key);
    if (buckets === undefined) found.set(key, [one]);
    else buckets.push(one);
  }
  return found;
}

/** Lines for the least, the mean and the greatest number populated, and for all, over histograms. */
function summary(kind: string, all: readonly BucketStats[]): string {
  if (all.length === 0) return '';
  const over = (of: (stats: BucketStats) => number): string => {
    const { min, avg, max } = statsOf(all.map(of), 0);
    return spread(min, avg, max);
  };
  const lines = [
    `\n${kind} histogram series (${all.length} in total):`,
    `- min populated: ${over(({ min }) => min)}`,
    `- avg populated: ${over(({ avg }) => Math.trunc(avg))}`,
    `- max populated: ${over(({ max }) => max)}`,
  ];
  const total = over(({ total }) => total);
  if (total !== over(({ max }) => max)) lines.push(`- total: ${total}`);
  return `${lines.join('\n')}\n`;
}

function endOf(values: CommandValues, host: CommandHost): number {
  const text = values.text('time');
  if (text === '') return host.clock.now();
  try {
    return parseQueryTime(text, 'evaluation');
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const why = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
    throw new CommandError(`error parsing time '${text}': ${why}`, { cause: error });
  }
}

export const queryAnalyzeCommand: Command = {
  words: ['query', 'analyze'],
  help: 'Show how many buckets of histograms are used: for each histogram that the selectors find, and over all.',
  flags: [
    { name: 'server', kind: 'text', required: true, help: 'Prometheus server to query.' },
    { name: 'type', kind: 'text', required: true, help: 'Type of metric: histogram.' },
    { name: 'duration', kind: 'text', byDefault: '1h', help: 'Time frame to analyze.' },
    { name: 'time', kind: 'text', help: 'Query time (RFC3339 or Unix timestamp), by default now.' },
    {
      name: 'match',
      kind: 'list',
      required: true,
      help: 'Series selector. Can be specified multiple times.',
    },
  ],
  args: [],
  run: async (values, host) => {
    const type = values.text('type');
    if (type !== 'histogram') {
      throw new CommandError(`analyze type is ${type}, must be 'histogram'`);
    }
    const range = goDuration(durationOf(values.text('duration')));
    const time = secondsText(endOf(values, host));
    host.out(`${HEADER}\n`);
    const native: BucketStats[] = [];
    const classic: BucketStats[] = [];
    const take = (kind: string, name: string, stats: BucketStats | undefined): void => {
      if (stats === undefined) return;
      host.out(`- ${name} (${kind}): ${statsText(stats)}\n`);
      (kind === 'native' ? native : classic).push(stats);
    };
    await withServer(values, host, async (api) => {
      for (const selector of values.list('match')) {
        const parameters = new URLSearchParams({ query: `${selector}[${range}]`, time });
        const data = (await api.post('/query', parameters)) as QueryData;
        if (data.resultType !== 'matrix') {
          throw new CommandError('query of buckets resulted in non-Matrix');
        }
        for (const series of data.result) {
          // Floats make a series one of a classic histogram, whatever else it holds.
          if (series.values === undefined || series.values.length === 0)
            take('native', metricText(series.metric), nativeStats(series));
        }
        for (const [name, buckets] of classicHistograms(data.result))
          take('classic', name, classicStats(buckets));
      }
    });
    host.out(FOOTER + summary('Native', native) + summary('Classic', classic));
    return 0;
  },
};
