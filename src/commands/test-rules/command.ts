// SPDX-License-Identifier: Apache-2.0
// `promtool test rules`: unit tests for rules.

import { ConfigError, directoryOf } from '../../config/index.ts';
import { glob } from '../../discovery/index.ts';
import { compileRegexp } from '../../model/index.ts';
import type { EngineFeatures } from '../../promql/index.ts';
import type { RuleGroupOptions } from '../../rules/index.ts';
import { ignoreUnknownFlag, issueText, readGroups, readText } from '../check/rules.ts';
import {
  type Command,
  CommandError,
  type CommandFlag,
  type CommandHost,
  type CommandValues,
} from '../command.ts';
import { junitXml, type TestCase, type TestSuite } from './junit.ts';
import { TestRun } from './run-group.ts';
import type { TestFile } from './test-file.ts';
import { parseTestFile } from './test-file.ts';

/** Features named by `--enable-feature`. */
export function featuresOf(values: CommandValues): EngineFeatures {
  const names = new Set(values.list('enable-feature').flatMap((each) => each.split(',')));
  return {
    experimentalFunctions: names.has('promql-experimental-functions'),
    delayedNameRemoval: names.has('promql-delayed-name-removal'),
    extendedRangeSelectors: names.has('promql-extended-range-selectors'),
    binopFillModifiers: names.has('promql-binop-fill-modifiers'),
  };
}

/** All groups that the tests speak of, those of `group_eval_order` first and in that order. */
function loadGroups(file: TestFile, values: CommandValues, host: CommandHost): RuleGroupOptions[] {
  const groups = file.ruleFiles.flatMap((pattern) => {
    const paths = pattern.includes('*') ? glob(host.files, pattern) : [pattern];
    return paths.flatMap((path) => {
      const read = readText(host.files, path);
      if ('error' in read) throw new CommandError(read.error);
      return [...readGroups(read.text, path, values.flag('ignore-unknown-fields'))];
    });
  });
  const place = (name: string): number => {
    const at = file.groupOrder.indexOf(name);
    return at < 0 ? file.groupOrder.length : at;
  };
  return groups
    .map((group) => ({ ...group, intervalMs: file.evaluationIntervalMs }))
    .sort((a, b) => place(a.name) - place(b.name));
}

/** Tests one file; an error of the file or its rules ends it. */
async function testFile(
  path: string,
  values: CommandValues,
  host: CommandHost,
): Promise<TestSuite> {
  const read = readText(host.files, path);
  if ('error' in read) return { name: path, cases: [], errors: [read.error] };
  const wanted = values.list('run').map((pattern) => compileRegexp(`.*(?:${pattern}).*`));
  const cases: TestCase[] = [];
  try {
    const file = parseTestFile(read.text, path, directoryOf(path));
    const groups = loadGroups(file, values, host);
    for (const [i, test] of file.tests.entries()) {
      if (wanted.length > 0 && !wanted.some((pattern) => pattern.test(test.name))) continue;
      const run = new TestRun(file, test, featuresOf(values));
      cases.push({ name: test.name === '' ? `unnamed#${i}` : test.name, failures: run.problems });
      await run.run(groups);
    }
    return { name: path, cases, errors: [] };
  } catch (error) {
    const isConfig = error instanceof ConfigError;
    const one = error instanceof Error ? error.message : String(error);
    return { name: path, cases, errors: isConfig ? error.issues.map(issueText) : [one] };
  }
}

/** Of `promtool test`, so that it may stand before `rules` too. */
export const junitFlag: CommandFlag = {
  name: 'junit',
  kind: 'text',
  help: 'File path to store JUnit XML test results.',
};

export const testRulesCommand: Command = {
  words: ['test', 'rules'],
  help: 'Unit tests for rules.',
  flags: [
    {
      name: 'run',
      kind: 'list',
      help: 'If set, will only run test groups whose names match the regular expression. Can be specified multiple times.',
    },
    { name: 'debug', kind: 'switch', help: 'Enable unit test debugging.', hidden: true },
    {
      name: 'diff',
      kind: 'switch',
      help: '[Experimental] Print colored differential output between expected & received output.',
    },
    ignoreUnknownFlag,
  ],
  args: [{ name: 'test-rule-file', help: 'The unit test file.', required: true, repeated: true }],
  run: async (values, host) => {
    const junit = values.text('junit');
    // Now, so that a place that cannot be written to is told before the tests have run.
    if (junit !== '') host.files.writeFileSync(junit, '');
    const suites: TestSuite[] = [];
    let failed = false;
    for (const path of values.list('test-rule-file')) {
      host.out(`Unit Testing:  ${path}\n`);
      const suite = await testFile(path, values, host);
      suites.push(suite);
      const problems = [...suite.cases.flatMap(({ failures }) => failures), ...suite.errors];
      if (problems.length > 0) {
        failed = true;
        host.err('  FAILED:\n');
        for (const problem of problems) {
          host.err(`${problem}\n`);
          host.out('\n');
        }
      } else host.out('  SUCCESS\n');
      host.out('\n');
    }
    if (junit !== '') host.files.writeFileSync(junit, junitXml(suites));
    return failed ? 1 : 0;
  },
};
