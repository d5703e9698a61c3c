// SPDX-License-Identifier: Apache-2.0
// `promtool tsdb dump` and `dump-openmetrics`: all samples as text.

import type { Histogram, Labels, Matcher } from '../../model/index.ts';
import {
  compareLabels,
  formatFloatG,
  formatHistogram,
  isStale,
  isValidLabelName,
  labelsToObject,
  quote,
} from '../../model/index.ts';
import type { Querier, SeriesSet } from '../../storage/index.ts';
import type { Command, CommandFlag, CommandHost, CommandValues } from '../command.ts';
import { selectorOf } from './analyze.ts';
import { DEFAULT_PATH } from './list.ts';
import { openDirectory } from './open-blocks.ts';

/** Lines written in one go. */
const LINES_PER_WRITE = 4096;

const labelText = ({ name, value }: { name: string; value: string }): string =>
  `${isValidLabelName(name, 'legacy') ? name : quote(name)}=${quote(value)}`;

function labelsOf(set: SeriesSet, row: number, pairs: Uint32Array): Labels {
  const count = set.labelIds(row, pairs);
  return Array.from({ length: count }, (_, i) => ({
    name: set.symbols.text(pairs[2 * i]!),
    value: set.symbols.text(pairs[2 * i + 1]!),
  }));
}

/** Rows in the order of their labels. */
function orderedRows(set: SeriesSet): { row: number; labels: Labels }[] {
  const pairs = new Uint32Array(2 * set.maxLabelCount);
  const rows = Array.from({ length: set.count }, (_, row) => ({
    row,
    labels: labelsOf(set, row, pairs),
  }));
  return rows.sort((a, b) => compareLabels(a.labels, b.labels));
}

/** One line for a sample; undefined: it is left out. */
type SampleLine = (
  series: string,
  time: number,
  value: number,
  histogram: Histogram | undefined,
) => string | undefined;

interface DumpFormat {
  series(labels: Labels): string;
  /** Staleness markers are lines, too. */
  readonly markers: boolean;
  /** Undefined: one line a series, if it has samples. */
  readonly sample: SampleLine | undefined;
}

const prom: DumpFormat = {
  markers: true,
  series: (labels) => `{${labels.map(labelText).join(', ')}}`,
  sample: (series, time, value, histogram) => {
    const shown = histogram === undefined ? formatFloatG(value) : formatHistogram(histogram);
    return `${series} ${shown} ${time}`;
  },
};

const seriesJson: DumpFormat = {
  markers: true,
  series: (labels) => JSON.stringify(labelsToObject(labels)),
  sample: undefined,
};

const openMetrics: DumpFormat = {
  markers: false,
  series: (labels) => {
    const name = labels.find((label) => label.name === '__name__')?.value ?? '';
    const others = labels.filter((label) => label.name !== '__name__');
    return `${name}{${others.map(labelText).join(',')}}`;
  },
  // The format has no native histograms.
  sample: (series, time, value, histogram) =>
    histogram === undefined
      ? `${series} ${formatFloatG(value)} ${(time / 1000).toFixed(3)}`
      : undefined,
};

class Lines {
  private lines: string[] = [];
  private readonly out: (text: string) => void;

  constructor(out: (text: string) => void) {
    this.out = out;
  }

  add(line: string): void {
    this.lines.push(line);
    if (this.lines.length >= LINES_PER_WRITE) this.flush();
  }

  flush(): void {
    if (this.lines.length > 0) this.out(`${this.lines.join('\n')}\n`);
    this.lines = [];
  }
}

function dumpSelector(
  querier: Querier,
  matchers: readonly Matcher[],
  minTime: number,
  maxTime: number,
  format: DumpFormat,
  lines: Lines,
): void {
  const set = querier.select(matchers, minTime, maxTime);
  for (const { row, labels } of orderedRows(set)) {
    const n = set.read(row, minTime, maxTime);
    if (n === 0) continue;
    const series = format.series(labels);
    if (format.sample === undefined) {
      lines.add(series);
      continue;
    }
    const { times, values, valueBits } = set.columns;
    for (let i = 0; i < n; i++) {
      if (!format.markers && isStale(valueBits, i)) continue;
      const line = format.sample(series, times[i]!, values[i]!, set.histograms?.[i]);
      if (line !== undefined) lines.add(line);
    }
  }
}

async function dump(values: CommandValues, host: CommandHost, format: DumpFormat): Promise<void> {
  const selectors = values.list('match').map(selectorOf);
  const directory = values.text('db path').replace(/(.)\/+$/, '$1');
  const minTime = values.number('min-time');
  const maxTime = values.number('max-time');
  const database = await openDirectory(host, directory);
  const querier = database.querier();
  const lines = new Lines(host.out);
  try {
    for (const matchers of selectors) {
      dumpSelector(querier, matchers, minTime, maxTime, format, lines);
    }
    lines.flush();
  } finally {
    querier.close();
    database.close();
  }
}

const flags: readonly CommandFlag[] = [
  {
    name: 'sandbox-dir-root',
    kind: 'text',
    byDefault: '',
    help: 'Root directory for a sandbox. Has no effect here: the head is read without writing.',
  },
  {
    name: 'min-time',
    kind: 'number',
    byDefault: '-9223372036854775808',
    help: 'Minimum timestamp to dump, in milliseconds since the Unix epoch.',
  },
  {
    name: 'max-time',
    kind: 'number',
    byDefault: '9223372036854775807',
    help: 'Maximum timestamp to dump, in milliseconds since the Unix epoch.',
  },
  {
    name: 'match',
    kind: 'list',
    byDefault: "{__name__=~'(?s:.*)'}",
    help: 'Series selector. Can be specified multiple times.',
  },
];
const args = [
  { name: 'db path', help: 'Database path (default is data/).', byDefault: DEFAULT_PATH },
];

export const dumpCommand: Command = {
  words: ['tsdb', 'dump'],
  help: 'Dump data (series+samples or optionally just series) from a TSDB.',
  flags: [
    ...flags,
    {
      name: 'format',
      kind: 'choice',
      byDefault: 'prom',
      choices: ['prom', 'seriesjson'],
      help: 'Output format of the dump (prom (default) or seriesjson).',
    },
  ],
  args,
  run: async (values, host) => {
    await dump(values, host, values.text('format') === 'prom' ? prom : seriesJson);
    return 0;
  },
};

export const dumpOpenMetricsCommand: Command = {
  words: ['tsdb', 'dump-openmetrics'],
  help: 'Dump samples from a TSDB into OpenMetrics text format, excluding native histograms and staleness markers, which are not representable in OpenMetrics.',
  flags,
  args,
  run: async (values, host) => {
    await dump(values, host, openMetrics);
    host.out('# EOF\n');
    return 0;
  },
};
