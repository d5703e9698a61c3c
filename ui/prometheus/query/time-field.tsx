// SPDX-License-Identifier: Apache-2.0
// A point in time with arrows at its sides: the end of a graph, the time of a table.

import { ActionIcon, CloseButton, TextInput } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { formatTime } from '../../shared/format/times.ts';
import { usePreferences } from '../settings.ts';
import { readTime } from './time-input.ts';

export interface TimeFieldProps {
  readonly label: string;
  /** undefined is now. */
  readonly timeMs: number | undefined;
  readonly onChange: (timeMs: number | undefined) => void;
  readonly onEarlier: () => void;
  readonly onLater: () => void;
}

export function TimeField(props: TimeFieldProps): ReactNode {
  const { label, timeMs, onChange, onEarlier, onLater } = props;
  const { useLocalTime } = usePreferences();
  const shown = timeMs === undefined ? '' : formatTime(timeMs, useLocalTime);
  const [draft, setDraft] = useState<string>();
  const [isWrong, setWrong] = useState(false);

  const commit = (): void => {
    if (draft === undefined || draft === shown) {
      setDraft(undefined);
      setWrong(false);
      return;
    }
    const read = readTime(draft, Date.now(), useLocalTime);
    setWrong(read === 'unreadable');
    if (read === 'unreadable') return;
    setDraft(undefined);
    onChange(read);
  };

  return (
    <fieldset className="joined" aria-label={label}>
      <ActionIcon variant="default" size={30} onClick={onEarlier} aria-label={`${label}: earlier`}>
        <IconChevronLeft size={16} />
      </ActionIcon>
      <TextInput
        size="xs"
        w={178}
        value={draft ?? shown}
        error={isWrong}
        aria-label={label}
        title={isWrong ? 'A time like 2026-11-24 22:04:05, or -2h, or now' : undefined}
        placeholder={`${label}: now`}
        rightSection={
          timeMs !== undefined && (
            <CloseButton size="xs" aria-label="Now" onClick={() => onChange(undefined)} />
          )
        }
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === 'Enter') commit();
          if (event.key === 'Escape') {
            setDraft(undefined);
            setWrong(false);
          }
        }}
      />
      <ActionIcon variant="default" size={30} onClick={onLater} aria-label={`${label}: later`}>
        <IconChevronRight size={16} />
      </ActionIcon>
    </fieldset>
  );
}
