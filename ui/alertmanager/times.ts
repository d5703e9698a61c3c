// SPDX-License-Identifier: Apache-2.0
// In which zone times are shown and typed: that of who looks, or UTC.

import { useLocalStorage } from '@mantine/hooks';
import { createContext, useContext } from 'react';
import { formatTime, parseTimeText } from '../shared/format/times.ts';

export interface TimeZone {
  readonly isLocal: boolean;
  /** `Europe/Berlin`, `UTC`. */
  readonly name: string;
  /** `2026-11-24 22:04:05` */
  format(ms: number): string;
  /** The same with the zone, for where it does not stand beside. */
  formatWhole(ms: number): string;
  parse(text: string): number | undefined;
}

/** `UTC+1`, at that moment. */
function offsetName(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  const [sign, size] = minutes < 0 ? ['-', -minutes] : ['+', minutes];
  const rest = size % 60;
  return `UTC${sign}${Math.floor(size / 60)}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

export function timeZone(isLocal: boolean): TimeZone {
  const name = isLocal ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC';
  const isUtc = name === 'UTC';
  return {
    isLocal,
    name,
    format: (ms) => formatTime(ms, isLocal),
    formatWhole: (ms) => `${formatTime(ms, isLocal)} ${isUtc ? 'UTC' : offsetName(ms)}`,
    parse: (text) => parseTimeText(text, isLocal),
  };
}

export const TimeZoneContext = createContext<TimeZone>(timeZone(true));

export const useTimeZone = (): TimeZone => useContext(TimeZoneContext);

/** Upstream's names. */
export const weekStarts = ['Monday', 'Sunday', 'Saturday'] as const;
export type WeekStart = (typeof weekStarts)[number];

/** As `Date.getDay` counts. */
export const weekStartDay: Readonly<Record<WeekStart, number>> = {
  Sunday: 0,
  Monday: 1,
  Saturday: 6,
};

/** Kept as plain text under upstream's key. */
export function useWeekStart(): [WeekStart, (value: WeekStart) => void] {
  const [value, setValue] = useLocalStorage<WeekStart>({
    key: 'firstDayOfWeek',
    defaultValue: 'Monday',
    getInitialValueInEffect: false,
    serialize: (day) => day,
    deserialize: (text) => weekStarts.find((day) => day === text) ?? 'Monday',
  });
  return [value, setValue];
}

export function useLocalTimes(): [boolean, (value: boolean) => void] {
  const [value, setValue] = useLocalStorage<'local' | 'UTC'>({
    key: 'times',
    defaultValue: 'local',
    getInitialValueInEffect: false,
    serialize: (text) => text,
    deserialize: (text) => (text === 'UTC' ? 'UTC' : 'local'),
  });
  return [value === 'local', (isLocal) => setValue(isLocal ? 'local' : 'UTC')];
}
