// SPDX-License-Identifier: Apache-2.0
// The instruments of rules, under upstream's names.

import type { Registry } from '../metrics/index.ts';

const quantiles = [0.01, 0.05, 0.5, 0.9, 0.99];
const GROUP = ['rule_group'];

/** Registers them; once for a registry. */
export function createRuleMetrics(registry: Registry) {
  const gauge = (name: string, help: string) => registry.gaugeVec(name, help, GROUP);
  const counter = (name: string, help: string) => registry.counterVec(name, help, GROUP);
  return {
    evaluationDuration: registry.summary(
      'prometheus_rule_evaluation_duration_seconds',
      'The duration for a rule to execute.',
      { quantiles },
    ),
    groupDuration: registry.summary(
      'prometheus_rule_group_duration_seconds',
      'The duration of rule group evaluations.',
      { quantiles },
    ),
    iterations: counter(
      'prometheus_rule_group_iterations_total',
      'The total number of scheduled rule group evaluations, whether executed or missed.',
    ),
    iterationsMissed: counter(
      'prometheus_rule_group_iterations_missed_total',
      'The total number of rule group evaluations missed due to slow rule group evaluation.',
    ),
    evaluations: counter(
      'prometheus_rule_evaluations_total',
      'The total number of rule evaluations.',
    ),
    failures: counter(
      'prometheus_rule_evaluation_failures_total',
      'The total number of rule evaluation failures.',
    ),
    interval: gauge('prometheus_rule_group_interval_seconds', 'The interval of a rule group.'),
    lastEvaluation: gauge(
      'prometheus_rule_group_last_evaluation_timestamp_seconds',
      'The timestamp of the last rule group evaluation in seconds.',
    ),
    lastDuration: gauge(
      'prometheus_rule_group_last_duration_seconds',
      'The duration of the last rule group evaluation.',
    ),
    lastRuleDurationSum: gauge(
      'prometheus_rule_group_last_rule_duration_sum_seconds',
      'The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.',
    ),
    lastRestoreDuration: gauge(
      'prometheus_rule_group_last_restore_duration_seconds',
      'The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.',
    ),
    rules: gauge('prometheus_rule_group_rules', 'The number of rules.'),
    lastSamples: gauge(
      'prometheus_rule_group_last_evaluation_samples',
      'The number of samples returned during the last rule group evaluation.',
    ),
    expansions: registry.counter(
      'prometheus_template_text_expansions_total',
      'The total number of template text expansions.',
    ),
    expansionFailures: registry.counter(
      'prometheus_template_text_expansion_failures_total',
      'The total number of template text expansion failures.',
    ),
  };
}

export type RuleMetrics = ReturnType<typeof createRuleMetrics>;

/** Forgets a group that is gone. */
export function forgetGroup(metrics: RuleMetrics, key: string): void {
  for (const vec of [
    metrics.iterations,
    metrics.iterationsMissed,
    metrics.evaluations,
    metrics.failures,
  ])
    vec.remove(key);
  for (const vec of [
    metrics.interval,
    metrics.lastEvaluation,
    metrics.lastDuration,
    metrics.lastRuleDurationSum,
    metrics.lastRestoreDuration,
    metrics.rules,
    metrics.lastSamples,
  ])
    vec.remove(key);
}
