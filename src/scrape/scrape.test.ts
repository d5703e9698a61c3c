// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { createRig, group, jobOptions, type Rig } from '../../test/scrape/rig.ts';
import { HttpError } from '../base/index.ts';
import { relabelRule } from '../model/index.ts';
import {
  acceptHeader,
  defaultScrapeProtocols,
  type ScrapeOptions,
  ScrapeProtocol,
} from './index.ts';

const INTERVAL = 15_000;

/** A rig that scrapes one target; each body is the answer to one scrape. */
async function scraped(bodies: string[], options: Partial<ScrapeOptions> = {}): Promise<Rig> {
  const rig = createRig();
  let next = 0;
  rig.client.answer = () => ({ body: bodies[Math.min(next++, bodies.length - 1)] ?? '' });
  rig.manager.applyConfig([jobOptions(options)], { identity: 'test' });
  rig.manager.updateTargets('job', [group('host:9100')]);
  await rig.clock.advance(INTERVAL * bodies.length);
  return rig;
}

/** Dump without the labels of the target and with times as numbers of scrapes. */
function samples(rig: Rig): string[] {
  const times = rig.appender.dump(true).map((line) => Number(line.split('@')[1]));
  const first = Math.min(...times);
  return rig.appender
    .dump()
    .map((line) => line.replace(/instance="host:9100",job="job"/, ''))
    .map((line) =>
      line
        .replace(/,+(?=\})/, '')
        .replace(/\{,+/, '{')
        .replace('{}', ''),
    )
    .map((line) => {
      const [sample, time] = line.split('@');
      const scrape = (Number(time) - first) / INTERVAL;
      return Number.isInteger(scrape) && scrape >= 0 ? `${sample}@${scrape}` : line;
    })
    .sort();
}

const status = (rig: Rig) => rig.manager.activeTargets().get('job')?.[0];

test('a scrape stores samples and report in one batch', async () => {
  const rig = await scraped(['a{b="c"} 1\na 2.5e3\nbad_nan NaN\n']);
  expect(samples(rig)).toEqual(['a 2500@0', 'a{b="c"} 1@0', 'bad_nan NaN@0']);
  expect(rig.appender.batches).toEqual([8]);
  expect(rig.appender.openBatches).toBe(0);
  expect(rig.appender.report('up')).toEqual([1]);
  expect(rig.appender.report('scrape_samples_scraped')).toEqual([3]);
  expect(rig.appender.report('scrape_samples_post_metric_relabeling')).toEqual([3]);
  expect(rig.appender.report('scrape_series_added')).toEqual([3]);
  expect(rig.appender.report('scrape_timeout_seconds')).toEqual([]);
  expect(status(rig)).toMatchObject({
    health: 'up',
    lastError: '',
    scrapeUrl: 'http://host:9100/metrics',
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
    scrapePool: 'job',
    labels: [
      { name: 'instance', value: 'host:9100' },
      { name: 'job', value: 'job' },
    ],
  });
});

test('extra_scrape_metrics adds three series', async () => {
  const rig = await scraped(['a 1\n'], { extraScrapeMetrics: true, sampleLimit: 7 });
  expect(rig.appender.report('scrape_timeout_seconds')).toEqual([10]);
  expect(rig.appender.report('scrape_sample_limit')).toEqual([7]);
  expect(rig.appender.report('scrape_body_size_bytes')).toEqual([4]);
});

test('a vanished series gets one staleness marker, and may come back', async () => {
  const rig = await scraped(['a 1\nb 1\n', 'a 1\n', 'a 1\n', 'a 1\nb 2\n']);
  expect(samples(rig)).toEqual(['a 1@0', 'a 1@1', 'a 1@2', 'a 1@3', 'b 1@0', 'b 2@3', 'b stale@1']);
  expect(rig.appender.report('scrape_series_added')).toEqual([2, 0, 0, 0]);
});

test('a series under another spelling is not stale', async () => {
  const rig = await scraped(['a{x="1",y="2"} 1\n', 'a{y="2",x="1"} 2\n', 'b 1\n']);
  expect(samples(rig)).toEqual([
    'a{x="1",y="2"} 1@0',
    'a{x="1",y="2"} 2@1',
    'a{x="1",y="2"} stale@2',
    'b 1@2',
  ]);
});

test('a failed scrape makes everything stale and up 0, once', async () => {
  const rig = createRig();
  const error = new HttpError('connection', 'Get "http://host:9100/metrics": EOF');
  let scrape = 0;
  rig.client.answer = () => (scrape++ === 0 || scrape > 3 ? { body: 'a 1\n' } : { error });
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  rig.manager.updateTargets('job', [group('host:9100')]);
  await rig.clock.advance(INTERVAL * 3);
  expect(status(rig)).toMatchObject({ health: 'down', lastError: error.message });
  await rig.clock.advance(INTERVAL);
  expect(samples(rig)).toEqual(['a 1@0', 'a 1@3', 'a stale@1']);
  expect(rig.appender.report('up')).toEqual([1, 0, 0, 1]);
});

test('a broken body stores nothing of it, and marks all that was there', async () => {
  const rig = await scraped(['a 1\nb 1\n', 'a 2\nb{\n', 'a 3\n']);
  expect(samples(rig)).toEqual(['a 1@0', 'a 3@2', 'a stale@1', 'b 1@0', 'b stale@1']);
  expect(rig.appender.report('up')).toEqual([1, 0, 1]);
  expect(rig.appender.report('scrape_samples_scraped')).toEqual([2, 1, 1]);
});

test('the first fault in the body is the one that is told', async () => {
  const first = await scraped(['# TYPE a bogus\na{ 1\n']);
  expect(status(first)?.lastError).toBe('invalid metric type "bogus"');
  const second = await scraped(['a{ 1\n# TYPE a bogus\n']);
  expect(status(second)?.lastError).toBe(
    'expected label name, got "1" ("INVALID") while parsing: "a{ 1"',
  );
});

test('explicit times are kept, and their series never marked', async () => {
  const rig = await scraped(['a 1 1699999999000\n', 'b 1\n']);
  expect(rig.appender.dump()).toContain('a{instance="host:9100",job="job"} 1@1699999999000');
  expect(rig.appender.dump().filter((line) => line.includes('stale'))).toEqual([]);
});

test('track_timestamps_staleness marks them', async () => {
  const rig = await scraped(['a 1 1699999999000\n', 'b 1\n'], { trackTimestampsStaleness: true });
  expect(rig.appender.dump().filter((line) => line.includes('stale'))).toHaveLength(1);
});

test('honor_timestamps false takes the time of the scrape', async () => {
  const rig = await scraped(['a 1 1699999999000\n', 'b 1\n'], { honorTimestamps: false });
  expect(samples(rig)).toEqual(['a 1@0', 'a stale@1', 'b 1@1']);
});

test('times more than ten minutes ahead are refused', async () => {
  const ahead = 1_700_000_000_000 + 700_000;
  const rig = await scraped([`a 1 ${ahead}\nb 1\n`, `a 1 ${ahead + INTERVAL}\nb 1\n`]);
  expect(samples(rig)).toEqual(['b 1@0', 'b 1@1']);
  expect(rig.metric('prometheus_target_scrapes_sample_out_of_bounds_total')).toMatch(/ 2$/);
  expect(rig.logger.lines).toContain(
    'warn Error on ingesting samples that are too old or are too far into the future num_dropped=1',
  );
});

test('repeated series count as duplicates, the first value stays', async () => {
  const rig = await scraped(['a 1\na 2\n', 'a 3\na 4\n']);
  expect(samples(rig)).toEqual(['a 1@0', 'a 3@1']);
  expect(rig.metric('prometheus_target_scrapes_sample_duplicate_timestamp_total')).toMatch(/ 2$/);
  expect(rig.appender.report('scrape_samples_scraped')).toEqual([2, 2]);
  expect(rig.appender.report('scrape_samples_post_metric_relabeling')).toEqual([2, 2]);
});

test('out-of-order samples are dropped with one warning', async () => {
  const rig = await scraped([
    'a 1 1699999999000\nb 1 1699999999000\n',
    'a 1 1699999998000\nb 1 1699999998000\n',
  ]);
  expect(rig.logger.lines).toContain('warn Error on ingesting out-of-order samples num_dropped=2');
  expect(rig.metric('prometheus_target_scrapes_sample_out_of_order_total')).toMatch(/ 2$/);
  expect(rig.appender.report('up')).toEqual([1, 1]);
});

test('an exposed label without a value keeps out the label of the target, under honor_labels only', async () => {
  const body = 'a{instance="",job="batch"} 1\n';
  const honored = await scraped([body], { honorLabels: true });
  expect(honored.appender.dump()[0]).toMatch(/^a\{job="batch"\} 1@/);
  const other = await scraped([body], { honorLabels: false });
  expect(other.appender.dump()[0]).toMatch(
    /^a\{exported_job="batch",instance="[^"]+",job="[^"]+"\} 1@/,
  );
});

test('conflicting labels are renamed, or kept under honor_labels', async () => {
  const body = 'a{job="x",instance="y",exported_job="z"} 1\n';
  const renamed = await scraped([body]);
  expect(renamed.appender.dump()[0]).toMatch(
    /^a\{exported_exported_job="x",exported_instance="y",exported_job="z",instance="host:9100",job="job"\} 1@/,
  );
  const honored = await scraped([body], { honorLabels: true });
  expect(honored.appender.dump()[0]).toMatch(/^a\{exported_job="z",instance="y",job="x"\} 1@/);
});

test('metric relabelling drops, renames and is counted', async () => {
  const metricRelabelRules = [
    relabelRule({ sourceLabels: ['__name__'], regex: 'drop_.*', action: 'drop' }),
    relabelRule({ sourceLabels: ['b'], targetLabel: 'c' }),
    relabelRule({ regex: 'b', action: 'labeldrop' }),
  ];
  const rig = await scraped(['drop_me 1\na{b="x"} 1\n', 'drop_me 1\na{b="x"} 2\n'], {
    metricRelabelRules,
  });
  expect(samples(rig)).toEqual(['a{c="x"} 1@0', 'a{c="x"} 2@1']);
  expect(rig.appender.report('scrape_samples_scraped')).toEqual([2, 2]);
  expect(rig.appender.report('scrape_samples_post_metric_relabeling')).toEqual([1, 1]);
});

test('sample_limit refuses the scrape whole', async () => {
  const rig = await scraped(['a 1\nb 1\n', 'a 1\nb 1\nc 1\nd 1\n', 'a 1\nb 1\n'], {
    sampleLimit: 2,
  });
  expect(rig.appender.report('up')).toEqual([1, 0, 1]);
  expect(rig.appender.report('scrape_samples_scraped')).toEqual([2, 4, 2]);
  expect(rig.appender.report('scrape_samples_post_metric_relabeling')).toEqual([2, 4, 2]);
  expect(rig.appender.report('scrape_series_added')).toEqual([2, 0, 0]);
  expect(samples(rig)).toEqual(['a 1@0', 'a 1@2', 'a stale@1', 'b 1@0', 'b 1@2', 'b stale@1']);
  expect(rig.metric('prometheus_target_scrapes_exceeded_sample_limit_total')).toMatch(/ 1$/);
});

const failing = (
  name: string,
  body: string,
  options: Partial<ScrapeOptions>,
  message: string,
): void =>
  test(`${name}: ${message.slice(0, 40)}`, async () => {
    const rig = await scraped([body], options);
    expect(status(rig)).toMatchObject({ health: 'down', lastError: message });
    expect(rig.appender.report('up')).toEqual([0]);
    expect(samples(rig)).toEqual([]);
  });
failing('sample limit', 'a 1\nb 1\n', { sampleLimit: 1 }, 'sample limit exceeded');
failing('body size', 'a 1\n', { bodySizeLimitBytes: 4 }, 'body size limit exceeded');
failing(
  'labels',
  'a{b="c"} 1\n',
  { labelLimit: 3 },
  'label_limit exceeded (metric: a, number of labels: 4, limit: 3)',
);
failing(
  'label names',
  'a{long_name="c"} 1\n',
  { labelNameLengthLimit: 8 },
  'label_name_length_limit exceeded (metric: a, label name: long_name, length: 9, limit: 8)',
);
failing(
  'label values',
  'a{b="long value"} 1\n',
  { labelValueLengthLimit: 9 },
  'label_value_length_limit exceeded (metric: a, label name: b, value: "long value", length: 10, limit: 9)',
);
failing(
  'names under legacy',
  '{"a.b"} 1\n',
  { metricNameValidationScheme: 'legacy' },
  'invalid metric name or label names: {__name__="a.b", instance="host:9100", job="job"}',
);
failing(
  'no name',
  'a 1\n',
  { metricRelabelRules: [relabelRule({ regex: '__name__', action: 'labeldrop' })] },
  'missing metric name (__name__ label)',
);
failing(
  'repeated labels',
  'a{b="1",b="2"} 1\n',
  {},
  'label name "b" is not unique: invalid sample',
);

test('label limits have a counter', async () => {
  const rig = await scraped(['a{b="c"} 1\n'], { labelLimit: 3 });
  expect(rig.metric('prometheus_target_scrape_pool_exceeded_label_limits_total')).toMatch(/ 1$/);
});

test('a full head fails the scrape and says so', async () => {
  const rig = createRig();
  rig.client.answer = () => ({ body: 'a 1\nb 1\n' });
  rig.appender.seriesMax = 1;
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  rig.manager.updateTargets('job', [group('host:9100')]);
  await rig.clock.advance(INTERVAL);
  expect(status(rig)?.lastError).toBe('out of memory for new series: the head is full');
});

test('series that the head has dropped are made again, with their samples', async () => {
  const rig = createRig();
  rig.client.answer = () => ({ body: 'a{x="1"} 1\nb 2\nc{y="z"} 3\n' });
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  rig.manager.updateTargets('job', [group('host:9100')]);
  await rig.clock.advance(INTERVAL);
  rig.appender.forgetAll();
  await rig.clock.advance(INTERVAL);
  expect(samples(rig)).toEqual(['a{x="1"} 1@0', 'b 2@0', 'c{y="z"} 3@0']);
  expect(rig.appender.report('up')).toEqual([1]);
  await rig.clock.advance(INTERVAL);
  expect(samples(rig)).toHaveLength(6);
  expect(rig.appender.batches).toEqual([8, 8, 8, 8]);
});

test('metadata is kept for ten scrapes after its family went', async () => {
  const withMetadata = '# HELP a About a.\n# TYPE a counter\na 1\n# UNIT? no\n';
  const rig = await scraped([withMetadata, withMetadata, 'a 1\n']);
  const list = () => rig.manager.targetMetadata()[0]?.metadata;
  expect(list()).toEqual([{ metric: 'a', type: 'counter', help: 'About a.', unit: '' }]);
  expect(rig.metric('prometheus_target_metadata_cache_entries')).toMatch(/scrape_job="job"} 1$/);
  await rig.clock.advance(INTERVAL * 9);
  expect(list()).toHaveLength(1);
  await rig.clock.advance(INTERVAL);
  expect(list()).toHaveLength(0);
});

test('histogram bounds are written in one way whatever the target writes', async () => {
  const rig = await scraped([
    'x{le="1"} 1\n# TYPE h histogram\nh{le="1"} 1\n# TYPE g gauge\ng{le="1"} 1\n',
  ]);
  expect(samples(rig)).toEqual(['g{le="1"} 1@0', 'h{le="1.0"} 1@0', 'x{le="1"} 1@0']);
});

test('UTF-8 names are stored as they are', async () => {
  const rig = await scraped(['{"my.metric","label with spaces"="v"} 1\n']);
  expect(rig.appender.dump()[0]).toMatch(/^my\.metric\{.*label with spaces="v"\} 1@/);
});

test('an empty body is a good scrape', async () => {
  const rig = await scraped(['a 1\n', '']);
  expect(samples(rig)).toEqual(['a 1@0', 'a stale@1']);
  expect(rig.appender.report('up')).toEqual([1, 1]);
});

async function answered(answer: object, options: Partial<ScrapeOptions> = {}): Promise<Rig> {
  const rig = createRig();
  rig.client.answer = () => answer;
  rig.manager.applyConfig([jobOptions(options)], { identity: 'test' });
  rig.manager.updateTargets('job', [group('host:9100')]);
  await rig.clock.advance(INTERVAL);
  return rig;
}

test('only 200 is an answer', async () => {
  const rig = await answered({ status: 503, statusText: 'Service Unavailable', body: 'a 1\n' });
  expect(status(rig)?.lastError).toBe('server returned HTTP status 503 Service Unavailable');
});

test('the content type decides, or the fallback', async () => {
  const openMetrics = 'application/openmetrics-text; version=1.0.0';
  const missing = await answered({ contentType: openMetrics, body: 'a 1\n' });
  expect(status(missing)?.lastError).toBe('data does not end with # EOF');
  const complete = await answered({ contentType: openMetrics, body: 'a 1 # {x="y"} 2\n# EOF' });
  expect(samples(complete)).toEqual(['a 1@0']);
  const more = await answered({ contentType: openMetrics, body: 'a 1\n# EOF\na 2\n' });
  expect(status(more)?.lastError).toBe('unexpected data after # EOF');
  const blank = await answered({ contentType: '', body: 'a 1\n' });
  expect(status(blank)?.lastError).toMatch(
    /^non-compliant scrape target sending blank Content-Type and no/,
  );
  const fallback = await answered(
    { contentType: '', body: 'a 1\n' },
    { fallbackScrapeProtocol: ScrapeProtocol.text004 },
  );
  expect(samples(fallback)).toEqual(['a 1@0']);
});

test('the request negotiates as upstream does', async () => {
  expect(acceptHeader(defaultScrapeProtocols, 'allow-utf-8')).toBe(
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
      'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,' +
      'text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
  );
  const rig = await scraped(['a 1\n'], { scrapeTimeoutMs: 2500, enableCompression: false });
  expect(rig.client.requests[0]).toMatchObject({
    method: 'GET',
    url: 'http://host:9100/metrics',
    timeoutMs: 2500,
    headers: {
      'Accept-Encoding': 'identity',
      'User-Agent': 'Prometheus/3.14.0+hearth.0.1.0',
      'X-Prometheus-Scrape-Timeout-Seconds': '2.5',
    },
  });
});
