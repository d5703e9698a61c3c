// SPDX-License-Identifier: Apache-2.0
// `promtool check config`: whether a configuration loads, with all the files that it names.

import type { HttpClientOptions, SecretSource } from '../../base/index.ts';
import type { Config } from '../../config/index.ts';
import { ConfigError, parseConfig } from '../../config/index.ts';
import { glob } from '../../discovery/index.ts';
import {
  labelsFrom,
  labelsToObject,
  labelValue,
  parseDuration,
  quote,
  type RelabelRule,
  relabel,
} from '../../model/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import {
  checkRuleFiles,
  exitCodeOf,
  ignoreUnknownFlag,
  issueText,
  lintFatalFlag,
  readText,
} from './rules.ts';

/** A scrape interval as long as this leaves gaps in graphs: nothing is seen for longer than the lookback. */
const tooLong = (lookbackMs: number): number => lookbackMs - 1;

function missingFile(what: string, source: SecretSource | undefined, host: CommandHost): string[] {
  const path = source?.file;
  if (path === undefined || host.files.existsSync(path)) return [];
  return [`error checking ${what} file ${quote(path)}: stat ${path}: no such file or directory`];
}

/** Files that a client needs and that are not there. */
function clientProblems(client: HttpClientOptions, host: CommandHost): string[] {
  const { tls, authorization, basicAuth } = client;
  return [
    ...missingFile('authorization credentials or bearer token', authorization?.credentials, host),
    ...missingFile('basic auth password', basicAuth?.password, host),
    ...missingFile('client cert', tls?.cert, host),
    ...missingFile('client key', tls?.key, host),
    ...missingFile('CA cert', tls?.ca, host),
  ];
}

/** Rule files as the patterns name them; a plain name must exist. */
function ruleFilesOf(config: Config, host: CommandHost): { paths: string[]; problems: string[] } {
  const paths: string[] = [];
  const problems: string[] = [];
  for (const pattern of config.ruleFiles) {
    const found = glob(host.files, pattern);
    if (found.length === 0 && !pattern.includes('*'))
      problems.push(`${quote(pattern)} does not point to an existing file`);
    for (const path of found) paths.push(path);
  }
  return { paths, problems };
}

/** Addresses of static targets that are no hosts after relabelling. */
function badAddresses(
  groups: Config['jobs'][number]['discovery']['staticConfigs'],
  rules: readonly RelabelRule[],
): { group: number; instance: number; address: string }[] {
  return groups.flatMap(({ targets, labels }, group) =>
    targets.flatMap((target, instance) => {
      const kept = relabel(labelsFrom({ ...labelsToObject(labels), __address__: target }), rules);
      const address = kept === undefined ? '' : labelValue(kept, '__address__');
      return address.includes('/') ? [{ group, instance, address }] : [];
    }),
  );
}

function targetProblems(config: Config): string[] {
  const jobs = config.jobs.flatMap(({ scrape, discovery }) =>
    badAddresses(discovery.staticConfigs, scrape.relabelRules).map(
      ({ group, instance, address }) =>
        `instance ${instance} in group ${group}: ${quote(address)} is not a valid hostname`,
    ),
  );
  const alertmanagers = config.alerting.alertmanagers.flatMap(({ alertmanager, discovery }) =>
    badAddresses(discovery.staticConfigs, alertmanager.relabelRules).map(
      ({ address }) => `${quote(address)} is not a valid hostname`,
    ),
  );
  return [...jobs, ...alertmanagers];
}

function warnMissingDiscoveryFiles(config: Config, host: CommandHost): void {
  const warn = (files: readonly string[], where: string): void => {
    for (const file of files)
      if (!file.includes('*') && !host.files.existsSync(file))
        host.out(`  WARNING: file ${quote(file)} for file_sd in ${where} does not exist\n`);
  };
  for (const { scrape, discovery } of config.jobs)
    for (const { files } of discovery.fileSdConfigs)
      warn(files, `scrape job ${quote(scrape.jobName)}`);
  for (const { discovery } of config.alerting.alertmanagers)
    for (const { files } of discovery.fileSdConfigs) warn(files, 'alertmanager config');
}

function lintsOf(config: Config, values: CommandValues): string[] {
  const lint = values.text('lint');
  if (lint !== 'all' && lint !== 'too-long-scrape-interval') return [];
  const lookbackMs = parseDuration(values.text('query.lookback-delta'));
  return config.jobs
    .filter(({ scrape }) => scrape.scrapeIntervalMs > tooLong(lookbackMs))
    .map(
      ({ scrape }) =>
        `lint error too long scrape interval found. Job ${quote(scrape.jobName)}, interval ${scrape.scrapeIntervalMs / 1000}s`,
    );
}

interface Outcome {
  failed: boolean;
  doubtful: boolean;
}

function checkOne(path: string, values: CommandValues, host: CommandHost, outcome: Outcome): void {
  host.out(`Checking ${path}\n`);
  const fail = (problems: readonly string[]): void => {
    outcome.failed = true;
    host.err(`  FAILED: ${problems.join('\n')}\n`);
    host.out('\n');
  };
  const read = readText(host.files, path);
  if ('error' in read) {
    fail([read.error]);
    return;
  }
  let config: Config;
  try {
    const agentMode = values.flag('agent');
    config = parseConfig(read.text, {
      fileName: path,
      files: host.files,
      environment: host.environment,
      agentMode,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    fail([`parsing YAML file ${path}:`, ...error.issues.map((issue) => `  ${issueText(issue)}`)]);
    return;
  }
  const rules = ruleFilesOf(config, host);
  const problems = values.flag('syntax-only')
    ? []
    : [
        ...rules.problems,
        ...targetProblems(config),
        ...config.jobs.flatMap(({ scrape }) => clientProblems(scrape.httpClient, host)),
        ...config.alerting.alertmanagers.flatMap(({ alertmanager }) =>
          clientProblems(alertmanager.httpClient, host),
        ),
      ];
  if (problems.length > 0) {
    fail(problems);
    return;
  }
  if (!values.flag('syntax-only')) warnMissingDiscoveryFiles(config, host);
  const lints = lintsOf(config, values);
  if (lints.length > 0) {
    outcome.doubtful = true;
    host.err(`  FAILED:\n${lints.map((each) => `    ${each}\n`).join('')}`);
  }
  if (rules.paths.length > 0) host.out(`  SUCCESS: ${rules.paths.length} rule files found\n`);
  host.out(` SUCCESS: ${path} is valid prometheus config file syntax\n\n`);
  if (values.flag('syntax-only')) return;
  const checked = checkRuleFiles(rules.paths, values, host, '     ');
  if (checked.failed) outcome.failed = true;
  if (checked.doubtful) outcome.doubtful = true;
}

export const checkConfigCommand: Command = {
  words: ['check', 'config'],
  help: 'Check if the config files are valid or not.',
  flags: [
    {
      name: 'syntax-only',
      kind: 'switch',
      help: 'Only check the config file syntax, ignoring file and content validation referenced in the config',
    },
    {
      name: 'lint',
      kind: 'text',
      byDefault: 'duplicate-rules',
      help: 'Linting checks to apply to the rules/scrape configs specified in the config. Available options are: all, duplicate-rules, none, too-long-scrape-interval. Use --lint=none to disable linting',
    },
    lintFatalFlag,
    ignoreUnknownFlag,
    { name: 'agent', kind: 'switch', help: 'Check config file for Prometheus in Agent mode.' },
    {
      name: 'query.lookback-delta',
      kind: 'text',
      byDefault: '5m',
      help: "The server's maximum query lookback duration.",
    },
  ],
  args: [
    { name: 'config-files', help: 'The config files to check.', required: true, repeated: true },
  ],
  run: async (values, host) => {
    const outcome = { failed: false, doubtful: false };
    for (const path of values.list('config-files')) checkOne(path, values, host, outcome);
    return exitCodeOf(outcome, values);
  },
};
