// SPDX-License-Identifier: Apache-2.0
// `promtool check rules`: whether rule files load, and what is doubtful about them.

import { ConfigError, type ConfigIssue, parseRuleFile } from '../../config/index.ts';
import type { FileSystem } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { RuleGroupOptions } from '../../rules/index.ts';
import type { Command, CommandFlag, CommandHost, CommandValues } from '../command.ts';

/** Exit code of findings with `--lint-fatal`. */
export const EXIT_LINT = 3;

export const lintFatalFlag: CommandFlag = {
  name: 'lint-fatal',
  kind: 'switch',
  help: 'Make lint errors exit with exit code 3.',
};

export const ignoreUnknownFlag: CommandFlag = {
  name: 'ignore-unknown-fields',
  kind: 'switch',
  help: 'Ignore unknown fields in the rule groups read by the rule files. This is useful when you want to extend rule files with custom metadata. Ensure that those fields are removed before loading them into the Prometheus server as it performs strict checks by default.',
};

const defaults = { evaluationIntervalMs: 60_000, queryOffsetMs: 0, names: 'utf8' } as const;

/** `file: 7:15: what is wrong`: upstream's form, with the place always there. */
export const issueText = ({ file, line, column, path, message }: ConfigIssue): string =>
  `${file}: ${line}:${column}: ${message.startsWith('group ') || path === '' ? '' : `${path}: `}${message}`;

const isUnknownKey = ({ message }: ConfigIssue): boolean => message.startsWith('unknown key');

/** What checking one rule file found. */
export interface RuleFileCheck {
  readonly ruleCount: number;
  readonly errors: readonly string[];
  readonly lints: readonly string[];
}

/** Rules of one name and one set of labels: they write the same series. */
function duplicateRules(groups: readonly RuleGroupOptions[]): string[] {
  const seen = new Set<string>();
  const found = new Map<string, string>();
  for (const { rules } of groups) {
    for (const { name, labels } of rules) {
      const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
      const key = JSON.stringify([name, pairs]);
      const shown = pairs.map(([label, value]) => `\t${label}: ${value}\n`).join('');
      if (seen.has(key)) found.set(key, `Metric: ${name}\nLabel(s):\n${shown}`);
      seen.add(key);
    }
  }
  if (found.size === 0) return [];
  const list = [...found.values()].join('');
  return [
    `lint error ${found.size} duplicate rule(s) found.\n${list}Might cause inconsistency while recording expressions`,
  ];
}

/** Reads rule groups; unknown keys may be let pass. @throws ConfigError */
export function readGroups(
  text: string,
  path: string,
  ignoreUnknown: boolean,
): readonly RuleGroupOptions[] {
  try {
    return parseRuleFile(text, path, defaults).groups;
  } catch (error) {
    if (!(error instanceof ConfigError) || !ignoreUnknown) throw error;
    const issues = error.issues.filter((issue) => !isUnknownKey(issue));
    if (issues.length > 0) throw new ConfigError(issues);
    return parseRuleFile(text, path, { ...defaults, ignoreUnknown: true }).groups;
  }
}

/** Checks the text of one rule file. */
export function checkRuleText(
  text: string,
  path: string,
  options: { readonly lintDuplicates: boolean; readonly ignoreUnknown: boolean },
): RuleFileCheck {
  try {
    const groups = readGroups(text, path, options.ignoreUnknown);
    const ruleCount = groups.reduce((sum, { rules }) => sum + rules.length, 0);
    return { ruleCount, errors: [], lints: options.lintDuplicates ? duplicateRules(groups) : [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ruleCount: 0, errors: error.issues.map(issueText), lints: [] };
  }
}

/** The text of a file, or why it cannot be read. */
export function readText(files: FileSystem, path: string): { text: string } | { error: string } {
  try {
    return { text: files.readTextSync(path) };
  } catch (error) {
    if (error instanceof FileError) return { error: error.message };
    throw error;
  }
}

/** Checks files one after the other and tells of each. */
export function checkRuleFiles(
  paths: readonly string[],
  values: CommandValues,
  host: CommandHost,
  indent = '',
): { failed: boolean; doubtful: boolean } {
  const lint = values.text('lint');
  const options = {
    lintDuplicates: lint === 'all' || lint === 'duplicate-rules',
    ignoreUnknown: values.flag('ignore-unknown-fields'),
  };
  const result = { failed: false, doubtful: false };
  for (const path of paths) {
    host.out(`Checking ${path === '/dev/stdin' ? 'standard input' : path}\n`);
    const read = readText(host.files, path);
    const check: RuleFileCheck =
      'text' in read
        ? checkRuleText(read.text, path, options)
        : { ruleCount: 0, errors: [read.error], lints: [] };
    if (check.errors.length > 0) result.failed = true;
    else if (check.lints.length > 0) result.doubtful = true;
    const problems = [...check.errors, ...check.lints];
    if (problems.length > 0)
      host.err(`  FAILED:\n${problems.map((each) => `${indent}${each}\n`).join('')}`);
    else host.out(`  SUCCESS: ${check.ruleCount} rules found\n`);
    host.out('\n');
  }
  return result;
}

export const exitCodeOf = (
  { failed, doubtful }: { readonly failed: boolean; readonly doubtful: boolean },
  values: CommandValues,
): number => (failed ? 1 : doubtful && values.flag('lint-fatal') ? EXIT_LINT : 0);

export const checkRulesCommand: Command = {
  words: ['check', 'rules'],
  help: 'Check if the rule files are valid or not.',
  flags: [
    {
      name: 'lint',
      kind: 'text',
      byDefault: 'duplicate-rules',
      help: 'Linting checks to apply. Available options are: all, duplicate-rules, none. Use --lint=none to disable linting',
    },
    lintFatalFlag,
    ignoreUnknownFlag,
  ],
  args: [
    {
      name: 'rule-files',
      help: 'The rule files to check, default is read from standard input.',
      repeated: true,
    },
  ],
  run: async (values, host) => {
    const files = values.list('rule-files');
    const paths = files.length === 0 ? ['/dev/stdin'] : files;
    return exitCodeOf(checkRuleFiles(paths, values, host), values);
  },
};
