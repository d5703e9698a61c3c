// SPDX-License-Identifier: Apache-2.0
// Alerting rules with their alerts, the firing ones first.

import './alerts.css';
import { SegmentedControl, Switch } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import type {
  AlertData,
  AlertingRuleData,
  RuleGroupData,
  RulesData,
} from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Fold } from '../../shared/components/fold.tsx';
import { LabelChips } from '../../shared/components/labels.tsx';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, SearchField } from '../../shared/components/page.tsx';
import { labelWithCount } from '../../shared/format/numbers.ts';
import { formatSpan } from '../../shared/format/times.ts';
import { useUrlFilter } from '../page-filter.ts';
import {
  type AlertState,
  countStates,
  filterGroups,
  isAlerting,
  stateOrder,
} from './rule-filter.ts';
import { Ago, ExpressionLink, NoRules } from './rule-parts.tsx';

const REFRESH_MS = 5000;

export const stateClass: Readonly<Record<AlertState, string>> = {
  firing: 'badge bad',
  pending: 'badge warn',
  inactive: 'badge ok',
  unknown: 'badge',
};

/** `1.5e+00` is 1.5; `+Inf` and `NaN` stay. */
const valueText = (text: string): string =>
  Number.isFinite(Number(text)) ? String(Number(text)) : text;

interface AlertRowsProps {
  readonly alerts: readonly AlertData[];
  readonly withAnnotations: boolean;
}

function AlertRows({ alerts, withAnnotations }: AlertRowsProps): ReactNode {
  return (
    <div className="table-scroll">
      <table className="plain alert-rows rows-fold">
        <thead>
          <tr>
            <th>Labels</th>
            <th>State</th>
            <th>Active since</th>
            <th className="right">Value</th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((alert) => (
            <tr key={JSON.stringify(alert.labels)}>
              <td>
                <LabelChips labels={alert.labels} />
                {withAnnotations && <Annotations annotations={alert.annotations} />}
              </td>
              <td>
                <span className={stateClass[alert.state]}>{alert.state}</span>
              </td>
              <td className="num">{alert.activeAt !== undefined && <Ago at={alert.activeAt} />}</td>
              <td className="right num">{valueText(alert.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Annotations({
  annotations,
}: {
  readonly annotations: AlertData['annotations'];
}): ReactNode {
  return (
    <dl className="annotations">
      {Object.entries(annotations).map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{/^https?:\/\/\S+$/.test(text) ? <a href={text}>{text}</a> : text}</dd>
        </div>
      ))}
    </dl>
  );
}

interface AlertingRuleCardProps {
  readonly rule: AlertingRuleData;
  readonly withAnnotations: boolean;
}

function AlertingRuleCard({ rule, withAnnotations }: AlertingRuleCardProps): ReactNode {
  const { alerts, duration, keepFiringFor } = rule;
  const times = [
    duration > 0 && `for ${formatSpan(duration * 1000)}`,
    keepFiringFor > 0 && `keeps firing for ${formatSpan(keepFiringFor * 1000)}`,
  ]
    .filter(Boolean)
    .join(', ');
  const side = (
    <>
      {alerts.length > 0 && <span className="dim num">{alerts.length}</span>}
      <span className={stateClass[rule.state]}>{rule.state}</span>
    </>
  );
  return (
    <Fold title={rule.name} side={side} initiallyOpen={rule.state === 'firing'}>
      {() => (
        <>
          <div className="rule-about">
            <ExpressionLink expr={rule.query} />
            {times !== '' && <div className="dim">{times}</div>}
            <LabelChips labels={rule.labels} />
            {withAnnotations && <Annotations annotations={rule.annotations} />}
          </div>
          {alerts.length > 0 && <AlertRows alerts={alerts} withAnnotations={withAnnotations} />}
        </>
      )}
    </Fold>
  );
}

/** How many rules of a group are in each state, whatever the filter shows; those with none left out. */
function StateCounts({ group }: { readonly group: RuleGroupData }): ReactNode {
  const counts = countStates([group]);
  const texts = stateOrder
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${state}`);
  return <span className="group-counts dim num">{texts.join(', ')}</span>;
}

const noGroups: readonly RuleGroupData[] = [];

export function AlertsPage(): ReactNode {
  const [state, setState] = useUrlFilter('state');
  const [search, setSearch] = useUrlFilter('search');
  const [annotations, setAnnotations] = useUrlFilter('annotations');
  const { data, error } = useApi<RulesData>('/rules', { type: 'alert' }, { refreshMs: REFRESH_MS });
  const groups = data?.groups ?? noGroups;
  const counts = useMemo(() => data && countStates(data.groups), [data]);
  const found = useMemo(() => {
    const states = state.split(',').filter(Boolean);
    return filterGroups(
      groups,
      search,
      (rule): rule is AlertingRuleData =>
        isAlerting(rule) && (states.length === 0 || states.includes(rule.state)),
    );
  }, [groups, search, state]);
  const total = counts && counts.firing + counts.pending + counts.inactive + counts.unknown;
  const choices = [
    { value: '', label: labelWithCount('All', total) },
    { value: 'firing', label: labelWithCount('Firing', counts?.firing) },
    { value: 'pending', label: labelWithCount('Pending', counts?.pending) },
    { value: 'inactive', label: labelWithCount('Inactive', counts?.inactive) },
  ];
  const tools = (
    <>
      <div className="grow" />
      <SegmentedControl
        size="xs"
        aria-label="State"
        data={choices}
        value={state}
        onChange={setState}
      />
      <Switch
        size="xs"
        label="Annotations"
        checked={annotations === '1'}
        onChange={(event) => setAnnotations(event.currentTarget.checked ? '1' : '')}
      />
      <SearchField value={search} onChange={setSearch} label="Filter by name or label" />
    </>
  );
  return (
    <Page title="Alerts" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the alerts" />}
      {data === undefined && error === null && <LoadingLines count={8} />}
      {data !== undefined && total === 0 && <NoRules kind="alerting rules" />}
      {total !== undefined && total > 0 && found.length === 0 && (
        <Empty title="No rule fits the filter" />
      )}
      {found.map(({ group, rules }) => (
        <section key={`${group.file} ${group.name}`}>
          <h2 className="group-title">
            {group.name} <span className="dim mono">{group.file}</span>
            <StateCounts group={group} />
          </h2>
          {[...rules]
            .sort((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state))
            .map((rule) => (
              <AlertingRuleCard
                key={rule.name + rule.query + JSON.stringify(rule.labels)}
                rule={rule}
                withAnnotations={annotations === '1'}
              />
            ))}
        </section>
      ))}
    </Page>
  );
}
