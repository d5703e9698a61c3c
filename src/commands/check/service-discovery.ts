// SPDX-License-Identifier: Apache-2.0
// `promtool check service-discovery`: what the discovery of a job finds, and what relabelling makes of
// it. Ends when everything has answered, at the latest after the timeout.

import { ConfigError, parseConfig, type ScrapeJob } from '../../config/index.ts';
import {
  createDiscoveryMetrics,
  DiscoveryManager,
  type TargetGroup,
} from '../../discovery/index.ts';
import { Registry } from '../../metrics/index.ts';
import { type Labels, labelsToObject } from '../../model/index.ts';
import { makeTarget } from '../../scrape/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { parseGoDuration } from '../go-text.ts';
import { issueText } from './rules.ts';

interface Found {
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly error?: string;
}

function jobOf(values: CommandValues, host: CommandHost): ScrapeJob {
  const path = values.text('config-file');
  const name = values.text('job');
  let jobs: readonly ScrapeJob[];
  try {
    const { environment, files } = host;
    ({ jobs } = parseConfig(files.readTextSync(path), { fileName: path, files, environment }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const issues = error.issues.map((issue) => `  ${issueText(issue)}`).join('\n');
    throw new CommandError(`Cannot load config parsing YAML file ${path}:\n${issues}`);
  }
  const job = jobs.find(({ scrape }) => scrape.jobName === name);
  if (job !== undefined) return job;
  const names = jobs.map(({ scrape }) => `\t${scrape.jobName}`).join('\n');
  throw new CommandError(`Job ${name} not found. Select one of:\n${names}`);
}

/** The groups of a job once all its discovery has answered, or what there is of them by then. */
async function discover(
  { scrape, discovery }: ScrapeJob,
  timeoutMs: number,
  host: CommandHost,
): Promise<readonly TargetGroup[]> {
  const { clock, files, logger } = host;
  let known: readonly TargetGroup[] = [];
  let done = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    done = resolve;
  });
  const manager = new DiscoveryManager({
    clock,
    files,
    logger,
    metrics: createDiscoveryMetrics(new Registry({ clock })),
    createHttpClient: (options) => host.createHttpClient(options),
    userAgent: 'Prometheus/promtool',
    name: 'check',
    onUpdate: (_, groups) => {
      known = groups;
      done();
    },
  });
  const timer = clock.setTimer(timeoutMs, done);
  manager.applyConfig(new Map([[scrape.jobName, discovery]]));
  await answered;
  timer.cancel();
  await manager.stop();
  return known;
}

function foundOf(target: Labels, group: TargetGroup, { scrape }: ScrapeJob): Found {
  const outcome = makeTarget(target, group.labels, scrape);
  switch (outcome.kind) {
    case 'target': {
      const { discoveredLabels, allLabels } = outcome.target;
      return {
        discoveredLabels: labelsToObject(discoveredLabels),
        labels: labelsToObject(allLabels),
      };
    }
    case 'dropped':
      return { discoveredLabels: labelsToObject(outcome.discoveredLabels), labels: {} };
    case 'invalid':
      return {
        discoveredLabels: labelsToObject(outcome.discoveredLabels),
        labels: {},
        error: outcome.message,
      };
  }
}

/** As Go writes it: some characters escaped, no line break at the end. */
const goIndented = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export const checkServiceDiscoveryCommand: Command = {
  words: ['check', 'service-discovery'],
  help: 'Perform service discovery for the given job name and report the results, including relabeling.',
  flags: [
    {
      name: 'timeout',
      kind: 'text',
      byDefault: '30s',
      help: 'The time to wait for discovery results.',
    },
  ],
  args: [
    { name: 'config-file', help: 'The prometheus config file.', required: true },
    { name: 'job', help: 'The job to run service discovery for.', required: true },
  ],
  run: async (values, host) => {
    const timeoutMs = parseGoDuration(values.text('timeout'));
    const path = values.text('config-file');
    if (!host.files.existsSync(path)) {
      throw new CommandError(`promtool: error: path '${path}' does not exist, try --help`);
    }
    const job = jobOf(values, host);
    const groups = await discover(job, timeoutMs, host);
    const seen = new Set<string>();
    const found: Found[] = [];
    for (const group of groups)
      for (const target of group.targets) {
        const each = foundOf(target, group, job);
        const text = JSON.stringify(each);
        if (!seen.has(text)) found.push(each);
        seen.add(text);
      }
    host.out(goIndented(found));
    return 0;
  },
};
