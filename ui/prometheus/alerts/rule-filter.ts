// SPDX-License-Identifier: Apache-2.0
import { fits } from '../targets/pools.ts';
import type { AlertingRule, AlertState, Rule, RuleGroup } from './rule-types.ts';

/** What needs a look first. */
export const stateOrder: readonly AlertState[] = ['firing', 'pending', 'unknown', 'inactive'];

const textOf = (group: RuleGroup, rule: Rule): string =>
  [group.name, group.file, rule.name, rule.query, ...Object.entries(rule.labels ?? {}).flat()].join(
    ' ',
  );

/** Groups with the rules that `keep` takes and the words of `search` fit; none without rules. */
export function filterGroups<Kept extends Rule>(
  groups: readonly RuleGroup[],
  search: string,
  keep: (rule: Rule) => rule is Kept,
): { readonly group: RuleGroup; readonly rules: readonly Kept[] }[] {
  return groups
    .map((group) => ({
      group,
      rules: group.rules.filter(keep).filter((rule) => fits(search, () => textOf(group, rule))),
    }))
    .filter(({ rules }) => rules.length > 0);
}

export const isAlerting = (rule: Rule): rule is AlertingRule => rule.type === 'alerting';

/** Alerting rules per state. */
export function countStates(groups: readonly RuleGroup[]): Record<AlertState, number> {
  const counts = { firing: 0, pending: 0, inactive: 0, unknown: 0 };
  for (const group of groups)
    for (const rule of group.rules) if (isAlerting(rule)) counts[rule.state] += 1;
  return counts;
}
