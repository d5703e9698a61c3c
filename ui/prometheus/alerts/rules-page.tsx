// SPDX-License-Identifier: Apache-2.0
// All rules by group, with how their evaluation goes.

import './alerts.css';
import { SegmentedControl } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import type { RuleGroupData, RulesData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Fold } from '../../shared/components/fold.tsx';
import { LabelChips } from '../../shared/components/labels.tsx';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page, SearchField } from '../../shared/components/page.tsx';
import { plural } from '../../shared/format/numbers.ts';
import { formatSpan } from '../../shared/format/times.ts';
import { useUrlFilter } from '../page-filter.ts';
import { filterGroups, type Rule } from './rule-filter.ts';
import { Ago, ExpressionLink, NoRules } from './rule-parts.tsx';

const REFRESH_MS = 5000;

const healthClass = { ok: 'badge ok', err: 'badge bad', unknown: 'badge warn' } as const;

const healthChoices = [
  { value: '', label: 'All' },
  { value: 'ok', label: 'Ok' },
  { value: 'err', label: 'Failing' },
  { value: 'unknown', label: 'Unknown' },
];

function RuleRow({ rule }: { readonly rule: Rule }): ReactNode {
  return (
    <tr>
      <td>
        <div className="rule-name">
          {rule.name} <span className="dim">{rule.type}</span>
        </div>
        <ExpressionLink expr={rule.query} />
        {rule.type === 'alerting' && rule.duration > 0 && (
          <div className="dim">for {formatSpan(rule.duration * 1000)}</div>
        )}
        <LabelChips labels={rule.labels} />
        {rule.lastError !== undefined && rule.lastError !== '' && (
          <div className="rule-error">{rule.lastError}</div>
        )}
      </td>
      <td className="num rule-time">
        <Ago at={rule.lastEvaluation} />
      </td>
      <td className="num rule-time right">{formatSpan(rule.evaluationTime * 1000)}</td>
      <td className="rule-health">
        <span className={healthClass[rule.health]}>{rule.health}</span>
      </td>
    </tr>
  );
}

function RuleTable({ rules }: { readonly rules: readonly Rule[] }): ReactNode {
  return (
    <div className="table-scroll">
      <table className="plain rows-fold">
        <thead>
          <tr>
            <th>Rule</th>
            <th>Last evaluation</th>
            <th className="right">Duration</th>
            <th>Health</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <RuleRow key={rule.name + rule.query + JSON.stringify(rule.labels)} rule={rule} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function GroupSide({ group }: { readonly group: RuleGroupData }): ReactNode {
  const failing = group.rules.filter(({ health }) => health === 'err').length;
  return (
    <>
      <span className="dim num">
        every {formatSpan(group.interval * 1000)}, took {formatSpan(group.evaluationTime * 1000)}
      </span>
      {failing > 0 && <span className="badge bad">{failing} failing</span>}
      <span className="badge">{plural(group.rules.length, 'rule')}</span>
    </>
  );
}

const noGroups: readonly RuleGroupData[] = [];

export function RulesPage(): ReactNode {
  const [health, setHealth] = useUrlFilter('health');
  const [search, setSearch] = useUrlFilter('search');
  const { data, error } = useApi<RulesData>('/rules', {}, { refreshMs: REFRESH_MS });
  const groups = data?.groups ?? noGroups;
  const found = useMemo(() => {
    const wanted = health.split(',').filter(Boolean);
    return filterGroups(
      groups,
      search,
      (rule): rule is Rule => wanted.length === 0 || wanted.includes(rule.health),
    );
  }, [groups, search, health]);
  const tools = (
    <>
      <div className="grow" />
      <SegmentedControl
        size="xs"
        aria-label="Health"
        data={healthChoices}
        value={health}
        onChange={setHealth}
      />
      <SearchField value={search} onChange={setSearch} label="Filter by name or label" />
    </>
  );
  return (
    <Page title="Rules" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the rules" />}
      {data === undefined && error === null && <LoadingLines count={8} />}
      {data !== undefined && groups.length === 0 && <NoRules kind="rules" />}
      {groups.length > 0 && found.length === 0 && <Empty title="No rule fits the filter" />}
      {found.map(({ group, rules }) => (
        <Fold
          key={`${group.file} ${group.name}`}
          title={
            <>
              {group.name} <span className="dim mono">{group.file}</span>
            </>
          }
          side={<GroupSide group={group} />}
          initiallyOpen
        >
          {() => <RuleTable rules={rules} />}
        </Fold>
      ))}
    </Page>
  );
}
