// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { Registry } from '../metrics/index.ts';
import { parseProtobufFamilies } from '../exposition/index.ts';
import { CounterResetHint, Histogram, labelsFrom } from '../model/index.ts';
import type { Engine } from '../promql/index.ts';
import { parseExpression, parseSelector, selectorsOf } from '../promql/index.ts';
import { MemoryStorage } from '../storage/index.ts';
import { ExemplarRing } from '../tsdb/head/exemplars.ts';
import { answerJob } from './answer-job.ts';
import { ApiError } from './answers.ts';
import { ExportRoutes } from './export-routes.ts';
import type { ApiServices } from './services.ts';

const NOW = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const clock = {
  now: () => NOW,
  monotonicMs: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
};

const storage = new MemoryStorage();
const add = (labels: Record<string, string>, agoMs: number, value: number): void =>
  storage.add(labelsFrom(labels), NOW - agoMs, value);
add({ __name__: 'b', job: 'x', room: 'z' }, 1000, 1);
add({ __name__: 'b', job: 'x', room: 'z' }, 2000, 7);
add({ __name__: 'b', instance: 'i:1', job: 'x', region: 'own' }, 5 * MINUTE_MS, Number.NaN);
add({ __name__: 'a', job: 'x' }, 10, Number.POSITIVE_INFINITY);
add({ __name__: 'a.b', 'c.d': 'x', job: 'x' }, 10, 1e21);
add({ __name__: 'old', job: 'x' }, 5 * MINUTE_MS + 1, 1);
add({ __name__: 'ahead', job: 'x' }, -1, 1);
add({ job: 'x' }, 10, 5);

const ring = new ExemplarRing(10);
const series = (name: string) => labelsFrom({ __name__: name, job: 'x' });
ring.add(series('b'), { labels: labelsFrom({ id: '1' }), value: 1e-9, time: 1500 });
ring.add(series('b'), { labels: [], value: 6, time: 2500 });
ring.add(series('a'), { labels: [], value: Number.NaN, time: 2000 });

function routes(over: Partial<ApiServices> = {}, queryable = storage): ExportRoutes {
  const backend = {
    engine: {} as Engine,
    queryable,
    lookbackDeltaMs: 5 * MINUTE_MS,
    parseSelector,
    format: String,
    syntax: () => ({ type: 'numberLiteral' as const, val: '1' }),
    selectorsOf: (query: string) => selectorsOf(parseExpression(query)),
    tsdbStatus: () => {
      throw new Error('not asked for');
    },
  };
  const services = {
    clock,
    registry: new Registry({ clock }),
    workers: {
      run: async (job: Parameters<typeof answerJob>[0]) =>
        answerJob(job, backend, { checkpoint: () => undefined }, 0),
    },
    queryTimeoutMs: 1000,
    exemplars: () => ring,
    externalLabels: () => labelsFrom({ region: 'eu', zone: 'q' }),
    ...over,
  };
  return new ExportRoutes(services as unknown as ApiServices);
}

const request = (query: string, headers: Record<string, string> = {}): ServerRequest => ({
  method: 'GET',
  path: '/',
  params: new URLSearchParams(query),
  headers,
  body: new Uint8Array(),
  remoteAddress: '',
  signal: new AbortController().signal,
});

const textOf = ({ body }: ServerResponse): string =>
  typeof body === 'string' ? body : new TextDecoder().decode(body);

test('/federate: the newest samples by name, with external labels and instance=""', async () => {
  const response = await routes().federate(request('match[]=b&match[]={job="x"}'));
  expect(response.status).toBe(200);
  expect(response.headers['content-type']).toMatch(/^text\/plain; version=0.0.4; charset=utf-8/);
  expect(textOf(response)).toBe(`# TYPE a untyped
a{job="x",instance="",region="eu",zone="q"} +Inf ${NOW - 10}
# TYPE a_b untyped
a_b{c_d="x",job="x",instance="",region="eu",zone="q"} 1e+21 ${NOW - 10}
# TYPE b untyped
b{instance="i:1",job="x",region="own",zone="q"} NaN ${NOW - 5 * MINUTE_MS}
b{job="x",room="z",instance="",region="eu",zone="q"} 1 ${NOW - 1000}
`);
});

test('/federate: names as they are for those who can read them', async () => {
  const accept = 'text/plain;version=1.0.0;escaping=allow-utf-8';
  const response = await routes().federate(request('match[]={__name__="a.b"}', { accept }));
  expect(textOf(response)).toBe(
    `# TYPE "a.b" untyped\n{"a.b","c.d"="x",job="x",instance="",region="eu",zone="q"} 1e+21 ${NOW - 10}\n`,
  );
});

test('/federate: protobuf by Accept', async () => {
  const accept =
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  const response = await routes().federate(request('match[]=a', { accept }));
  expect(response.headers['content-type']).toMatch(/^application\/vnd.google.protobuf/);
  expect(textOf(response)).toContain('region\x12\x02eu');
});

test('/federate: native histograms over protobuf, custom buckets in text too', async () => {
  const histograms = new MemoryStorage();
  const put = (labels: Record<string, string>, histogram: Histogram, agoMs = 1): void =>
    histograms.addHistogram(labelsFrom({ __name__: 'h', ...labels }), NOW - agoMs, histogram);
  const buckets = {
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: 2,
    count: 9,
    sum: 12.5,
    positiveSpans: Int32Array.of(0, 2, 1, 1),
    positiveBuckets: Float64Array.of(1, 2, 3),
    negativeSpans: Int32Array.of(-1, 1),
    negativeBuckets: Float64Array.of(1),
  };
  put({ job: 'a' }, new Histogram(buckets));
  put({ job: 'b' }, new Histogram({ ...buckets, counterResetHint: CounterResetHint.gauge }));
  put(
    { job: 'c' },
    new Histogram({
      schema: -53,
      count: 6,
      sum: 7,
      positiveSpans: Int32Array.of(1, 2),
      positiveBuckets: Float64Array.of(2, 4),
      customValues: Float64Array.of(0.5, 1),
    }),
  );
  histograms.add(labelsFrom({ __name__: 'h', job: 'd' }), NOW - 1, 3);
  const accept =
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  const over = { externalLabels: () => [] };
  const binary = await routes(over, histograms).federate(request('match[]=h', { accept }));
  const families = parseProtobufFamilies(binary.body as Uint8Array);
  expect(families.map(({ name, type, metrics }) => [name, type, metrics.length])).toEqual([
    ['h', 'histogram', 1],
    ['h', 'gaugehistogram', 1],
    ['h', 'histogram', 1],
    ['h', 'untyped', 1],
  ]);
  expect(families[0]?.metrics[0]).toMatchObject({
    labels: ['instance', '', 'job', 'a'],
    timestampMs: NOW - 1,
    distribution: {
      count: 9,
      sum: 12.5,
      isFloat: true,
      native: {
        schema: 1,
        zeroThreshold: 0.001,
        zeroCount: 2,
        positiveSpans: [0, 2, 1, 1],
        positiveBuckets: [1, 2, 3],
        negativeSpans: [-1, 1],
        negativeBuckets: [1],
      },
    },
  });
  expect(families[2]?.metrics[0]?.distribution?.points).toEqual([
    { bound: 0.5, value: 0 },
    { bound: 1, value: 2 },
    { bound: Number.POSITIVE_INFINITY, value: 6 },
  ]);
  expect(textOf(await routes(over, histograms).federate(request('match[]=h')))).toBe(
    `# TYPE h histogram
h_bucket{job="c",instance="",le="0.5"} 0 ${NOW - 1}
h_bucket{job="c",instance="",le="1"} 2 ${NOW - 1}
h_bucket{job="c",instance="",le="+Inf"} 6 ${NOW - 1}
h_sum{job="c",instance=""} 7 ${NOW - 1}
h_count{job="c",instance=""} 6 ${NOW - 1}
# TYPE h untyped
h{job="d",instance=""} 3 ${NOW - 1}
`,
  );
});

test('/federate: no selector, an empty one, a broken one, a broken server', async () => {
  expect(textOf(await routes().federate(request('')))).toBe('');
  expect(textOf(await routes().federate(request('match[]={}')))).toBe('');
  const bad = await routes().federate(request('match[]={'));
  expect(bad.status).toBe(400);
  expect(textOf(bad)).toBe('1:2: parse error: unexpected end of input inside braces\n');
  const registry = new Registry({ clock });
  const run = async (): Promise<never> => {
    throw new ApiError('unavailable', 'the database is not ready');
  };
  const down = await routes({ registry, workers: { run } }).federate(request('match[]=a'));
  expect([down.status, textOf(down)]).toEqual([500, 'the database is not ready\n']);
  const errors = registry.gather().find(({ name }) => name.endsWith('federation_errors_total'));
  expect(errors?.metrics[0]?.value).toBe(1);
});

const json = async (query: string): Promise<unknown> =>
  JSON.parse(textOf(await routes().exemplars(request(query))));

test('/query_exemplars: of all selectors of the expression, by series and time', async () => {
  const a = {
    seriesLabels: { __name__: 'a', job: 'x' },
    exemplars: [{ labels: {}, value: 'NaN', timestamp: 2 }],
  };
  const b = {
    seriesLabels: { __name__: 'b', job: 'x' },
    exemplars: [
      { labels: { id: '1' }, value: '1e-09', timestamp: 1.5 },
      { labels: {}, value: '6', timestamp: 2.5 },
    ],
  };
  const query = 'query=sum(rate(b[5m]))/on()max_over_time(a[5m:1m])';
  expect(await json(query)).toEqual({ status: 'success', data: [a, b] });
  expect(await json(`${query}&start=2.1`)).toEqual({
    status: 'success',
    data: [{ ...b, exemplars: b.exemplars.slice(1) }],
  });
  expect(await json('query=topk(scalar(a),+(-b))&end=1')).toEqual({ status: 'success', data: [] });
});

test('/query_exemplars: nothing selected, wrong times, wrong expressions', async () => {
  expect((await routes().exemplars(request('query=1'))).status).toBe(204);
  const refuses = (query: string, message: string) =>
    expect(routes().exemplars(request(query))).rejects.toThrow(message);
  await refuses('query=a&start=5&end=1', 'end timestamp must not be before start timestamp');
  await refuses('query=a{', '1:3: parse error: unexpected end of input inside braces');
  await refuses('query=a&start=x', 'invalid parameter "start"');
});
