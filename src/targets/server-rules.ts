// SPDX-License-Identifier: Apache-2.0
// Rule files feeding the rule manager, whose queries run on the workers before everybody else's.

import type { Clock, FileSystem, Logger } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { parseRuleFile } from '../config/index.ts';
import type { QueryStatistics, SyntaxFeatures } from '../promql/index.ts';
import { parseExpression, selectorsOf } from '../promql/index.ts';
import { CONCURRENT_RULES, queryFeatures } from './feature-flags.ts';
import { glob } from '../discovery/index.ts';
import type { Registry } from '../metrics/index.ts';
import { Histogram, labelsToObject } from '../model/index.ts';
import { WorkerError } from '../platform/index.ts';
import type {
  Alert,
  LastSample,
  RuleAnswer,
  RuleEvaluator,
  RuleGroupOptions,
  RuleQuery,
} from '../rules/index.ts';
import { createRuleMetrics, EvaluationSlots, RuleManager } from '../rules/index.ts';
import type { Appender } from '../storage/index.ts';
import type { QueryEngineParts } from './pooled-queries.ts';
import { partialStats } from './pooled-queries.ts';
import type { QueryLog } from './query-log.ts';
import type { QueryTicket } from './query-tracker.ts';
import type { QueryWorkerJob, RuleJob, RuleReply } from './query-worker.ts';
import type { ServerSettings } from './server-settings.ts';

/** A rule's expression that has no answer. */
class FailedRuleQuery extends Error {
  /** What it took; undefined when it was not begun. */
  readonly stats: QueryStatistics | undefined;
  constructor(message: string, stats: QueryStatistics | undefined) {
    super(message);
    this.stats = stats;
  }
}

/** Rules evaluated by the worker pool. */
class PooledRules implements RuleEvaluator {
  private readonly engine: QueryEngineParts;
  private readonly log: QueryLog;
  private readonly timeoutMs: number;
  private readonly defaultStepMs: () => number;

  constructor(
    engine: QueryEngineParts,
    log: QueryLog,
    timeoutMs: number,
    defaultStepMs: () => number,
  ) {
    this.engine = engine;
    this.log = log;
    this.timeoutMs = timeoutMs;
    this.defaultStepMs = defaultStepMs;
  }

  async evaluate(query: RuleQuery): Promise<RuleAnswer> {
    const answer = await this.runLogged(query);
    // On the way between threads an object keeps its fields but not its class.
    const samples = answer.samples.map((sample) =>
      sample.histogram === undefined
        ? sample
        : { ...sample, histogram: new Histogram(sample.histogram) },
    );
    return { ...answer, samples };
  }

  lastSamples(selector: string, timeMs: number, windowMs: number): Promise<readonly LastSample[]> {
    const job: RuleJob = { kind: 'lastSamples', selector, timeMs, windowMs };
    return this.run(job, selector) as Promise<readonly LastSample[]>;
  }

  private async runLogged(query: RuleQuery): Promise<RuleAnswer> {
    const { expression, timeMs, group } = query;
    const times = { startMs: timeMs, endMs: timeMs, stepMs: 0 };
    const entry = { query: expression, ...times, ruleGroup: group };
    try {
      const answer = await this.run({ kind: 'evaluate', query }, expression, group);
      const { stats, ...rest } = answer as RuleAnswer;
      this.log.write({ ...entry, stats: stats ?? partialStats(0, 0) });
      return rest;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const stats = error instanceof FailedRuleQuery ? error.stats : undefined;
      this.log.write({ ...entry, error: why, stats: stats ?? partialStats(0, 0) });
      throw error;
    }
  }

  private run(rule: RuleJob, query: string, ruleGroup?: RuleQuery['group']): Promise<unknown> {
    const what = { kind: 'rule', query, ...(ruleGroup === undefined ? {} : { ruleGroup }) };
    return this.engine.tracker.track(what, undefined, (ticket) => this.send(rule, ticket));
  }

  private async send(rule: RuleJob, { signal, onStart }: QueryTicket): Promise<unknown> {
    const request: QueryWorkerJob = { rule, defaultStepMs: this.defaultStepMs() };
    const { timeoutMs } = this;
    const options = { timeoutMs, priority: 'rules', signal, onStart } as const;
    let reply: RuleReply;
    try {
      reply = (await this.engine.pool.run(request, options)) as RuleReply;
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      throw new Error(error.message, { cause: error });
    }
    if (!reply.ok) throw new FailedRuleQuery(reply.message, reply.stats);
    return reply.answer;
  }
}

export interface Rules {
  readonly manager: RuleManager;
  /** Reads the rule files and runs what they say. @throws ConfigError, FileError: nothing has changed */
  apply(config: Config): Promise<void>;
  stop(): Promise<void>;
}

export interface RulesParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly settings: ServerSettings;
}

/** The groups of all rule files of a configuration, in order. @throws ConfigError, FileError */
export function readRuleGroups(
  config: Config,
  files: FileSystem,
  features: SyntaxFeatures,
): RuleGroupOptions[] {
  const { global } = config;
  const defaults = {
    features,
    evaluationIntervalMs: global.evaluationIntervalMs,
    queryOffsetMs: global.ruleQueryOffsetMs,
    names: global.metricNameValidationScheme,
  };
  return config.ruleFiles
    .flatMap((pattern) => glob(files, pattern))
    .flatMap((path) => [...parseRuleFile(files.readTextSync(path), path, defaults).groups]);
}

/** Ready to run rules; none run before the first `apply`. */
export function startRules(
  parts: RulesParts,
  engine: QueryEngineParts,
  log: QueryLog,
  appender: Appender,
  defaultStepMs: () => number,
  notify: (alerts: readonly Alert[], expression: string) => void,
): Rules {
  const { clock, files, registry, settings } = parts;
  const logger = parts.logger.child({ component: 'rule manager' });
  const isConcurrent = settings.features.includes(CONCURRENT_RULES);
  if (isConcurrent) logger.info('Experimental concurrent rule evaluation enabled.');
  const { engine: syntax } = queryFeatures(settings.features);
  const concurrency = {
    slots: new EvaluationSlots(settings.ruleConcurrencyMax),
    selectorsOf: (expression: string) => selectorsOf(parseExpression(expression, syntax)),
  };
  const manager = new RuleManager({
    clock,
    logger,
    appender,
    evaluator: new PooledRules(engine, log, settings.queryTimeoutMs, defaultStepMs),
    metrics: createRuleMetrics(registry),
    restore: {
      outageToleranceMs: settings.forOutageToleranceMs,
      gracePeriodMs: settings.forGracePeriodMs,
    },
    resendDelayMs: settings.resendDelayMs,
    externalUrl: settings.externalUrl,
    ...(isConcurrent ? { concurrency } : {}),
    notify,
  });
  return {
    manager,
    apply: (config) => {
      const groups = readRuleGroups(config, files, queryFeatures(settings.features).engine);
      return manager.update(groups, labelsToObject(config.global.externalLabels));
    },
    stop: () => manager.stop(),
  };
}
