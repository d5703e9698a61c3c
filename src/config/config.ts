// SPDX-License-Identifier: Apache-2.0
// The configuration file: YAML in, the option types of the components out. Everything wrong with it is
// reported at once, each with its place.

import type { FileSystem } from '../base/index.ts';
import { glob } from '../discovery/index.ts';
import { quote } from '../model/index.ts';
import { type AlertingConfig, readAlerting } from './alerting-section.ts';
import type { NotYetSupported } from './discovery-section.ts';
import { type GlobalConfig, readGlobal } from './global-section.ts';
import { type JobContext, readJob, type ScrapeJob } from './job-section.ts';
import { directoryOf, resolvePath } from './paths.ts';
import { readStorage, type StorageOptions } from './storage-section.ts';
import {
  ConfigError,
  type ConfigIssue,
  YamlFile,
  YamlMapping,
  type YamlValue,
} from './yaml-value.ts';

/** A whole configuration, valid, with all defaults filled in. */
export interface Config {
  readonly global: GlobalConfig;
  /** The jobs of the main file, then those of `scrape_config_files`, in order. */
  readonly jobs: readonly ScrapeJob[];
  /** The jobs that stand in the main file: the first so many of `jobs`. */
  readonly mainJobCount: number;
  /** Patterns, resolved. */
  readonly scrapeConfigFiles: readonly string[];
  readonly ruleFiles: readonly string[];
  readonly alerting: AlertingConfig;
  readonly storage: StorageOptions;
  /** Top-level sections that are only kept, by key, as plain values. */
  readonly later: Readonly<Record<string, unknown>>;
  /** What was accepted and has no effect in this version: worth a warning each. */
  readonly notYetSupported: readonly NotYetSupported[];
  /** Variables that external labels name and that are empty or not set. */
  readonly emptyVariables: readonly string[];
}

export interface ParseOptions {
  /** The file's path, for messages. */
  readonly fileName: string;
  /** What relative paths count from; the file's own directory unless given. */
  readonly directory?: string;
  /** For `scrape_config_files`. */
  readonly files: Pick<FileSystem, 'readTextSync' | 'listSync' | 'existsSync'>;
  /** For external labels. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Refuse what an agent cannot do. */
  readonly agentMode?: boolean;
  /** What the flags want with start times of counters. */
  readonly startTimes?: StartTimeFlags;
}

export interface StartTimeFlags {
  /** Protobuf, which carries them, is asked for first. */
  readonly protobufFirst: boolean;
  /** They are stored with their samples: only XOR2 chunks have a place for them. */
  readonly needsXor2: boolean;
  /** Where the file does not say. */
  readonly floatEncoding: 'xor' | 'xor2';
}

/** `*` in the last path element only. */
const filePattern = /^[^*]*(?:\*[^/]*)?$/;

/** Sections of upstream that this version keeps and reports. */
const laterSections = ['runtime', 'tracing', 'remote_write', 'remote_read', 'otlp'] as const;

const notInAgentMode: readonly string[] = ['alerting', 'remote_read', 'rule_files'];

/** A list of file patterns, resolved. */
function readPatterns(value: YamlValue | undefined, kind: string, directory: string): string[] {
  const patterns: string[] = [];
  for (const item of value?.items() ?? []) {
    const text = item.text();
    if (text === undefined) continue;
    if (!filePattern.test(text)) item.fail(`invalid ${kind} file path ${quote(text)}`);
    patterns.push(resolvePath(directory, text));
  }
  return patterns;
}

/** Reads a list of jobs and refuses names that were taken before. */
function readJobs(
  value: YamlValue | undefined,
  context: JobContext,
  taken: Map<string, string>,
  isMain: boolean,
): ScrapeJob[] {
  const jobs: ScrapeJob[] = [];
  for (const item of value?.items() ?? []) {
    if (item.isNull) {
      item.fail('empty or null scrape config section');
      continue;
    }
    const job = readJob(item, context);
    const { jobName } = job.scrape;
    const first = taken.get(jobName);
    if (first !== undefined && jobName !== '') {
      const repeated = `found multiple scrape configs with job name ${quote(jobName)}`;
      item.fail(isMain ? repeated : `${repeated}, first found in ${first}`);
    } else taken.set(jobName, isMain ? 'main config file' : quote(item.file.name));
    jobs.push(job);
  }
  return jobs;
}

/** The jobs of the files that `patterns` match. */
function readIncluded(
  value: YamlValue | undefined,
  patterns: readonly string[],
  options: ParseOptions,
  context: JobContext,
  taken: Map<string, string>,
): ScrapeJob[] {
  const jobs: ScrapeJob[] = [];
  const issues = value?.file.issues ?? [];
  for (const [i, pattern] of patterns.entries()) {
    for (const path of glob(options.files, pattern)) {
      let text: string;
      try {
        text = options.files.readTextSync(path);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        value?.items()[i]?.fail(`cannot read ${path}: ${why}`);
        continue;
      }
      const mapping = new YamlMapping(new YamlFile(path, text, issues).root());
      const inner = { ...context, directory: directoryOf(path) };
      for (const job of readJobs(mapping.get('scrape_configs'), inner, taken, false))
        jobs.push(job);
      mapping.finish();
    }
  }
  return jobs;
}

/** Takes the sections that belong to later versions: kept as they are, and listed. */
function readLater(
  mapping: YamlMapping,
  notYetSupported: NotYetSupported[],
): Record<string, unknown> {
  const later: Record<string, unknown> = {};
  for (const key of laterSections) {
    const value = mapping.get(key);
    if (!value) continue;
    const kind = key === 'remote_write' ? 'write' : 'read';
    if (key === 'remote_write' || key === 'remote_read')
      mapping.items(key, `empty or null remote ${kind} config section`);
    later[key] = value.toPlain();
    notYetSupported.push({ file: value.file.name, path: value.path, line: value.line });
  }
  return later;
}

/** The same problem can be met twice when a value is read twice. */
function distinct(issues: readonly ConfigIssue[]): ConfigIssue[] {
  const seen = new Set<string>();
  return issues.filter((issue) => {
    const key = JSON.stringify(issue);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/**
 * Reads a configuration. An empty text is valid.
 *
 * @throws ConfigError with everything that is wrong
 */
export function parseConfig(text: string, options: ParseOptions): Config {
  const issues: ConfigIssue[] = [];
  const directory = options.directory ?? directoryOf(options.fileName);
  const root = new YamlFile(options.fileName, text, issues).root();
  const mapping = new YamlMapping(root);
  const emptyVariables: string[] = [];
  const global = readGlobal(mapping.get('global'), directory, {
    environment: options.environment,
    onEmpty: (name) => emptyVariables.push(name),
  });
  const notYetSupported: NotYetSupported[] = [];
  const later = readLater(mapping, notYetSupported);
  const storageValue = mapping.get('storage');
  const storage = readStorage(storageValue, notYetSupported);
  const { needsXor2 = false, floatEncoding = 'xor' } = options.startTimes ?? {};
  if (needsXor2 && (storage.floatEncoding ?? floatEncoding) !== 'xor2') {
    (storageValue ?? root).fail(
      '--enable-feature=st-storage needs storage.tsdb.chunk_encoding.floats: xor2, other chunks have no place for start timestamps',
    );
  }
  if (storageValue !== undefined) later.storage = storageValue.toPlain();
  const ruleValue = mapping.get('rule_files');
  const ruleFiles = readPatterns(ruleValue, 'rule', directory);
  const alertingValue = mapping.get('alerting');
  const alerting = readAlerting(alertingValue, { global, directory, notYetSupported });
  if (alertingValue !== undefined) later.alerting = alertingValue.toPlain();
  const included = mapping.get('scrape_config_files');
  const scrapeConfigFiles = readPatterns(included, 'scrape config', directory);
  const protobufFirst = options.startTimes?.protobufFirst === true;
  const context = { global, directory, notYetSupported, protobufFirst };
  const taken = new Map<string, string>();
  const mainJobs = readJobs(mapping.get('scrape_configs'), context, taken, true);
  // Patterns that are wrong would only add errors about files.
  const patterns = issues.length === 0 ? scrapeConfigFiles : [];
  const others = readIncluded(included, patterns, options, context, taken);
  if (options.agentMode) {
    for (const key of notInAgentMode)
      mapping.get(key)?.fail(`field ${key} is not allowed in agent mode`);
  }
  mapping.finish();
  if (issues.length > 0) throw new ConfigError(distinct(issues));
  return {
    global,
    jobs: [...mainJobs, ...others],
    mainJobCount: mainJobs.length,
    scrapeConfigFiles,
    ruleFiles,
    alerting,
    storage,
    later,
    notYetSupported,
    emptyVariables,
  };
}
