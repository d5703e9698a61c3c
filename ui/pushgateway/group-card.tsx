// SPDX-License-Identifier: Apache-2.0
// One group: labels and state in its head, families below, metrics below those.

import { ActionIcon, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconChevronRight, IconClock, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PushedFamily, PushedGroup } from '../../src/apitypes/index.ts';
import { plural } from '../shared/format/numbers.ts';
import { formatAgo, formatSpan, formatTime } from '../shared/format/times.ts';
import { FamilyMetrics } from './family-metrics.tsx';
import { GroupLabels } from './group-labels.tsx';
import { useOpened } from './use-opened.ts';

/** Families that every group has: their content is in the group's head. */
const bookkeeping: ReadonlySet<string> = new Set([
  'push_time_seconds',
  'push_failure_time_seconds',
]);

interface FamilyRowProps {
  readonly group: PushedGroup;
  readonly family: PushedFamily;
  readonly nowMs: number;
}

function FamilyRow({ group, family, nowMs }: FamilyRowProps): ReactNode {
  const [isOpen, toggle] = useOpened(`${group.path} ${family.name}`);
  const { name, type, help, pushedMs, metricCount } = family;
  return (
    <li className="family">
      <button
        type="button"
        className="plain-button family-head"
        aria-expanded={isOpen}
        onClick={toggle}
      >
        <IconChevronRight size={14} stroke={1.8} className="fold-arrow" aria-hidden />
        <span className="family-name mono">{name}</span>
        <span className="badge">{type}</span>
        <span className="family-help dim">{help}</span>
        <span className="family-side dim num">
          {plural(metricCount, 'metric')} · {formatAgo(pushedMs, nowMs)}
        </span>
      </button>
      {isOpen && (
        <div className="family-body">
          <FamilyMetrics group={group} family={family} />
        </div>
      )}
    </li>
  );
}

/** The lifetime left is short below this. */
const SOON_MS = 60_000;

function State({
  group,
  nowMs,
}: {
  readonly group: PushedGroup;
  readonly nowMs: number;
}): ReactNode {
  const { lastPushSuccessful, lastFailureMs, lastPushMs, expiresMs } = group;
  const leftMs = expiresMs - nowMs;
  return (
    <span className="group-state">
      {!lastPushSuccessful && (
        <Tooltip label={`Refused at ${formatTime(lastFailureMs)} UTC`} withArrow>
          <span className="badge bad">
            <IconAlertTriangle size={13} aria-hidden /> Last push failed
          </span>
        </Tooltip>
      )}
      {expiresMs > 0 && (
        <Tooltip
          label={`Goes away at ${formatTime(expiresMs)} UTC unless it is pushed again`}
          withArrow
        >
          <span className={`badge num${leftMs < SOON_MS ? ' warn' : ''}`}>
            <IconClock size={13} aria-hidden />
            {leftMs > 0 ? `${formatSpan(Math.ceil(leftMs / 1000) * 1000)} left` : 'expiring'}
          </span>
        </Tooltip>
      )}
      <Tooltip
        label={lastPushMs === 0 ? 'No push has succeeded yet' : `${formatTime(lastPushMs)} UTC`}
        withArrow
      >
        <span className="dim num group-time">
          {lastPushMs === 0 ? 'never pushed' : `pushed ${formatAgo(lastPushMs, nowMs)}`}
        </span>
      </Tooltip>
    </span>
  );
}

export interface GroupCardProps {
  readonly group: PushedGroup;
  readonly nowMs: number;
  readonly onDelete: (group: PushedGroup) => void;
}

export function GroupCard({ group, nowMs, onDelete }: GroupCardProps): ReactNode {
  const [isOpen, toggle] = useOpened(group.path);
  const families = group.families.filter(({ name }) => !bookkeeping.has(name));
  const shown = families.concat(group.families.filter(({ name }) => bookkeeping.has(name)));
  return (
    <section
      className="card group"
      aria-label={group.labels.map((pair) => pair.join('=')).join(' ')}
    >
      <div className="group-head">
        <button
          type="button"
          className="plain-button group-button"
          aria-expanded={isOpen}
          onClick={toggle}
        >
          <IconChevronRight size={16} stroke={1.8} className="fold-arrow" aria-hidden />
          <GroupLabels labels={group.labels} />
          <span className="dim group-count">
            {families.length === 0 ? 'no metrics' : plural(families.length, 'family', 'families')}
          </span>
          <State group={group} nowMs={nowMs} />
        </button>
        <Tooltip label="Delete this group" withArrow>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="md"
            aria-label="Delete this group"
            onClick={() => onDelete(group)}
          >
            <IconTrash size={16} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      </div>
      {isOpen && (
        <ul className="families">
          {shown.map((family) => (
            <FamilyRow key={family.name} group={group} family={family} nowMs={nowMs} />
          ))}
        </ul>
      )}
    </section>
  );
}
