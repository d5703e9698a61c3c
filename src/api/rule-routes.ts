// SPDX-License-Identifier: Apache-2.0
// What the rules are and how they are doing.

import type {
  AlertData,
  AlertingRuleData,
  RecordingRuleData,
  RuleGroupData,
  RulesData,
} from '../apitypes/index.ts';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { md5 } from '../encoding/index.ts';
import type { Matcher } from '../model/index.ts';
import { compileRegexp, labelsToObject } from '../model/index.ts';
import { parseSelector } from '../promql/index.ts';
import type { Alert, RuleEntry, RuleGroup } from '../rules/index.ts';
import { AlertingRule, groupKey } from '../rules/index.ts';
import { formatScientific } from '../template/index.ts';
import { ApiError, invalidParameter, successAnswer } from './answers.ts';
import { parseRequestInteger } from './parameters.ts';
import type { ApiServices } from './services.ts';
import { timeText } from './time-text.ts';

type RuleData = AlertingRuleData | RecordingRuleData;

/** What a request wants to see. */
interface Wanted {
  readonly type: string;
  readonly names: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  readonly selectors: readonly (readonly Matcher[])[];
  readonly withAlerts: boolean;
}

function alertData(alert: Alert): AlertData {
  const { labels, annotations, state, activeAtMs, keepFiringSinceMs, value } = alert;
  return {
    labels: labelsToObject(labels),
    annotations,
    state,
    activeAt: timeText(activeAtMs),
    ...(keepFiringSinceMs === undefined ? {} : { keepFiringSince: timeText(keepFiringSinceMs) }),
    value: formatScientific(value),
  };
}

function ruleData(entry: RuleEntry, withAlerts: boolean): RuleData {
  const { rule, health, lastError, evaluationSeconds, lastEvaluationMs } = entry;
  const options = rule instanceof AlertingRule ? rule.options : rule;
  const base = {
    name: options.name,
    query: options.expression,
    labels: options.labels,
    health,
    ...(lastError === '' ? {} : { lastError }),
    evaluationTime: evaluationSeconds,
    lastEvaluation: timeText(lastEvaluationMs ?? 0),
  };
  if (!(rule instanceof AlertingRule)) return { ...base, type: 'recording' };
  return {
    state: lastEvaluationMs === undefined ? 'unknown' : rule.state,
    ...base,
    duration: rule.options.holdMs / 1000,
    keepFiringFor: rule.options.keepFiringMs / 1000,
    annotations: rule.options.annotations,
    alerts: withAlerts ? rule.activeAlerts.map(alertData) : [],
    type: 'alerting',
  };
}

function matches(
  labels: Readonly<Record<string, string>>,
  { name, type, value }: Matcher,
): boolean {
  const own = labels[name] ?? '';
  switch (type) {
    case '=':
      return own === value;
    case '!=':
      return own !== value;
    case '=~':
      return compileRegexp(value).test(own);
    default:
      return !compileRegexp(value).test(own);
  }
}

function wants(wanted: Wanted, { rule }: RuleEntry): boolean {
  const isAlert = rule instanceof AlertingRule;
  const { name, labels } = isAlert ? rule.options : rule;
  if (wanted.type === 'alert' ? !isAlert : wanted.type === 'record' && isAlert) return false;
  if (wanted.names.size > 0 && !wanted.names.has(name)) return false;
  if (wanted.selectors.length === 0) return true;
  return wanted.selectors.some((selector) => selector.every((matcher) => matches(labels, matcher)));
}

const list = (params: URLSearchParams, name: string): ReadonlySet<string> =>
  new Set([...params.getAll(`${name}[]`)]);

/** Names a group for the next page; opaque to clients. */
const tokenOf = (group: RuleGroup): string => {
  const digest = md5(new TextEncoder().encode(groupKey(group.options)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

export class RuleRoutes {
  private readonly services: ApiServices;

  constructor(services: ApiServices) {
    this.services = services;
  }

  alerts(): ServerResponse {
    const alerts = this.services
      .ruleGroups()
      .flatMap(({ entries }) => entries)
      .flatMap(({ rule }) =>
        rule instanceof AlertingRule ? rule.activeAlerts.map(alertData) : [],
      );
    return successAnswer({ alerts });
  }

  alertmanagers(): ServerResponse {
    const { active, dropped } = this.services.alertmanagers();
    const data = (urls: readonly string[]) => urls.map((url) => ({ url }));
    return successAnswer({
      activeAlertmanagers: data(active),
      droppedAlertmanagers: data(dropped),
    });
  }

  rules({ params }: ServerRequest): ServerResponse {
    const wanted = this.wanted(params);
    const { limit, token } = page(params);
    const groups: RuleGroupData[] = [];
    let reached = token === '';
    let groupNextToken: string | undefined;
    for (const group of this.services.ruleGroups()) {
      if (!reached) {
        if (tokenOf(group) !== token) continue;
        reached = true;
      }
      if (wanted.groups.size > 0 && !wanted.groups.has(group.options.name)) continue;
      if (wanted.files.size > 0 && !wanted.files.has(group.options.file)) continue;
      const rules = group.entries
        .filter((entry) => wants(wanted, entry))
        .map((entry) => ruleData(entry, wanted.withAlerts));
      // As upstream: filters on rules leave no empty groups behind.
      if (rules.length === 0 && (wanted.names.size > 0 || wanted.selectors.length > 0)) continue;
      if (limit > 0 && groups.length === limit) {
        groupNextToken = tokenOf(group);
        break;
      }
      groups.push(groupData(group, rules));
    }
    if (!reached) throw invalidParameter('group_next_token', 'group_next_token is stale');
    const answer: RulesData = {
      groups,
      ...(groupNextToken === undefined ? {} : { groupNextToken }),
    };
    return successAnswer(answer);
  }

  /** @throws ApiError */
  private wanted(params: URLSearchParams): Wanted {
    const type = (params.get('type') ?? '').toLowerCase();
    if (type !== '' && type !== 'alert' && type !== 'record')
      throw new ApiError('bad_data', `invalid parameter "type": not supported value "${type}"`);
    const exclude = (params.get('exclude_alerts') ?? '').toLowerCase();
    if (!['', 'true', 'false', '1', '0', 't', 'f'].includes(exclude)) {
      throw invalidParameter(
        'exclude_alerts',
        `converting exclude_alerts: not a boolean: "${exclude}"`,
      );
    }
    return {
      type,
      names: list(params, 'rule_name'),
      groups: list(params, 'rule_group'),
      files: list(params, 'file'),
      selectors: params.getAll('match[]').map((text) => selectorOf(text)),
      withAlerts: !['true', '1', 't'].includes(exclude),
    };
  }
}

function selectorOf(text: string): readonly Matcher[] {
  try {
    return parseSelector(text);
  } catch (error) {
    throw invalidParameter('match[]', error instanceof Error ? error.message : String(error));
  }
}

function page(params: URLSearchParams): { limit: number; token: string } {
  const token = params.get('group_next_token') ?? '';
  const text = params.get('group_limit') ?? '';
  if (text === '' && token !== '')
    throw invalidParameter(
      'group_limit',
      'group_limit needs to be set in order to paginate over the groups',
    );
  const limit = text === '' ? 0 : parseRequestInteger('group_limit', text);
  if (text !== '' && limit <= 0)
    throw invalidParameter('group_limit', 'group_limit needs to be greater than 0');
  return { limit, token };
}

function groupData(group: RuleGroup, rules: readonly RuleData[]): RuleGroupData {
  const { name, file, intervalMs, limit } = group.options;
  return {
    name,
    file,
    rules,
    interval: intervalMs / 1000,
    limit,
    evaluationTime: group.evaluationSeconds,
    lastEvaluation: timeText(group.lastEvaluationMs ?? 0),
  };
}
