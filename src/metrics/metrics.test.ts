// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Clock, FileSystem } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { FamilyBuilder } from './family.ts';
import { goFloat, openMetricsFloat } from './float-text.ts';
import { negotiateExposition } from './negotiate.ts';
import { registerProcessMetrics } from './process.ts';
import { Registry } from './registry.ts';
import { writeOpenMetrics, writeText } from './write.ts';

class TestClock implements Clock {
  time = 0;
  now = () => this.time;
  monotonicMs = () => this.time;
  setTimer = () => ({ cancel: () => undefined });
}

const newRegistry = (clock = new TestClock()) => new Registry({ clock });
const text = (registry: Registry) => new TextDecoder().decode(writeText(registry.gather()));
const open = (registry: Registry) => new TextDecoder().decode(writeOpenMetrics(registry.gather()));

const float = (value: number, go: string, om = go) =>
  test(`writes ${value} as ${go}`, () => {
    expect(goFloat(value)).toBe(go);
    expect(openMetricsFloat(value)).toBe(om);
  });
float(0, '0', '0.0');
float(-0, '-0', '-0.0');
float(1, '1', '1.0');
float(999999, '999999', '999999.0');
float(1e6, '1e+06');
float(1234567.5, '1.2345675e+06');
float(0.0001, '0.0001');
float(0.00001234, '1.234e-05');
float(1e100, '1e+100');
float(5e-324, '5e-324');
float(-2.5, '-2.5');
float(Number.POSITIVE_INFINITY, '+Inf');
float(Number.NEGATIVE_INFINITY, '-Inf');
float(Number.NaN, 'NaN');

test('writes counters and gauges sorted, with labels by name and escapes', () => {
  const registry = newRegistry();
  const requests = registry.counterVec('x_requests_total', 'Requests\\ by\ncode.', [
    'handler',
    'code',
  ]);
  requests.with('/b', '200').inc(2);
  requests.with('/a"\\\n', '200').inc();
  requests.with('/a', '500').inc();
  registry.gauge('a_temperature', 'Now.').set(-1.5);
  registry.gaugeFunction('info', 'Build "info".', () => 1, { version: '1', branch: 'x' });
  expect(text(registry)).toBe(`# HELP a_temperature Now.
# TYPE a_temperature gauge
a_temperature -1.5
# HELP info Build "info".
# TYPE info gauge
info{branch="x",version="1"} 1
# HELP x_requests_total Requests\\\\ by\\ncode.
# TYPE x_requests_total counter
x_requests_total{code="200",handler="/a\\"\\\\\\n"} 1
x_requests_total{code="200",handler="/b"} 2
x_requests_total{code="500",handler="/a"} 1
`);
  requests.remove('/a', '500');
  expect(text(registry)).not.toContain('500');
});

test('writes histograms and summaries in both formats', () => {
  const registry = newRegistry();
  const histogram = registry.histogramVec('h', 'H.', ['z'], { buckets: [0.1, 1] }).with('v');
  for (const value of [0.05, 0.5, 5]) histogram.observe(value);
  const summary = registry.summary('s', 'S.', { quantiles: [0.5, 1] });
  for (let i = 1; i <= 100; i++) summary.observe(i);
  expect(text(registry)).toBe(`# HELP h H.
# TYPE h histogram
h_bucket{z="v",le="0.1"} 1
h_bucket{z="v",le="1"} 2
h_bucket{z="v",le="+Inf"} 3
h_sum{z="v"} 5.55
h_count{z="v"} 3
# HELP s S.
# TYPE s summary
s{quantile="0.5"} 50
s{quantile="1"} 100
s_sum 5050
s_count 100
`);
  expect(open(registry)).toContain('h_bucket{z="v",le="1.0"} 2\n');
  expect(open(registry)).toContain('s{quantile="0.5"} 50.0\ns{quantile="1.0"} 100.0\n');
  expect(open(registry)).toContain('s_sum 5050.0\ns_count 100\n# EOF\n');
});

test('OpenMetrics: _total belongs to the samples, other counters are unknown', () => {
  const registry = newRegistry();
  registry.counter('good_total', 'A "good" one.').inc(3);
  registry.counter('odd', 'Odd.').inc();
  registry.collector(() => [new FamilyBuilder('plain', 'P.', 'untyped').add(7)]);
  expect(open(registry)).toBe(`# HELP good A \\"good\\" one.
# TYPE good counter
good_total 3.0
# HELP odd Odd.
# TYPE odd unknown
odd 1.0
# HELP plain P.
# TYPE plain unknown
plain 7.0
# EOF
`);
});

test('names outside of the legacy set are quoted inside the braces', () => {
  const registry = newRegistry();
  registry.gaugeFunction('my.metric', 'M.', () => 1, { 'a.b': 'c' });
  expect(text(registry)).toBe(
    '# HELP "my.metric" M.\n# TYPE "my.metric" gauge\n{"my.metric","a.b"="c"} 1\n',
  );
});

test('summaries forget what left their window, not their count', () => {
  const clock = new TestClock();
  const registry = newRegistry(clock);
  const summary = registry.summary('s', 'S.', { quantiles: [0.5], maxAgeMs: 5000 });
  summary.observe(10);
  clock.time = 4000;
  summary.observe(20);
  summary.observe(20);
  expect(text(registry)).toContain('s{quantile="0.5"} 20\n');
  clock.time = 5500;
  expect(text(registry)).toContain('s{quantile="0.5"} 20\ns_sum 50\ns_count 3\n');
  clock.time = 20_000;
  expect(text(registry)).toContain('s{quantile="0.5"} NaN\ns_sum 50\ns_count 3\n');
});

test('a busy summary samples, and stays near the truth', () => {
  const summary = newRegistry().summary('s', 'S.', { quantiles: [0.5] });
  for (let i = 0; i < 100_000; i++) summary.observe(i % 1000);
  const median = summary.read([]).distribution?.points[0]?.value ?? Number.NaN;
  expect(median).toBeGreaterThan(400);
  expect(median).toBeLessThan(600);
});

test('a name is registered once; functions of one name need other labels', () => {
  const registry = newRegistry();
  registry.counter('a_total', 'A.');
  expect(() => registry.counter('a_total', 'A.')).toThrow(/registered twice/);
  registry.gaugeFunction('g', 'G.', () => 1, { x: '1' });
  registry.gaugeFunction('g', 'G.', () => 2, { x: '2' });
  expect(() => registry.gaugeFunction('g', 'G.', () => 2, { x: '2' })).toThrow(/registered twice/);
  expect(text(registry)).toContain('g{x="1"} 1\ng{x="2"} 2\n');
});

test('collectors add to families and contradictions are reported, not served', () => {
  const conflicts: string[] = [];
  const registry = new Registry({ clock: new TestClock(), onConflict: (m) => conflicts.push(m) });
  const first = new FamilyBuilder('f', 'F.', 'gauge', ['b', 'a']).add(1, 'x', 'y');
  const remove = registry.collector(() => [first]);
  registry.collector(() => [new FamilyBuilder('f', 'F.', 'counter').add(1)]);
  expect(text(registry)).toBe('# HELP f F.\n# TYPE f gauge\nf{a="y",b="x"} 1\n');
  expect(conflicts).toEqual([expect.stringContaining('metric family f is a gauge')]);
  remove();
  expect(text(registry)).toContain('# TYPE f counter');
});

test('negotiates as the Go library does', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
    'text/plain;version=0.0.4;q=0.4,*/*;q=0.1';
  expect(negotiateExposition(prometheus, { openMetrics: true }).contentType).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8',
  );
  expect(negotiateExposition(prometheus).contentType).toMatch(/^text\/plain; version=0.0.4/);
  expect(negotiateExposition(undefined).contentType).toBe(
    'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
  );
  expect(
    negotiateExposition('application/openmetrics-text', { openMetrics: true }).contentType,
  ).toContain('version=0.0.1');
});

const procFiles: Readonly<Record<string, string>> = {
  '/proc/self/stat': `7 (a (b) c) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 5 0 12345 1073741824 2560 ${'0 '.repeat(28)}`,
  '/proc/self/limits':
    'Limit                     Soft Limit           Hard Limit           Units     \n' +
    'Max open files            1024                 524288               files     \n' +
    'Max address space         unlimited            unlimited            bytes     \n',
  '/proc/stat': 'cpu  1 2 3\nbtime 1700000000\n',
};
const procFileSystem = (files: Readonly<Record<string, string>>): FileSystem => {
  const fake: Pick<FileSystem, 'readTextSync' | 'listSync'> = {
    readTextSync: (path) => {
      const found = files[path];
      if (found === undefined) throw new FileError('ENOENT', path, 'no such file');
      return found;
    },
    listSync: () => ['0', '1', '2'],
  };
  return fake as FileSystem;
};

test('reads process metrics from /proc', () => {
  const registry = newRegistry();
  registerProcessMetrics(registry, procFileSystem(procFiles));
  const page = text(registry);
  expect(page).toContain('process_cpu_seconds_total 2\n');
  expect(page).toContain('process_max_fds 1024\n');
  expect(page).toContain('process_open_fds 3\n');
  expect(page).toContain('process_resident_memory_bytes 1.048576e+07\n');
  expect(page).toContain('process_start_time_seconds 1.70000012345e+09\n');
  expect(page).toContain('process_virtual_memory_bytes 1.073741824e+09\n');
  expect(page).toContain('process_virtual_memory_max_bytes 1.8446744073709552e+19\n');
});

test('without /proc there are no process metrics', () => {
  const registry = newRegistry();
  registerProcessMetrics(registry, procFileSystem({}));
  expect(text(registry)).toBe('');
});
