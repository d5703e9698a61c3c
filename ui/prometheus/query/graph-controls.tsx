// SPDX-License-Identifier: Apache-2.0
import { ActionIcon, SegmentedControl, Select, Switch, TextInput } from '@mantine/core';
import { IconMinus, IconPlus } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { formatDuration } from '../../../src/model/index.ts';
import type { Panel, QueryStore } from './query-store.ts';
import { fixedSteps, longerRange, shiftedEnd, shorterRange } from './range.ts';
import { TimeField } from './time-field.tsx';
import { readDuration } from './time-input.ts';
import type { Density, Resolution } from './url-state.ts';

interface DurationFieldProps {
  readonly label: string;
  readonly valueMs: number;
  readonly width: number;
  readonly onChange: (ms: number) => void;
}

/** A length of time. What is no duration stays, marked, until it is one or is given up. */
function DurationField({ label, valueMs, width, onChange }: DurationFieldProps): ReactNode {
  const [draft, setDraft] = useState<string>();
  const [isWrong, setWrong] = useState(false);
  const commit = (): void => {
    if (draft === undefined) return;
    const ms = readDuration(draft);
    setWrong(ms === undefined);
    if (ms === undefined) return;
    setDraft(undefined);
    if (ms !== valueMs) onChange(ms);
  };
  return (
    <TextInput
      size="xs"
      w={width}
      aria-label={label}
      value={draft ?? formatDuration(valueMs)}
      error={isWrong}
      title={isWrong ? 'A duration such as 30m, 1h or 1d12h' : label}
      styles={{ input: { textAlign: 'center' } }}
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
  );
}

function RangeField({ panel, store }: { panel: Panel; store: QueryStore }): ReactNode {
  const { rangeMs } = panel.settings;
  const set = (ms: number): void => store.change(panel.id, { rangeMs: ms });
  return (
    <fieldset className="joined" aria-label="Range">
      <ActionIcon
        variant="default"
        size={30}
        aria-label="Shorter range"
        onClick={() => set(shorterRange(rangeMs))}
      >
        <IconMinus size={15} />
      </ActionIcon>
      <DurationField label="Range" width={72} valueMs={rangeMs} onChange={set} />
      <ActionIcon
        variant="default"
        size={30}
        aria-label="Longer range"
        onClick={() => set(longerRange(rangeMs))}
      >
        <IconPlus size={15} />
      </ActionIcon>
    </fieldset>
  );
}

const resolutions = [
  {
    group: 'Automatic',
    items: [
      { value: 'low', label: 'Low resolution' },
      { value: 'medium', label: 'Medium resolution' },
      { value: 'high', label: 'High resolution' },
    ],
  },
  {
    group: 'Fixed',
    items: fixedSteps.map((ms) => ({ value: String(ms), label: `Step ${formatDuration(ms)}` })),
  },
  { group: 'Other', items: [{ value: 'custom', label: 'Custom step' }] },
];

const choiceOf = (resolution: Resolution): string => {
  if (resolution.type === 'auto') return resolution.density;
  return resolution.type === 'fixed' ? String(resolution.stepMs) : 'custom';
};

function chosen(choice: string, stepMs: number): Resolution {
  if (choice === 'custom') return { type: 'custom', stepMs };
  const fixedMs = Number(choice);
  if (fixedMs > 0) return { type: 'fixed', stepMs: fixedMs };
  return { type: 'auto', density: choice as Density };
}

export interface GraphControlsProps {
  readonly panel: Panel;
  readonly store: QueryStore;
  /** The step now in use. */
  readonly stepMs: number;
}

export function GraphControls({ panel, store, stepMs }: GraphControlsProps): ReactNode {
  const { id, settings } = panel;
  const shift = (direction: -1 | 1): void =>
    store.change(id, { endMs: shiftedEnd(settings, direction, Date.now()) });
  return (
    <>
      <RangeField panel={panel} store={store} />
      <TimeField
        label="End time"
        timeMs={settings.endMs}
        onChange={(endMs) => store.change(id, { endMs })}
        onEarlier={() => shift(-1)}
        onLater={() => shift(1)}
      />
      <Select
        size="xs"
        w={152}
        aria-label="Resolution"
        data={resolutions}
        value={choiceOf(settings.resolution)}
        allowDeselect={false}
        maxDropdownHeight={360}
        title={`Step: ${formatDuration(stepMs)}`}
        onChange={(choice) => {
          if (choice !== null) store.change(id, { resolution: chosen(choice, stepMs) });
        }}
      />
      {settings.resolution.type === 'custom' && (
        <DurationField
          label="Step"
          width={72}
          valueMs={stepMs}
          onChange={(ms) => store.change(id, { resolution: { type: 'custom', stepMs: ms } })}
        />
      )}
      <SegmentedControl
        size="xs"
        aria-label="Drawing"
        value={settings.stacked ? 'stacked' : 'lines'}
        data={[
          { value: 'lines', label: 'Lines' },
          { value: 'stacked', label: 'Stacked' },
        ]}
        onChange={(mode) => store.change(id, { stacked: mode === 'stacked' })}
      />
      <Switch
        size="xs"
        label="From zero"
        checked={settings.yAxisMin === 0}
        onChange={(event) =>
          store.change(id, { yAxisMin: event.currentTarget.checked ? 0 : undefined })
        }
      />
    </>
  );
}
