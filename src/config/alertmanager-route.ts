// SPDX-License-Identifier: Apache-2.0
// `route`: the routing tree.

import type { RouteOptions } from '../alertmanager/index.ts';
import { MatcherSyntaxError, parseMatchers } from '../alertmanager/index.ts';
import { compileRegexp, isValidLabelName, type Matcher, quote } from '../model/index.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** Names that a tree may refer to, checked once everything is read. */
export interface RouteReferences {
  readonly receivers: [name: string, at: YamlValue][];
  readonly intervals: [name: string, at: YamlValue][];
}

const GROUP_BY_ALL = '...';

/** Deprecated `match` (texts) and `match_re` (patterns), and `matchers`, under their keys. */
export function readMatchers(
  mapping: YamlMapping,
  keys: { readonly equal: string; readonly regexp: string; readonly list: string },
): Matcher[] {
  const matchers: Matcher[] = [];
  for (const [key, type] of [
    [keys.equal, '='],
    [keys.regexp, '=~'],
  ] as const) {
    const value = mapping.get(key);
    for (const [name, text] of value?.textEntries() ?? []) {
      if (!isValidLabelName(name, 'utf8')) value?.fail(`invalid label name ${quote(name)}`);
      if (type === '=~') value?.attempt(() => compileRegexp(text));
      matchers.push({ name, type, value: text });
    }
  }
  for (const item of mapping.get(keys.list)?.items() ?? []) {
    const text = item.text();
    if (text === undefined) continue;
    try {
      for (const matcher of parseMatchers(text)) matchers.push(matcher);
    } catch (error) {
      if (!(error instanceof MatcherSyntaxError)) throw error;
      item.fail(error.message);
    }
  }
  return matchers;
}

function readGroupBy(value: YamlValue | undefined): Pick<RouteOptions, 'groupBy' | 'groupByAll'> {
  if (value === undefined) return { groupBy: undefined, groupByAll: false };
  const names: string[] = [];
  let groupByAll = false;
  for (const item of value.items()) {
    const name = item.text();
    if (name === undefined) continue;
    if (name === GROUP_BY_ALL) groupByAll = true;
    else if (!isValidLabelName(name, 'utf8'))
      item.fail(`invalid label name ${quote(name)} in group_by list`);
    else if (names.includes(name)) item.fail(`duplicated label ${quote(name)} in group_by`);
    names.push(name);
  }
  if (groupByAll && names.length > 1)
    value.fail("cannot have wildcard group_by ('...') and other labels at the same time");
  return groupByAll ? { groupBy: undefined, groupByAll } : { groupBy: names, groupByAll };
}

function readPositive(mapping: YamlMapping, key: string): number | undefined {
  const value = mapping.get(key);
  const ms = value?.duration();
  if (ms === 0) value?.fail(`${key} cannot be zero`);
  return ms;
}

function readIntervals(mapping: YamlMapping, key: string, references: RouteReferences): string[] {
  return (mapping.get(key)?.items() ?? []).flatMap((item) => {
    const name = item.text();
    if (name === undefined) return [];
    references.intervals.push([name, item]);
    return [name];
  });
}

/** Reads a node and all below it. Nesting is bounded by the YAML reader's own depth. */
export function readRoute(value: YamlValue, references: RouteReferences, depth = 0): RouteOptions {
  const mapping = new YamlMapping(value);
  const receiverValue = mapping.get('receiver');
  const receiver = receiverValue?.text() || undefined;
  if (receiver !== undefined && receiverValue !== undefined)
    references.receivers.push([receiver, receiverValue]);
  // Also `group_by: []` says something: no inheritance.
  const groupBy = readGroupBy(mapping.getOrNull('group_by'));
  const keys = { equal: 'match', regexp: 'match_re', list: 'matchers' };
  if (depth > 100) value.fail('routes are nested deeper than 100 levels');
  const children = depth > 100 ? [] : (mapping.get('routes')?.items() ?? []);
  const options: RouteOptions = {
    receiver,
    ...groupBy,
    matchers: readMatchers(mapping, keys),
    continues: mapping.boolean('continue') ?? false,
    routes: children.map((child) => readRoute(child, references, depth + 1)),
    groupWaitMs: mapping.duration('group_wait'),
    groupIntervalMs: readPositive(mapping, 'group_interval'),
    repeatIntervalMs: readPositive(mapping, 'repeat_interval'),
    muteTimeIntervals: readIntervals(mapping, 'mute_time_intervals', references),
    activeTimeIntervals: readIntervals(mapping, 'active_time_intervals', references),
    labels: Object.fromEntries(mapping.get('labels')?.textEntries() ?? []),
  };
  mapping.finish();
  return options;
}

/** What the root may not have: it takes everything, always. */
export function checkRoot(route: RouteOptions, value: YamlValue): void {
  if (route.receiver === undefined) value.fail('root route must specify a default receiver');
  if (route.matchers.length > 0) value.fail('root route must not have any matchers');
  if (route.muteTimeIntervals.length > 0)
    value.fail('root route must not have any mute time intervals');
  if (route.activeTimeIntervals.length > 0)
    value.fail('root route must not have any active time intervals');
  if (route.continues) value.fail('cannot have continue in root route');
}
