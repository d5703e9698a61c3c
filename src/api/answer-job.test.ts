// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Labels, Matcher } from '../model/index.ts';
import { labelsFrom, labelValue, newSampleColumns } from '../model/index.ts';
import { Engine, QueryError } from '../promql/index.ts';
import type { Querier, SeriesSet } from '../storage/index.ts';
import { MatcherError, MemoryStorage } from '../storage/index.ts';
import type { JobBackend } from './answer-job.ts';
import { answerJob } from './answer-job.ts';
import type { QueryJob } from './query-job.ts';

const stored: readonly Labels[] = [
  labelsFrom({ __name__: 'up', job: 'b', instance: '2' }),
  labelsFrom({ __name__: 'up', job: 'a', instance: '1' }),
  labelsFrom({ __name__: 'down', job: 'a' }),
];

/** A database that knows equality matchers only. */
class FakeQuerier implements Querier {
  closed = false;

  private matching(matchers: readonly Matcher[]): readonly Labels[] {
    return stored.filter((labels) =>
      matchers.every(({ name, value }) => labelValue(labels, name) === value),
    );
  }

  select(matchers: readonly Matcher[]): SeriesSet {
    const rows = this.matching(matchers);
    const texts = [''];
    const id = (text: string): number => {
      if (!texts.includes(text)) texts.push(text);
      return texts.indexOf(text);
    };
    return {
      count: rows.length,
      symbols: { text: (i) => texts[i] ?? '', id },
      maxLabelCount: 3,
      labelIds: (row, out) => {
        const labels = rows[row] ?? [];
        labels.forEach(({ name, value }, i) => {
          out[2 * i] = id(name);
          out[2 * i + 1] = id(value);
        });
        return labels.length;
      },
      labelValueId: () => 0,
      read: () => 0,
      columns: newSampleColumns(0),
      histograms: undefined,
      startTimes: undefined,
      estimateSamples: () => 0,
    };
  }

  labelNames(matchers: readonly Matcher[]): string[] {
    const names = this.matching(matchers).flatMap((labels) => labels.map(({ name }) => name));
    return [...new Set(names)].sort();
  }

  labelValues(name: string, matchers: readonly Matcher[]): string[] {
    const values = this.matching(matchers).map((labels) => labelValue(labels, name));
    return [...new Set(values)].filter((value) => value !== '').sort();
  }

  close(): void {
    this.closed = true;
  }
}

const querier = new FakeQuerier();

/** Selectors are written `name=value` here; `bad` does not parse. */
const parseSelector = (text: string): Matcher[] => {
  if (text === 'bad') throw new QueryError('bad_data', '1:1: parse error: unexpected "bad"');
  if (text === '{}') return [];
  const [name = '', value = ''] = text.split('=');
  return [{ name, type: '=', value }];
};

const backend = (over: Partial<JobBackend> = {}): JobBackend => ({
  engine: {} as Engine,
  queryable: { querier: () => querier },
  lookbackDeltaMs: 300_000,
  parseSelector,
  format: (query) => `formatted ${query}`,
  syntax: () => ({ type: 'numberLiteral', val: '1' }),
  selectorsOf: (query) => [parseSelector(query)],
  tsdbStatus: () => {
    throw new Error('broken');
  },
  ...over,
});

const control = { checkpoint: () => undefined };

function answer(job: QueryJob, over: Partial<JobBackend> = {}) {
  const answered = answerJob(job, backend(over), control, 0.5);
  return answered.ok ? JSON.parse(new TextDecoder().decode(answered.body)) : answered;
}

const range = { startMs: 0, endMs: 1, limit: 0 };

test('label names and values, of all series, of one selector, of several', () => {
  expect(answer({ kind: 'labels', selectors: [], ...range }).data).toEqual([
    '__name__',
    'instance',
    'job',
  ]);
  expect(answer({ kind: 'labels', selectors: ['__name__=down'], ...range }).data).toEqual([
    '__name__',
    'job',
  ]);
  const values = (selectors: string[], limit = 0) =>
    answer({ kind: 'labelValues', name: 'job', selectors, ...range, limit });
  expect(values([]).data).toEqual(['a', 'b']);
  expect(values(['__name__=down']).data).toEqual(['a']);
  expect(values(['__name__=up', '__name__=down']).data).toEqual(['a', 'b']);
  expect(values([], 1)).toEqual({
    status: 'success',
    data: ['a'],
    warnings: ['results truncated due to limit'],
  });
});

test('series: each once, in label order, cut at the limit', () => {
  const series = (limit: number) =>
    answer({ kind: 'series', selectors: ['__name__=up', 'job=a'], ...range, limit });
  expect(series(0).data).toEqual([
    { __name__: 'down', job: 'a' },
    { __name__: 'up', instance: '1', job: 'a' },
    { __name__: 'up', instance: '2', job: 'b' },
  ]);
  expect(series(3).warnings).toBe(undefined);
  expect(series(2).warnings).toEqual(['results truncated due to limit']);
  expect(series(2).data).toHaveLength(2);
  expect(querier.closed).toBe(true);
});

test('selectors that do not parse, or match everything', () => {
  const refused = (kind: 'labels' | 'series', selector: string) =>
    answer({ kind, selectors: [selector], ...range });
  expect(refused('labels', 'bad')).toEqual({
    ok: false,
    errorType: 'bad_data',
    message: '1:1: parse error: unexpected "bad"',
  });
  expect(refused('series', 'bad').message).toBe(
    'invalid parameter "match[]": 1:1: parse error: unexpected "bad"',
  );
  for (const selector of ['{}', 'job='])
    expect(refused('labels', selector).message).toBe(
      'match[] must contain at least one non-empty matcher',
    );
});

const failing = (error: Error) => ({
  engine: {
    instant: () => {
      throw error;
    },
  } as unknown as Engine,
});
const query: QueryJob = {
  kind: 'instant',
  query: 'x',
  limit: 0,
  lookbackDeltaMs: 0,
  stats: '',
  timeMs: 1,
};

const fails = (error: Error, errorType: string, message: string) =>
  test(`${error.name} ${error.message}: ${errorType}`, () => {
    expect(answer(query, failing(error))).toEqual({ ok: false, errorType, message });
  });
fails(
  new QueryError('bad_data', '1:1: parse error: x'),
  'bad_data',
  'invalid parameter "query": 1:1: parse error: x',
);
fails(new QueryError('execution', 'too many samples'), 'execution', 'too many samples');
fails(new QueryError('timeout', 'timed out'), 'timeout', 'timed out');
fails(new QueryError('canceled', 'gone'), 'canceled', 'gone');
fails(new MatcherError('missing )'), 'bad_data', 'invalid parameter "query": missing )');
fails(
  new RangeError('Invalid array length'),
  'execution',
  'query is too large: Invalid array length',
);
fails(new Error('BUG: x'), 'internal', 'BUG: x');

test('format, parse, selector, tsdb', () => {
  expect(answer({ kind: 'format', query: 'q' })).toEqual({
    status: 'success',
    data: 'formatted q',
  });
  expect(answer({ kind: 'parse', query: 'q' }).data).toEqual({ type: 'numberLiteral', val: '1' });
  expect(answer({ kind: 'selector', selector: 'a=b' }).data).toEqual([
    { name: 'a', type: '=', value: 'b' },
  ]);
  expect(answer({ kind: 'tsdb', limit: 1 })).toMatchObject({
    errorType: 'internal',
    message: 'broken',
  });
});

test('the request’s lookback delta, or the server’s', () => {
  const seen: unknown[] = [];
  const engine = {
    instant: (_queryable: unknown, request: { lookbackDeltaMs: number }) => {
      seen.push(request.lookbackDeltaMs);
      throw new QueryError('execution', 'enough');
    },
  } as unknown as Engine;
  answer(query, { engine });
  answer({ ...query, lookbackDeltaMs: 1000 }, { engine });
  expect(seen).toEqual([300_000, 1000]);
});

test('explain answers with the plan; per-step statistics only where they are switched on', () => {
  const storage = new MemoryStorage();
  storage.add(labelsFrom({ __name__: 'up' }), 1000, 1);
  const engine = new Engine({ lookbackDeltaMs: 300_000, maxSamples: 100, defaultStepMs: 60_000 });
  const text = { query: 'sum(up)', limit: 0, lookbackDeltaMs: 0, stats: 'all' };
  const request = { kind: 'instant', ...text, timeMs: 1000 } as const;
  const real = { engine, queryable: storage };
  const explained = answer({ kind: 'explain', request, analyze: true }, real);
  expect(explained.data.plan).toMatchObject({ kind: 'aggregate', description: 'sum' });
  expect(explained.data.actual.totalQueryableSamples).toBe(1);
  expect(answer(request, real).data.stats.samples).toEqual({
    totalQueryableSamples: 1,
    peakSamples: 2,
  });
  const perStep = answer(request, { ...real, perStepStats: true }).data.stats.samples;
  expect(perStep.totalQueryableSamplesPerStep).toEqual([[1, 1]]);
});
