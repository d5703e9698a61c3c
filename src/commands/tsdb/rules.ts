// SPDX-License-Identifier: Apache-2.0
// `promtool tsdb create-blocks-from rules`: recording rules for a time before they were there. A server's API
// evaluates them, block range by block range; what it answers becomes blocks.

import { FileError } from '../../base/index.ts';
import { ConfigError, parseRuleFile } from '../../config/index.ts';
import { labelsFrom } from '../../model/index.ts';
import { groupKey, hashedOffset, type RuleGroupOptions } from '../../rules/index.ts';
import { DEFAULT_CHUNK_RANGE_MS } from '../../tsdb/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { parseGoDuration } from '../go-text.ts';
import { QueryApi, serverUrl } from '../query/query-client.ts';
import { parseQueryTime } from '../query/query.ts';
import { issueText } from '../check/rules.ts';
import { Samples, writeBlocks } from './backfill.ts';
import { DEFAULT_PATH } from './list.ts';

const HOUR_MS = 3_600_000;
/** Without an end rules are evaluated up to this long ago: what is newer is in the server's head. */
const END_AGO_MS = 3 * HOUR_MS;

type Rule = RuleGroupOptions['rules'][number];

interface Matrix {
  readonly resultType?: string;
  readonly result?: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly values?: readonly (readonly [number, string])[];
  }[];
}

interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

/** One run of the command. */
interface Import {
  readonly host: CommandHost;
  readonly api: QueryApi;
  readonly directory: string;
  readonly range: Range;
}

/** The range of the flags, in whole seconds. @throws CommandError */
function rangeOf(values: CommandValues, host: CommandHost): Range {
  const end = values.text('end');
  const endMs = end === '' ? host.clock.now() - END_AGO_MS : parseQueryTime(end, 'end');
  const startMs = parseQueryTime(values.text('start'), 'start');
  if (startMs >= endMs) throw new CommandError('start time is not before end time');
  const whole = (ms: number): number => Math.floor(ms / 1000) * 1000;
  return { startMs: whole(startMs), endMs: whole(endMs) };
}

/** @throws CommandError */
function readGroups(values: CommandValues, host: CommandHost): RuleGroupOptions[] {
  const evaluationIntervalMs = parseGoDuration(values.text('eval-interval'));
  const defaults = { evaluationIntervalMs, queryOffsetMs: 0, names: 'utf8' } as const;
  return values.list('rule-files').flatMap((path) => {
    try {
      return parseRuleFile(host.files.readTextSync(path), path, defaults).groups;
    } catch (error) {
      if (error instanceof FileError) {
        const what = error.code === 'ENOENT' ? `path '${path}' does not exist` : error.message;
        throw new CommandError(`promtool: error: ${what}, try --help`, { cause: error });
      }
      if (!(error instanceof ConfigError)) throw error;
      const why = error.issues.map(issueText).join('\n');
      throw new CommandError(`rule importer parse error: ${why}`, { cause: error });
    }
  });
}

/** Times of the group's evaluations in a range; undefined when there is none. */
function evaluations(group: RuleGroupOptions, { startMs, endMs }: Range): Range | undefined {
  const { intervalMs } = group;
  const offset = hashedOffset(groupKey(group), intervalMs);
  const first = Math.ceil((startMs - offset) / intervalMs) * intervalMs + offset;
  return first > endMs ? undefined : { startMs: first, endMs };
}

/** What the server says a rule would have recorded. @throws CommandError */
async function evaluate(
  api: QueryApi,
  rule: Rule,
  { startMs, endMs }: Range,
  intervalMs: number,
): Promise<Samples> {
  const parameters = new URLSearchParams({
    query: rule.expression,
    start: String(startMs / 1000),
    end: String(endMs / 1000),
    step: String(intervalMs / 1000),
  });
  const data = (await api.post('/query_range', parameters)) as Matrix;
  if (data.resultType !== 'matrix') {
    throw new CommandError(`rule result is wrong type ${data.resultType ?? ''}`);
  }
  const samples = new Samples();
  for (const { metric, values = [] } of data.result ?? []) {
    // The labels of the rule win over those of the answer.
    const labels = { ...metric, ...rule.labels, __name__: rule.name };
    const id = samples.id(labelsFrom(labels));
    for (const [time, value] of values) {
      samples.add(id, Math.round(time * 1000), value === '+Inf' ? Infinity : toNumber(value));
    }
  }
  return samples;
}

const toNumber = (text: string): number => (text === '-Inf' ? -Infinity : Number(text));

/** Evaluates one rule for the whole range. @throws CommandError */
async function importRule(run: Import, group: RuleGroupOptions, rule: Rule): Promise<void> {
  const { host, api, directory, range } = run;
  const blockMs = DEFAULT_CHUNK_RANGE_MS;
  const first = Math.floor(range.startMs / blockMs) * blockMs;
  for (let block = first; block <= range.endMs; block += blockMs) {
    const part = {
      startMs: Math.max(block, range.startMs),
      endMs: Math.min(block + blockMs - 1000, range.endMs),
    };
    const times = evaluations(group, part);
    if (times === undefined) continue;
    const samples = await evaluate(api, rule, times, group.intervalMs);
    for (const { meta } of writeBlocks(host, directory, samples, blockMs)) {
      host.logger.debug('Wrote a block', { ulid: meta?.ulid, rule: rule.name });
    }
    if (host.isTerminal) {
      const done = (100 * (part.endMs - range.startMs)) / (range.endMs - range.startMs);
      host.err(`\r${rule.name}: ${Math.floor(done)}%\x1b[K`);
    }
  }
  if (host.isTerminal) host.err('\r\x1b[K');
}

/** Evaluates everything; what fails is told and the rest goes on. Returns how many rules failed. */
async function importAll(run: Import, groups: readonly RuleGroupOptions[]): Promise<number> {
  const { host } = run;
  let failed = 0;
  for (const group of groups) {
    host.err(`level=info backfiller="processing group" name=${groupKey(group)}\n`);
    for (const [id, rule] of group.rules.entries()) {
      if (rule.kind !== 'recording') continue;
      host.err(`level=info backfiller="processing rule" id=${id} name=${rule.name}\n`);
      try {
        await importRule(run, group, rule);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        const why = error.message.replace(/^query error: /, 'query range: ');
        host.err(`rule importer error: ${why}\n`);
        failed++;
      }
    }
  }
  return failed;
}

async function backfillRules(values: CommandValues, host: CommandHost): Promise<number> {
  const groups = readGroups(values, host);
  const range = rangeOf(values, host);
  const directory = values.text('output-dir').replace(/(.)\/+$/, '$1');
  const server = serverUrl(values.text('url'));
  const shown = (ms: number): string => new Date(ms).toISOString().slice(0, 19).concat('Z');
  const { startMs, endMs } = range;
  const times = `start=${shown(startMs)} end=${shown(endMs)}`;
  host.err(`level=info backfiller="new rule importer" ${times}\n`);
  host.files.makeDirectorySync(directory);
  const http = host.createHttpClient({ followRedirects: true, enableHttp2: true });
  try {
    const failed = await importAll(
      { host, api: new QueryApi(http, server), directory, range },
      groups,
    );
    if (failed > 0) throw new CommandError('error importing rules');
    return 0;
  } finally {
    await http.close();
  }
}

export const backfillRulesCommand: Command = {
  words: ['tsdb', 'create-blocks-from', 'rules'],
  help: 'Create blocks of data for new recording rules.',
  flags: [
    { name: 'human-readable', short: 'r', kind: 'switch', help: 'Print human readable values.' },
    { name: 'quiet', short: 'q', kind: 'switch', help: 'Do not print created blocks.' },
    {
      name: 'url',
      kind: 'text',
      byDefault: 'http://localhost:9090',
      help: 'The URL for the Prometheus API with the data where the rule will be backfilled from.',
    },
    {
      name: 'start',
      kind: 'text',
      required: true,
      help: 'The time to start backfilling the new rule from. Must be a RFC3339 formatted date or Unix timestamp. Required.',
    },
    {
      name: 'end',
      kind: 'text',
      help: 'If an end time is provided, all recording rules in the rule files provided will be backfilled to the end time. Default will backfill up to 3 hours ago. Must be a RFC3339 formatted date or Unix timestamp.',
    },
    {
      name: 'output-dir',
      kind: 'text',
      byDefault: DEFAULT_PATH,
      help: 'Output directory for generated blocks.',
    },
    {
      name: 'eval-interval',
      kind: 'text',
      byDefault: '60s',
      help: 'How frequently to evaluate rules when backfilling if a value is not set in the recording rule files.',
    },
  ],
  args: [
    {
      name: 'rule-files',
      help: 'A list of one or more files containing recording rules to be backfilled. All recording rules listed in the files will be backfilled. Alerting rules are not evaluated.',
      required: true,
      repeated: true,
    },
  ],
  run: backfillRules,
};
