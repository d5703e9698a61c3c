// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { memo, type ReactNode, useState } from 'react';
import type { ShownAlertGroup } from '../../../src/apitypes/index.ts';
import { plural } from '../../shared/format/numbers.ts';
import { AlertRow } from './alert-row.tsx';
import { LabelButtons } from './label-buttons.tsx';

const ROWS_STEP = 50;

export interface AlertGroupProps {
  readonly group: ShownAlertGroup;
  readonly nowMs: number;
  readonly initiallyOpen: boolean;
  readonly onPick: (name: string, value: string) => void;
  readonly onWhy: (fingerprint: string) => void;
}

/** A group as Alertmanager sends it: one notification. */
export const AlertGroup = memo(function AlertGroup(props: AlertGroupProps): ReactNode {
  const { group, nowMs, initiallyOpen, onPick, onWhy } = props;
  const [isOpen, setOpen] = useState(initiallyOpen);
  const [rows, setRows] = useState(ROWS_STEP);
  const { labels, alerts, receiver } = group;
  const left = alerts.length - rows;
  return (
    <section className="card alert-group">
      <div className="alert-group-head">
        <button
          type="button"
          className="plain-button fold-toggle"
          aria-expanded={isOpen}
          aria-label={isOpen ? 'Fold the group' : 'Show the alerts of the group'}
          onClick={() => setOpen(!isOpen)}
        >
          <IconChevronRight size={16} stroke={1.8} className="fold-arrow" aria-hidden />
        </button>
        {Object.keys(labels).length === 0 ? (
          <span className="dim">Not grouped</span>
        ) : (
          <LabelButtons labels={labels} onPick={onPick} />
        )}
        <span className="fold-side">
          {receiver.name !== '' && <span className="dim">to {receiver.name}</span>}
          <span className="badge bad num">{plural(alerts.length, 'alert')}</span>
        </span>
      </div>
      {isOpen && (
        <ul className="alert-list">
          {alerts.slice(0, rows).map((alert) => (
            <AlertRow
              key={alert.fingerprint}
              alert={alert}
              groupLabels={labels}
              nowMs={nowMs}
              onPick={onPick}
              onWhy={onWhy}
            />
          ))}
          {left > 0 && (
            <li className="alert-row">
              <Button size="xs" variant="default" onClick={() => setRows(rows + ROWS_STEP)}>
                Show {Math.min(left, ROWS_STEP)} of {left} more
              </Button>
            </li>
          )}
        </ul>
      )}
    </section>
  );
});
