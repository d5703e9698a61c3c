// SPDX-License-Identifier: Apache-2.0
export {
  type Alert,
  AlertingRule,
  type AlertState,
  type RestoreWindow,
  RuleError,
} from './alerting-rule.ts';
export {
  answerLastSamples,
  answerRule,
  pathOf,
  type RuleBackend,
  templateQuery,
} from './answer-rule.ts';
export { EvaluationSlots } from './dependencies.ts';
export type {
  AlertTemplates,
  LastSample,
  RuleAnswer,
  RuleEvaluator,
  RuleQuery,
  RuleSample,
} from './evaluator.ts';
export {
  hashedOffset,
  type RuleContext,
  type RuleEntry,
  RuleGroup,
  type RuleHealth,
} from './group.ts';
export { createRuleMetrics, type RuleMetrics } from './metrics.ts';
export * from './options.ts';
export { RuleManager } from './rule-manager.ts';
