// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { Histogram, labelsFrom } from '../../model/index.ts';
import { MemoryStorage } from '../../storage/index.ts';
import { encodeResponse } from '../result/encode.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { QueryError } from './errors.ts';
import type { QueryUse } from '../operators/context.ts';
import type { ExplainNode } from './explain.ts';

const neverStops = { checkpoint: (): void => undefined };

function newEngine(options: Partial<EngineOptions> = {}): Engine {
  return new Engine({
    lookbackDeltaMs: 300_000,
    maxSamples: 1_000_000,
    defaultStepMs: 60_000,
    ...options,
  });
}

/** `series` counters with a sample each 10 s for 10 minutes. */
function counters(series: number): MemoryStorage {
  const storage = new MemoryStorage();
  for (let i = 0; i < series; i++) {
    const labels = labelsFrom({ __name__: 'x_total', i: String(i), half: String(i % 2) });
    for (let t = 0; t <= 600; t += 10) storage.add(labels, t * 1000, t * (i + 1));
  }
  return storage;
}

const range = (query: string) => ({ query, startMs: 300_000, endMs: 600_000, stepMs: 60_000 });

/** Nodes of a tree by what they say they are. */
function byDescription(node: ExplainNode, into = new Map<string, ExplainNode>()) {
  into.set(node.description, node);
  for (const input of node.inputs) byDescription(input, into);
  return into;
}

describe('explain', () => {
  test('estimates every node without evaluating any', () => {
    const request = range('sum by (half) (rate(x_total[1m]))');
    const { plan, estimated, actual } = newEngine().explain(counters(10), request, neverStops, {
      analyze: false,
    });
    expect(plan.description).toBe('sum by (half)');
    const samples = byDescription(plan).get('samples of {__name__="x_total"}[60s]')!;
    // From 240 s, not included, to 600 s.
    expect(samples.estimated).toEqual({ series: 10, samples: 360 });
    expect(estimated).toMatchObject({ series: 10, samples: 360 });
    expect(actual).toBeUndefined();
    expect(samples.actual).toBeUndefined();
  });

  test('with analyze tells what each node did', () => {
    let now = 0;
    const engine = newEngine({ clock: { monotonicMs: () => now++ } });
    const request = range('sum by (half) (rate(x_total[1m]))');
    const { plan, actual } = engine.explain(counters(10), request, neverStops, { analyze: true });
    const nodes = byDescription(plan);
    expect(plan.actual).toMatchObject({ series: 2, samples: 12, evaluations: 1 });
    expect(nodes.get('rate')!.actual).toMatchObject({ series: 10, samples: 60 });
    expect(nodes.get('samples of {__name__="x_total"}[60s]')!.actual).toMatchObject({
      series: 10,
      samples: 360,
    });
    for (const { actual: cost } of nodes.values()) {
      expect(cost!.totalSeconds).toBeGreaterThanOrEqual(cost!.selfSeconds);
    }
    expect(actual!.totalQueryableSamples).toBe(360);
    expect(actual!.peakBytes).toBeGreaterThan(0);
  });

  test('shows what two places share once', () => {
    const { plan } = newEngine().explain(counters(2), range('x_total / x_total'), neverStops, {
      analyze: false,
    });
    expect(plan.inputs.map(({ shared }) => shared)).toEqual([false, true]);
  });

  test('of an instant query, of a scalar, of a range vector', () => {
    const engine = newEngine();
    const kinds = ['1 + 2', 'x_total[1m]', 'scalar(x_total)'].map(
      (query) =>
        engine.explain(counters(1), { query, timeMs: 600_000 }, neverStops, { analyze: true }).plan
          .kind,
    );
    expect(kinds).toEqual(['constant', 'samples', 'scalarOf']);
  });
});

describe('limits', () => {
  test('a query estimated to read too much is not begun', () => {
    const engine = newEngine({ maxEstimatedSamples: 359 });
    const run = () => engine.range(counters(10), range('rate(x_total[1m])'), neverStops);
    expect(run).toThrow('query would read some 360 samples, more than the 359 that one query may');
    expect(run).toThrow(QueryError);
    const allowed = newEngine({ maxEstimatedSamples: 360 });
    expect(allowed.range(counters(10), range('rate(x_total[1m])'), neverStops).type).toBe('matrix');
  });

  test('results may take so many bytes, whether their cells are filled or not', () => {
    const engine = newEngine({ maxBytes: 100_000 });
    const wide = { query: 'x_total', startMs: 0, endMs: 600_000_000, stepMs: 60_000 };
    expect(() => engine.range(counters(2), wide, neverStops)).toThrow(
      'query processing would take more than 0 MiB of memory',
    );
  });

  test('held samples are limited as by upstream', () => {
    const engine = newEngine({ maxSamples: 59 });
    expect(() => engine.range(counters(10), range('x_total'), neverStops)).toThrow(
      'query processing would load too many samples into memory in query execution',
    );
  });

  test.each([
    'x_total',
    'sum(rate(x_total[1m]))',
    'sort_by_label(x_total, "i")',
    'label_replace(x_total, "a", "$1", "i", "(.*)")',
    'mad_over_time(x_total[5m])',
    'max_over_time(rate(x_total[1m])[5m:10s])',
    'x_total and on (i) x_total',
    'quantile(0.5, x_total)',
    'x_total + on (i) group_left x_total',
  ])('%s stops when told', (query) => {
    const features = { experimentalFunctions: true };
    let checks = 0;
    const control = {
      checkpoint: (): void => {
        if (++checks === 2) throw new QueryError('canceled', 'query was canceled');
      },
    };
    const engine = newEngine({ features });
    expect(() => engine.range(counters(100), range(query), control)).toThrow('was canceled');
  });
});

describe('statistics', () => {
  const samplesOf = (query: string, storage = counters(2)) =>
    newEngine().range(storage, { ...range(query), perStepStats: true }, neverStops).stats.samples;

  test('count the samples that each step looks at', () => {
    const { totalQueryableSamplesPerStep, totalQueryableSamples } = samplesOf('x_total');
    expect(totalQueryableSamples).toBe(12);
    expect(totalQueryableSamplesPerStep?.map(([, count]) => count)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(totalQueryableSamplesPerStep?.map(([time]) => time)).toEqual([
      300, 360, 420, 480, 540, 600,
    ]);
    expect(samplesOf('rate(x_total[1m])').totalQueryableSamples).toBe(2 * 6 * 6);
  });

  test('count what serves all steps for each of them, and of subqueries only the results', () => {
    expect(samplesOf('x_total @ 300').totalQueryableSamplesPerStep?.[5]).toEqual([600, 2]);
    expect(samplesOf('sum_over_time(x_total[1m:30s])').totalQueryableSamples).toBe(2 * 6 * 2);
  });

  test('are left out of answers that do not ask', () => {
    const result = newEngine().range(counters(1), range('x_total'), neverStops);
    expect(result.stats.samples).not.toHaveProperty('totalQueryableSamplesPerStep');
  });
});

test('start timestamps are known only where they are switched on', () => {
  const storage = new MemoryStorage();
  storage.add(labelsFrom({ __name__: 'x' }), 60_000, 5, 30_000);
  const ask = (useStartTimestamps: boolean) => {
    const features = { experimentalFunctions: true, useStartTimestamps };
    const request = { query: 'start_timestamp(x)', timeMs: 60_000 };
    const result = newEngine({ features }).instant(storage, request, neverStops);
    if (result.type !== 'vector') throw new Error('no vector');
    return Array.from({ length: result.series.count }, (_, i) => [
      ...result.series.points(i).values,
    ]);
  };
  expect(ask(true)).toEqual([[30]]);
  expect(ask(false)).toEqual([]);
});

test('histograms that are summed count by their size', () => {
  const storage = new MemoryStorage();
  const histogram = new Histogram({
    schema: 0,
    count: 100,
    sum: 1,
    positiveSpans: Int32Array.of(0, 100),
    positiveBuckets: new Float64Array(100).fill(1),
  });
  for (let i = 0; i < 50; i++) {
    storage.addHistogram(labelsFrom({ __name__: 'h', i: String(i) }), 60_000, histogram);
  }
  const request = { query: 'sum by (i) (h)', timeMs: 60_000 };
  const run = (maxSamples: number) =>
    newEngine({ maxSamples }).instant(storage, request, neverStops);
  expect(() => run(1000)).toThrow('too many samples');
  expect(run(100_000).stats.samples.peakSamples).toBeGreaterThan(50 * 60);
});

describe('histograms in answers', () => {
  const storage = new MemoryStorage();
  const histogram = new Histogram({
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 1,
    count: 4,
    sum: 5.5,
    positiveSpans: Int32Array.of(1, 1),
    positiveBuckets: Float64Array.of(2),
    negativeSpans: Int32Array.of(0, 1),
    negativeBuckets: Float64Array.of(1),
  });
  storage.addHistogram(labelsFrom({ __name__: 'h' }), 60_000, histogram);
  storage.add(labelsFrom({ __name__: 'h' }), 120_000, 7);
  const body = (result: Parameters<typeof encodeResponse>[0]): string =>
    new TextDecoder().decode(encodeResponse(result, { stats: false }));
  const buckets = '[[1,"-1","-0.5","1"],[3,"-0.001","0.001","1"],[0,"1","2","2"]]';

  test('of instant queries', () => {
    const result = newEngine().instant(storage, { query: 'h', timeMs: 60_000 }, neverStops);
    expect(body(result)).toBe(
      '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"h"},' +
        `"histogram":[60,{"count":"4","sum":"5.5","buckets":${buckets}}]}]}}`,
    );
  });

  test('of range queries stand beside the floats', () => {
    const request = { query: 'h', startMs: 60_000, endMs: 120_000, stepMs: 60_000 };
    expect(body(newEngine().range(storage, request, neverStops))).toBe(
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"h"},' +
        `"values":[[120,"7"]],"histograms":[[60,{"count":"4","sum":"5.5","buckets":${buckets}}]]}]}}`,
    );
  });

  test('of range vectors', () => {
    const result = newEngine().instant(storage, { query: 'h[5m]', timeMs: 120_000 }, neverStops);
    expect(body(result)).toContain('"values":[[120,"7"]],"histograms":[[60,{"count":"4"');
  });
});

describe('a query that begins', () => {
  test('tells what it will cost, and while it runs what it has', () => {
    const seen: number[] = [];
    const control = {
      checkpoint: () => undefined,
      begin: (use: QueryUse) => {
        expect(use.estimated).toMatchObject({ series: 10, samples: 360 });
        seen.push(use.samples());
        later = use;
      },
    };
    let later: QueryUse | undefined;
    const request = range('sum(rate(x_total[1m]))');
    newEngine().range(counters(10), request, control);
    expect(seen).toEqual([0]);
    // Six samples in each of six windows of ten series.
    expect(later?.samples()).toBe(360);
  });

  test('is refused by its estimate, when it is analyzed, too', () => {
    const engine = newEngine({ maxEstimatedSamples: 100 });
    const request = range('sum(rate(x_total[1m]))');
    const analyze = (storage: MemoryStorage) =>
      engine.explain(storage, request, neverStops, { analyze: true });
    expect(() => analyze(counters(10))).toThrow('query would read some 360 samples');
    expect(analyze(counters(1)).actual).toBeDefined();
    expect(
      engine.explain(counters(10), request, neverStops, { analyze: false }).plan,
    ).toBeDefined();
  });
});
