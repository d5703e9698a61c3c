// SPDX-License-Identifier: Apache-2.0
// A point in time: typed, or picked from a calendar with the time of day beside it.

import { ActionIcon, Popover, TextInput } from '@mantine/core';
import { IconCalendar, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useTimeZone, useWeekStart, weekStartDay } from '../times.ts';
import { type CalendarDay, dateText, dayNames, weeksOf } from './month.ts';

interface CalendarProps {
  /** `2026-11-24` */
  readonly picked: string;
  readonly today: string;
  readonly onPick: (date: string) => void;
}

function Calendar({ picked, today, onPick }: CalendarProps): ReactNode {
  const [weekStart] = useWeekStart();
  const start = weekStartDay[weekStart];
  const [shown, setShown] = useState(() => {
    const [year = 1970, month = 1] = picked.split('-').map(Number);
    return { year, month: month - 1 };
  });
  const { year, month } = shown;
  const turn = (months: number): void => {
    const date = new Date(Date.UTC(year, month + months, 1));
    setShown({ year: date.getUTCFullYear(), month: date.getUTCMonth() });
  };
  const title = new Date(Date.UTC(year, month, 1)).toLocaleDateString('en', {
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  const classOf = (day: CalendarDay): string =>
    [
      'calendar-day',
      day.month === month ? '' : 'other',
      dateText(day) === picked ? 'picked' : '',
      dateText(day) === today ? 'today' : '',
    ].join(' ');
  return (
    <div className="calendar">
      <div className="calendar-head">
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Month before"
          onClick={() => turn(-1)}
        >
          <IconChevronLeft size={16} />
        </ActionIcon>
        <span aria-live="polite">{title}</span>
        <ActionIcon variant="subtle" color="gray" aria-label="Next month" onClick={() => turn(1)}>
          <IconChevronRight size={16} />
        </ActionIcon>
      </div>
      <table>
        <thead>
          <tr>
            {dayNames(start).map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeksOf(year, month, start).map((week) => (
            <tr key={week.map(dateText).join()}>
              {week.map((day) => (
                <td key={dateText(day)}>
                  <button
                    type="button"
                    className={classOf(day)}
                    aria-label={dateText(day)}
                    aria-pressed={dateText(day) === picked}
                    onClick={() => onPick(dateText(day))}
                  >
                    {day.day}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export interface MomentFieldProps {
  readonly label: string;
  /** As the time zone's `format` writes it; anything while it is typed. */
  readonly value: string;
  readonly error: string | undefined;
  readonly placeholder?: string;
  readonly onChange: (text: string) => void;
  /** When typing is over: Enter, or the field is left. */
  readonly onCommit?: (text: string) => void;
}

export function MomentField(props: MomentFieldProps): ReactNode {
  const { label, value, error, placeholder, onChange, onCommit } = props;
  const zone = useTimeZone();
  const ms = zone.parse(value) ?? Math.floor(Date.now() / 1000) * 1000;
  const [date = '', time = ''] = zone.format(ms).split(' ');
  const [today = ''] = zone.format(Date.now()).split(' ');
  const pick = (text: string): void => {
    onChange(text);
    onCommit?.(text);
  };
  return (
    <TextInput
      size="sm"
      w={220}
      label={`${label} (${zone.name})`}
      placeholder={placeholder ?? ''}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
      onBlur={() => onCommit?.(value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onCommit?.(value);
      }}
      rightSection={
        <Popover position="bottom-end" withArrow shadow="md" trapFocus returnFocus>
          <Popover.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`${label}: calendar`}>
              <IconCalendar size={16} stroke={1.7} />
            </ActionIcon>
          </Popover.Target>
          <Popover.Dropdown>
            <Calendar picked={date} today={today} onPick={(day) => pick(`${day} ${time}`)} />
            <label className="calendar-time">
              Time of day
              <input
                type="time"
                step={1}
                value={time.slice(0, 8)}
                onChange={(event) => {
                  const text = event.currentTarget.value;
                  if (text !== '') pick(`${date} ${text.length === 5 ? `${text}:00` : text}`);
                }}
              />
            </label>
          </Popover.Dropdown>
        </Popover>
      }
    />
  );
}
