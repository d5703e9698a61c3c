// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRig, group, jobOptions, type Rig } from '../../test/scrape/rig.ts';
import { type Prng, seededPrng } from '../base/index.ts';
import { ExpositionParser } from '../exposition/index.ts';
import { scanTwin } from '../kernels/index.ts';

const INTERVAL = 15_000;
const encoder = new TextEncoder();

function rigWith(twin: boolean): Rig {
  const rig = createRig(twin ? { kernel: (heap) => scanTwin(heap.shared) } : {});
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  return rig;
}

async function scrapeAll(
  rig: Rig,
  bodies: readonly Uint8Array[],
  contentType: string,
): Promise<void> {
  let next = 0;
  rig.client.answer = () => ({ body: bodies[next++] ?? new Uint8Array(0), contentType });
  rig.manager.updateTargets('job', [group('h:1')]);
  await rig.clock.advance(INTERVAL * bodies.length);
}

const pick = <T>(prng: Prng, choices: readonly T[]): T => choices[prng.below(choices.length)]!;

/** A valid body of distinct series in changing order and number. */
function validBody(prng: Prng, openMetrics: boolean): string {
  const lines: string[] = [];
  for (let i = 0; i < 40; i++) {
    if (prng.next() < 0.3) continue;
    const labels = pick(prng, ['', `{a="${i}"}`, `{a="x y",b="\\"${i}\\n"}`, `{le="${i}"}`]);
    const value = pick(prng, [
      '1',
      '-2.5',
      'NaN',
      '+Inf',
      '1e3',
      '0.1234567890123456789',
      '1e-300',
      String(prng.next()),
    ]);
    const time = prng.next() < 0.1 ? (openMetrics ? ' 1600000000.5' : ' 1600000000500') : '';
    const exemplar = openMetrics && prng.next() < 0.2 ? ' # {id="x"} 1' : '';
    lines.push(`m${i}${labels} ${value}${time}${exemplar}`);
  }
  for (let i = lines.length - 1; i > 0; i--) {
    const j = prng.next() < 0.3 ? prng.below(i + 1) : i;
    [lines[i], lines[j]] = [lines[j]!, lines[i]!];
  }
  lines.unshift('# TYPE m histogram');
  lines.splice(prng.below(lines.length), 0, '# HELP m text');
  return `${lines.join('\n')}\n${openMetrics ? '# EOF\n' : ''}`;
}

/** What must be stored, by the exact parser alone and the rules of staleness in their plainest form. */
function expected(bodies: readonly Uint8Array[], openMetrics: boolean, firstMs: number): string[] {
  const lines: string[] = [];
  const last = new Map<string, number>();
  let before = new Set<string>();
  bodies.forEach((body, scrape) => {
    const now = firstMs + scrape * INTERVAL;
    const parser = new ExpositionParser(openMetrics ? 'openmetrics' : 'text');
    parser.reset(body);
    const present = new Set<string>();
    for (let kind = parser.next(); kind !== 'end'; kind = parser.next()) {
      if (kind !== 'sample') continue;
      const labels = [
        ...parser.labels(),
        { name: 'instance', value: 'h:1' },
        { name: 'job', value: 'job' },
      ];
      labels.sort((a, b) => (a.name < b.name ? -1 : 1));
      const rest = labels.filter(({ name }) => name !== '__name__');
      const shown = rest.map(({ name, value }) => `${name}="${value}"`).join(',');
      const series = `${labels.find(({ name }) => name === '__name__')?.value}{${shown}}`;
      const time = parser.timeMs ?? now;
      if (time > (last.get(series) ?? 0)) {
        lines.push(`${series} ${parser.value}@${time}`);
        last.set(series, time);
      }
      if (parser.timeMs === undefined) present.add(series);
    }
    for (const series of before) {
      if (present.has(series) || (last.get(series) ?? 0) >= now) continue;
      lines.push(`${series} stale@${now}`);
      last.set(series, now);
    }
    before = present;
  });
  return lines.sort();
}

for (const openMetrics of [false, true]) {
  const contentType = openMetrics ? 'application/openmetrics-text' : 'text/plain';
  test(`kernel, twin and exact parser store the same (${contentType})`, async () => {
    const prng = seededPrng(openMetrics ? 11 : 10);
    for (let round = 0; round < 15; round++) {
      const bodies = Array.from({ length: 6 }, () => encoder.encode(validBody(prng, openMetrics)));
      const kernel = rigWith(false);
      const twin = rigWith(true);
      await scrapeAll(kernel, bodies, contentType);
      await scrapeAll(twin, bodies, contentType);
      const times = kernel.appender.report('up');
      expect(times).toEqual([1, 1, 1, 1, 1, 1]);
      const up = kernel.appender.dump(true).filter((line) => line.startsWith('up{'));
      const firstMs = Number(up[0]?.split('@')[1]);
      expect(kernel.appender.dump(true)).toEqual(twin.appender.dump(true));
      expect(kernel.appender.dump()).toEqual(expected(bodies, openMetrics, firstMs));
    }
  });

  test(`kernel and twin judge damaged bodies alike (${contentType})`, async () => {
    const prng = seededPrng(5);
    const kernel = rigWith(false);
    const twin = rigWith(true);
    const bodies = Array.from({ length: 150 }, () => {
      const body = encoder.encode(validBody(prng, openMetrics));
      const damage = prng.below(4);
      if (damage === 0) return body.subarray(0, prng.below(body.length));
      for (let i = 0; i < damage; i++)
        body[prng.below(body.length)] = pick(prng, [0, 10, 32, 34, 35, 92, 123, 125, 255]);
      return body;
    });
    const faults: [string[], string[]] = [[], []];
    for (const [i, rig] of [kernel, twin].entries()) {
      let next = 0;
      rig.client.answer = () => ({ body: bodies[next++] ?? new Uint8Array(0), contentType });
      rig.manager.updateTargets('job', [group('h:1')]);
      for (const body of bodies) {
        await rig.clock.advance(INTERVAL);
        const error = rig.manager.activeTargets().get('job')?.[0]?.lastError ?? '';
        faults[i as 0 | 1].push(error);
        expect(error === '' || !isGood(body, openMetrics)).toBe(true);
      }
    }
    expect(faults[0]).toEqual(faults[1]);
    expect(faults[0].filter((error) => error !== '').length).toBeGreaterThan(30);
    expect(kernel.appender.dump(true)).toEqual(twin.appender.dump(true));
  });
}

/** Whether the exact parser reads the whole body; the scrape may still refuse repeated labels. */
function isGood(body: Uint8Array, openMetrics: boolean): boolean {
  const parser = new ExpositionParser(openMetrics ? 'openmetrics' : 'text');
  parser.reset(body);
  try {
    for (let kind = parser.next(); kind !== 'end'; kind = parser.next()) {
      if (kind !== 'sample') continue;
      const names = parser.labels().map(({ name }) => name);
      if (new Set(names).size !== names.length || !parser.namesAreUtf8) return false;
    }
    return true;
  } catch {
    return false;
  }
}

test('scrapes fail with the message of the exact parser', async () => {
  const prng = seededPrng(99);
  for (const openMetrics of [false, true]) {
    const rig = rigWith(false);
    let body = new Uint8Array(0);
    rig.client.answer = () => ({
      body,
      contentType: openMetrics ? 'application/openmetrics-text' : 'text/plain',
    });
    rig.manager.updateTargets('job', [group('h:1')]);
    for (let round = 0; round < 150; round++) {
      body = encoder.encode(validBody(prng, openMetrics));
      body[prng.below(body.length)] = pick(prng, [0, 10, 32, 34, 35, 92, 123, 125]);
      await rig.clock.advance(INTERVAL);
      const told = rig.manager.activeTargets().get('job')?.[0]?.lastError ?? '';
      const parser = new ExpositionParser(openMetrics ? 'openmetrics' : 'text');
      parser.reset(body);
      let message = '';
      try {
        while (parser.next() !== 'end');
      } catch (error) {
        message = error instanceof Error ? error.message : String(error);
      }
      if (/is not unique|invalid metric name/.test(told)) continue;
      expect(told).toBe(message);
    }
  }
});

const folder = process.env.HEARTH_CONFORMANCE ?? '../shared/conformance';
const file = join(folder, 'exposition', 'alltypes.237mfs.prom.txt');
test.skipIf(!existsSync(file))('a real body is known whole at the second scrape', async () => {
  const rig = createRig();
  rig.manager.applyConfig([jobOptions()], { identity: 'test' });
  const body = new Uint8Array(readFileSync(file));
  await scrapeAll(rig, [body, body], 'text/plain; version=0.0.4');
  const count = Buffer.from(body)
    .toString()
    .split('\n')
    .filter((line) => /^[^#]/.test(line)).length;
  expect(rig.appender.report('scrape_samples_scraped')).toEqual([count, count]);
  expect(rig.appender.report('scrape_series_added')).toEqual([count, 0]);
  expect(rig.manager.targetMetadata()[0]?.metadata).toHaveLength(237);
});

test('the cache forgets series that stay away, and does not grow with churn', async () => {
  const rig = rigWith(false);
  const bodies = Array.from({ length: 60 }, (_, scrape) =>
    encoder.encode(
      Array.from({ length: 400 }, (_, i) => `m{a="${scrape * 300 + i}"} 1\n`).join(''),
    ),
  );
  await scrapeAll(rig, bodies.slice(0, 30), 'text/plain');
  const used = rig.heap.usedBytes;
  await scrapeAll(rig, bodies.slice(30), 'text/plain');
  expect(rig.heap.usedBytes).toBeLessThan(used * 1.3);
  expect(rig.appender.report('up').every((value) => value === 1)).toBe(true);
});

test('caches that grow while all scrapes fail are flushed', async () => {
  const rig = rigWith(false);
  const bodies = Array.from({ length: 6 }, (_, scrape) =>
    encoder.encode(
      Array.from({ length: 900 }, (_, i) => `m{a="${scrape}-${i}"} 1\n`).join('') + '}',
    ),
  );
  await scrapeAll(rig, bodies, 'text/plain');
  expect(rig.metric('prometheus_target_scrapes_cache_flush_forced_total')).toMatch(/ [1-9]/);
  expect(rig.appender.dump()).toEqual([]);
});
