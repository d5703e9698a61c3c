// SPDX-License-Identifier: Apache-2.0
// `promtool test rules --junit`.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { built, entry } from '../e2e/program.ts';
import { newDirectory } from '../new-directory.ts';

const expectation = (value: number) => ({
  expr: '1',
  eval_time: '0s',
  exp_samples: [{ labels: '{}', value }],
});
const group = (name: string, value: number) => ({ name, promql_expr_test: [expectation(value)] });

function run(directory: string, ...args: string[]) {
  const all = [resolve(entry), 'promtool', 'test', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, {
    cwd: directory,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test.runIf(built)('test rules: what was found as JUnit XML', () => {
  const directory = newDirectory();
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  const xml = (): string => readFileSync(join(directory, 'out.xml'), 'utf8');
  write('good.yml', JSON.stringify({ tests: [group('a <"&\u0001', 1), group('', 1)] }));
  write('bad.yml', JSON.stringify({ tests: [group('', 2), group('skip', 2)] }));
  write('broken.yml', 'tests: 7\n');

  const files = ['good.yml', 'bad.yml', 'broken.yml', 'missing.yml'];
  const outcome = run(directory, 'rules', '--run=^(a.*)?$', '--junit=out.xml', ...files);
  expect(outcome.status).toBe(1);
  expect(outcome.stdout.match(/SUCCESS/g)).toHaveLength(1);
  const [good, bad, broken, missing, ...end] = xml().split('</testsuite>');
  expect(end).toEqual(['</testsuites>']);
  expect(good).toBe(
    '<testsuites><testsuite name="good.yml" tests="2" failures="0" errors="0" skipped="0" timestamp="">' +
      '<testcase name="a &lt;&#34;&amp;\ufffd"></testcase><testcase name="unnamed#1"></testcase>',
  );
  expect(bad).toBe(
    '<testsuite name="bad.yml" tests="1" failures="1" errors="0" skipped="0" timestamp="">' +
      '<testcase name="unnamed#0"><failure>    expr: &#34;1&#34;, time: 0s,&#xA;' +
      '        exp: {} 2E+00&#xA;        got: {} 1E+00</failure></testcase>',
  );
  const unknown =
    'tests="1" failures="0" errors="1" skipped="0" timestamp=""><testcase name="unknown"><error>';
  expect(broken).toContain(`<testsuite name="broken.yml" ${unknown}broken.yml: 1:`);
  expect(missing).toContain(`<testsuite name="missing.yml" ${unknown}`);

  // The flag belongs to `test`, and what an earlier run left goes.
  expect(run(directory, '--junit', 'out.xml', 'rules', 'good.yml').status).toBe(0);
  expect(xml()).toMatch(/^<testsuites><testsuite name="good.yml".*<\/testsuite><\/testsuites>$/);
});

test.runIf(built)('test rules: a place for JUnit XML that cannot be written to', () => {
  const outcome = run(newDirectory(), '--junit=no/such/out.xml', 'rules', 'missing.yml');
  expect(outcome).toMatchObject({ status: 1, stdout: '' });
  expect(outcome.stderr).toContain('no/such/out.xml');
});
