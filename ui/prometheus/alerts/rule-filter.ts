// SPDX-License-Identifier: Apache-2.0
import type {
  AlertingRuleData,
  RecordingRuleData,
  RuleGroupData,
} from '../../../src/apitypes/index.ts';
import { fits } from '../targets/pools.ts';

export type Rule = AlertingRuleData | RecordingRuleData;
export type AlertState = AlertingRuleData['state'];

/** What needs a look first. */
export const stateOrder: readonly AlertState[] = ['firing', 'pending', 'unknown', 'inactive'];

const textOf = (group: RuleGroupData, rule: Rule): string =>
  [group.name, group.file, rule.name, rule.query, ...Object.entries(rule.labels ?? {}).flat()].join(
    ' ',
  );

/** Groups with the rules that `keep` takes and the words of `search` fit; none without rules. */
export function filterGroups<Kept extends Rule>(
  groups: readonly RuleGroupData[],
  search: string,
  keep: (rule: Rule) => rule is Kept,
): { readonly group: RuleGroupData; readonly rules: readonly Kept[] }[] {
  return groups
    .map((group) => ({
      group,
      rules: group.rules.filter(keep).filter((rule) => fits(search, () => textOf(group, rule))),
    }))
    .filter(({ rules }) => rules.length > 0);
}

export const isAlerting = (rule: Rule): rule is AlertingRuleData => rule.type === 'alerting';

/** Alerting rules per state. */
export function countStates(groups: readonly RuleGroupData[]): Record<AlertState, number> {
  const counts = { firing: 0, pending: 0, inactive: 0, unknown: 0 };
  for (const group of groups)
    for (const rule of group.rules) if (isAlerting(rule)) counts[rule.state] += 1;
  return counts;
}
