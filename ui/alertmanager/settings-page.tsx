// SPDX-License-Identifier: Apache-2.0
// What this browser remembers: in which zone times are, when weeks begin, who makes silences.

import { SegmentedControl, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { Page } from '../shared/components/page.tsx';
import { CREATOR_KEY } from './silences/silence-form.tsx';
import { timeZone, useLocalTimes, useWeekStart, type WeekStart, weekStarts } from './times.ts';

function Choice({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div>
      <div className="form-label">{title}</div>
      {children}
    </div>
  );
}

export function SettingsPage(): ReactNode {
  const [isLocal, setLocal] = useLocalTimes();
  const [weekStart, setWeekStart] = useWeekStart();
  const [creator, setCreator] = useLocalStorage({
    key: CREATOR_KEY,
    defaultValue: '',
    getInitialValueInEffect: false,
    serialize: (text) => text,
    deserialize: (text) => text ?? '',
  });
  const local = timeZone(true).name;
  return (
    <Page title="Settings">
      <section className="card form-card settings-card">
        <p className="dim">They are kept in this browser and change nothing for others.</p>
        <Choice title="Times are shown and typed in">
          <SegmentedControl
            aria-label="Times"
            value={isLocal ? 'local' : 'UTC'}
            onChange={(value) => setLocal(value === 'local')}
            data={[
              { value: 'local', label: local === 'UTC' ? 'local time' : local },
              { value: 'UTC', label: 'UTC' },
            ]}
          />
        </Choice>
        <Choice title="Weeks begin on">
          <SegmentedControl
            aria-label="First day of the week"
            value={weekStart}
            onChange={(value) => setWeekStart(value as WeekStart)}
            data={[...weekStarts]}
          />
        </Choice>
        <TextInput
          size="sm"
          maw={420}
          label="Creator of new silences"
          placeholder="your name"
          value={creator}
          onChange={(event) => setCreator(event.currentTarget.value)}
        />
      </section>
    </Page>
  );
}
