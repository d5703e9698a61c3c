// SPDX-License-Identifier: Apache-2.0
import { beforeEach, expect, test } from 'vitest';
import type { HttpRequest, HttpResponse } from '../base/index.ts';
import { silentLogger } from '../base/index.ts';
import { Registry, writeText } from '../metrics/index.ts';
import { labelsFrom, relabelRule } from '../model/index.ts';
import {
  type AlertmanagerSetOptions,
  createNotifierMetrics,
  Notifier,
  type NotifierDependencies,
  type OutgoingAlert,
} from './index.ts';

let requests: HttpRequest[];
let respond: (request: HttpRequest) => Promise<Partial<HttpResponse>>;
let registry: Registry;

const clock = { now: () => 0, monotonicMs: () => 0, setTimer: () => ({ cancel: () => undefined }) };
const dependencies = (options: Partial<NotifierDependencies> = {}): NotifierDependencies => ({
  clock,
  logger: silentLogger,
  metrics: createNotifierMetrics(registry),
  createHttpClient: () => ({
    request: async (request) => {
      requests.push(request);
      const response = await respond(request);
      return { status: 200, headers: {}, body: new Uint8Array(), url: request.url, ...response };
    },
    close: async () => undefined,
  }),
  createSigner:
    ({ region }) =>
    async ({ method, url, headers, body }) => ({
      ...headers,
      authorization: [region, method, url, body.length].join(' '),
    }),
  userAgent: 'Prometheus/x',
  queueCapacity: 10,
  batchSize: 4,
  drainOnStop: true,
  ...options,
});

const set = (options: Partial<AlertmanagerSetOptions> = {}): AlertmanagerSetOptions => ({
  scheme: 'http',
  pathPrefix: '/',
  timeoutMs: 1000,
  relabelRules: [],
  alertRelabelRules: [],
  httpClient: { followRedirects: true, enableHttp2: false } as AlertmanagerSetOptions['httpClient'],
  ...options,
});
const group = (...addresses: string[]) => ({
  source: 's',
  labels: labelsFrom({ dc: 'x' }),
  targets: addresses.map((address) => labelsFrom({ __address__: address })),
});
const alert = (name: string, more: Record<string, string> = {}): OutgoingAlert => ({
  labels: labelsFrom({ alertname: name, ...more }),
  annotations: { a: 'b' },
  startsAtMs: 0,
  endsAtMs: 1000,
  generatorUrl: 'http://h/graph',
});
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};
const names = ({ body }: HttpRequest): string[] =>
  (JSON.parse(String(body)) as { labels: { alertname: string } }[]).map(
    (each) => each.labels.alertname,
  );
const metric = (name: string): string[] =>
  new TextDecoder()
    .decode(writeText(registry.gather()))
    .split('\n')
    .filter((line) => line.startsWith(name));

beforeEach(() => {
  requests = [];
  respond = async () => ({});
  registry = new Registry({ clock });
});

async function started(
  options: Partial<AlertmanagerSetOptions> = {},
  parts: Partial<NotifierDependencies> = {},
): Promise<Notifier> {
  const notifier = new Notifier(dependencies(parts));
  await notifier.applyConfig({
    alertRelabelRules: [relabelRule({ action: 'labeldrop', regex: 'secret' })],
    sets: new Map([['config-0', set(options)]]),
    externalLabels: { region: 'eu', alertname: 'never' },
  });
  await notifier.updateTargets('config-0', [group('a:9093', 'b:9093')]);
  return notifier;
}

test('every Alertmanager gets every alert, in upstream’s form', async () => {
  const notifier = await started({ pathPrefix: 'am/' });
  notifier.send([alert('One', { secret: 'x' })]);
  await settle();
  expect(requests.map(({ url }) => url)).toEqual([
    'http://a:9093/am/api/v2/alerts',
    'http://b:9093/am/api/v2/alerts',
  ]);
  expect(JSON.parse(String(requests[0]!.body))).toEqual([
    {
      labels: { alertname: 'One', region: 'eu' },
      annotations: { a: 'b' },
      startsAt: '1970-01-01T00:00:00.000Z',
      endsAt: '1970-01-01T00:00:01.000Z',
      generatorURL: 'http://h/graph',
    },
  ]);
  expect(notifier.alertmanagers.active).toHaveLength(2);
  expect(metric('prometheus_notifications_alertmanagers_discovered')).toEqual([
    'prometheus_notifications_alertmanagers_discovered 2',
  ]);
});

test('batches, and a queue that drops the oldest', async () => {
  let release: () => void = () => undefined;
  respond = () =>
    new Promise((resolve) => {
      release = () => resolve({});
    });
  const notifier = await started();
  await notifier.updateTargets('config-0', [group('a:9093')]);
  notifier.send([alert('first')]);
  await settle();
  notifier.send(Array.from({ length: 12 }, (_, i) => alert(`n${i}`)));
  expect(metric('prometheus_notifications_queue_length')).toEqual([
    'prometheus_notifications_queue_length{alertmanager="http://a:9093/api/v2/alerts"} 10',
  ]);
  for (let i = 0; i < 5; i++) {
    release();
    await settle();
  }
  expect(requests.map(names)).toEqual([
    ['first'],
    ['n2', 'n3', 'n4', 'n5'],
    ['n6', 'n7', 'n8', 'n9'],
    ['n10', 'n11'],
  ]);
  expect(metric('prometheus_notifications_dropped_total')[0]).toMatch(/ 2$/);
});

test('one that hangs or fails does not keep the others, and is counted', async () => {
  respond = (request) =>
    request.url.includes('a:9093')
      ? new Promise(() => undefined)
      : Promise.resolve({ status: 500 });
  const notifier = await started();
  notifier.send([alert('One')]);
  notifier.send([alert('Two')]);
  await settle();
  notifier.send([alert('Three')]);
  await settle();
  expect(requests.filter(({ url }) => url.includes('b:')).map(names)).toEqual([
    ['One', 'Two'],
    ['Three'],
  ]);
  expect(metric('prometheus_notifications_errors_total')).toEqual([
    'prometheus_notifications_errors_total{alertmanager="http://a:9093/api/v2/alerts"} 0',
    'prometheus_notifications_errors_total{alertmanager="http://b:9093/api/v2/alerts"} 3',
  ]);
});

test('targets and alerts are relabelled by each entry', async () => {
  const notifier = await started({
    relabelRules: [relabelRule({ action: 'drop', sourceLabels: ['__address__'], regex: 'b.*' })],
    alertRelabelRules: [
      relabelRule({ action: 'drop', sourceLabels: ['alertname'], regex: 'Quiet' }),
    ],
  });
  notifier.send([alert('Quiet'), alert('Loud')]);
  await settle();
  expect(requests.map(names)).toEqual([['Loud']]);
  expect(notifier.alertmanagers).toEqual({
    active: ['http://a:9093/api/v2/alerts'],
    dropped: ['http://b:9093/api/v2/alerts'],
  });
});

test('stopping drains the queue, or drops it when told to', async () => {
  const draining = await started();
  draining.send(Array.from({ length: 6 }, (_, i) => alert(`n${i}`)));
  await draining.stop();
  expect(requests).toHaveLength(4);
  requests = [];
  registry = new Registry({ clock });
  const dropping = await started({}, { drainOnStop: false });
  dropping.send([alert('x')]);
  await dropping.stop();
  expect(requests).toHaveLength(0);
});

test('a reload keeps the queues of Alertmanagers that stay', async () => {
  respond = () => new Promise(() => undefined);
  const notifier = await started();
  notifier.send([alert('first')]);
  await settle();
  notifier.send([alert('second')]);
  await notifier.applyConfig({
    alertRelabelRules: [],
    sets: new Map([['config-0', set({ timeoutMs: 5 })]]),
    externalLabels: {},
  });
  expect(metric('prometheus_notifications_queue_length')).toHaveLength(2);
  expect(metric('prometheus_notifications_queue_length')[0]).toMatch(/ 1$/);
});

test('requests are signed with the keys of sigv4, and not sent when there are none', async () => {
  const sigv4 = {
    region: 'eu-west-1',
    accessKey: 'k',
    secretKey: 's',
    roleArn: '',
    externalId: '',
    useFipsEndpoint: false,
  };
  const notifier = await started({ sigv4 });
  notifier.send([alert('a')]);
  await settle();
  const [request] = requests;
  expect(request?.headers).toEqual({
    'content-type': 'application/json',
    authorization: `eu-west-1 POST http://a:9093/api/v2/alerts ${String(request?.body).length}`,
    'user-agent': 'Prometheus/x',
  });
  requests = [];
  registry = new Registry({ clock });
  const without = await started(
    { sigv4 },
    {
      createSigner: () => () => Promise.reject(new Error('no AWS credentials')),
    },
  );
  without.send([alert('a')]);
  await settle();
  expect(requests).toEqual([]);
  expect(metric('prometheus_notifications_errors_total')[0]).toMatch(/ 1$/);
});
