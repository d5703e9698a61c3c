// SPDX-License-Identifier: Apache-2.0
// What the alerts page is asked to show, as upstream's addresses say it.

import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router-dom';
import type { ShownAlert, ShownAlertGroup } from '../../../src/apitypes/index.ts';
import { type Matcher, quoteRegexp } from '../../../src/model/index.ts';
import type { Parameters } from '../alertmanager-api.ts';
import { filterParameters, filterText, readMatchers } from '../matchers.ts';

export const switchNames = ['silenced', 'inhibited', 'muted', 'active'] as const;
export type SwitchName = (typeof switchNames)[number];

export interface AlertFilter {
  readonly matchers: readonly Matcher[];
  /** Why the address's `filter` cannot be read. */
  readonly problem: string | undefined;
  readonly receiver: string;
  readonly shows: Readonly<Record<SwitchName, boolean>>;
  /** Labels to group by instead of the groups of the routes; none: as Alertmanager groups. */
  readonly groupBy: readonly string[];
  /** Fingerprint of the alert whose story is open; '' = none. */
  readonly why: string;
}

export function readAlertFilter(search: URLSearchParams): AlertFilter {
  const read = readMatchers(search.get('filter') ?? '');
  const isOn = (name: SwitchName): boolean =>
    (search.get(name) ?? String(name === 'active')) !== 'false' && search.get(name) !== '0';
  const group = search.get('group') ?? '';
  return {
    matchers: typeof read === 'string' ? [] : read,
    problem: typeof read === 'string' ? read : undefined,
    receiver: search.get('receiver') ?? '',
    shows: {
      silenced: isOn('silenced'),
      inhibited: isOn('inhibited'),
      muted: isOn('muted'),
      active: isOn('active'),
    },
    groupBy: [...new Set(group.split(',').map((name) => name.trim()))].filter(Boolean),
    why: search.get('why') ?? '',
  };
}

/** Parameters of /alerts/groups. */
export const alertParameters = ({ matchers, receiver, shows }: AlertFilter): Parameters => [
  ...filterParameters(matchers),
  ...switchNames.map((name) => [name, String(shows[name])] as const),
  ...(receiver === '' ? [] : [['receiver', quoteRegexp(receiver)] as const]),
];

/** The filter in the address, and a function that changes one of its parameters ('' = the default). */
export function useAlertFilter() {
  const [search, setSearch] = useSearchParams();
  const filter = useMemo(() => readAlertFilter(search), [search]);
  const set = useCallback(
    (name: string, value: string): void =>
      setSearch(
        (old) => {
          const next = new URLSearchParams(old);
          if (value === '') next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: name !== 'why' },
      ),
    [setSearch],
  );
  const setMatchers = useCallback(
    (matchers: readonly Matcher[]): void => set('filter', filterText(matchers)),
    [set],
  );
  return { filter, set, setMatchers };
}

/** Groups of alerts with the same values of these labels; an alert of several routes stands once. */
export function regroup(
  groups: readonly ShownAlertGroup[],
  names: readonly string[],
): ShownAlertGroup[] {
  const seen = new Set<string>();
  const made = new Map<string, { labels: Record<string, string>; alerts: ShownAlert[] }>();
  for (const alert of groups.flatMap(({ alerts }) => alerts)) {
    if (seen.has(alert.fingerprint)) continue;
    seen.add(alert.fingerprint);
    const pairs = names.flatMap((name) => {
      const value = alert.labels[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const key = JSON.stringify(pairs);
    const group = made.get(key) ?? { labels: Object.fromEntries(pairs), alerts: [] };
    group.alerts.push(alert);
    made.set(key, group);
  }
  return [...made.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => ({ ...group, receiver: { name: '' } }));
}

/** `name="value"` of what is shown: completions of the filter. */
export function labelSuggestions(groups: readonly ShownAlertGroup[], max = 200): string[] {
  const found = new Set<string>();
  for (const { alerts } of groups)
    for (const { labels } of alerts)
      for (const [name, value] of Object.entries(labels)) {
        found.add(`${name}=${JSON.stringify(value)}`);
        if (found.size >= max) return [...found].sort();
      }
  return [...found].sort();
}
