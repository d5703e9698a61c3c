// SPDX-License-Identifier: Apache-2.0
// Parts of pages: the frame, search fields, copy buttons, the colour scheme.

import {
  ActionIcon,
  CloseButton,
  Menu,
  TextInput,
  Tooltip,
  useMantineColorScheme,
} from '@mantine/core';
import {
  IconCheck,
  IconCopy,
  IconDeviceDesktop,
  IconMoon,
  IconSearch,
  IconSun,
  type TablerIcon,
} from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';

export interface PageProps {
  readonly title: string;
  /** Beside the title: counts, filters. */
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, tools, children }: PageProps): ReactNode {
  return (
    <main className="page" id="main">
      <div className="page-head">
        <h1>{title}</h1>
        {tools}
      </div>
      {children}
    </main>
  );
}

export interface SearchFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly label: string;
  readonly width?: number;
}

/** Filters while typing; Escape empties it. */
export function SearchField({ value, onChange, label, width = 280 }: SearchFieldProps): ReactNode {
  return (
    <TextInput
      size="xs"
      w={width}
      maw="100%"
      value={value}
      aria-label={label}
      placeholder={label}
      spellCheck={false}
      leftSection={<IconSearch size={15} stroke={1.8} aria-hidden />}
      rightSection={
        value !== '' && (
          <CloseButton size="xs" aria-label="Clear the filter" onClick={() => onChange('')} />
        )
      }
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onChange('');
      }}
    />
  );
}

/** How long a copy button says that it has copied. */
const COPIED_MS = 1500;

/** Copies where the browser allows it only on secure pages, too. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    return copied;
  }
}

export function CopyButton({ text, label }: { text: string; label: string }): ReactNode {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), COPIED_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const words = { idle: label, copied: 'Copied', failed: 'The browser does not allow it' };
  return (
    <Tooltip label={words[state]} withArrow>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={async (event) => {
          event.stopPropagation();
          setState((await copyText(text)) ? 'copied' : 'failed');
        }}
      >
        {state === 'copied' ? <IconCheck size={15} /> : <IconCopy size={15} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  );
}

const schemes: readonly (readonly ['light' | 'dark' | 'auto', string, TablerIcon])[] = [
  ['light', 'Light', IconSun],
  ['dark', 'Dark', IconMoon],
  ['auto', 'As the system', IconDeviceDesktop],
];

export function ColorSchemeMenu(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = schemes.find(([scheme]) => scheme === colorScheme)?.[2] ?? IconDeviceDesktop;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Colour scheme">
          <Current size={18} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {schemes.map(([scheme, label, Icon]) => (
          <Menu.Item
            key={scheme}
            leftSection={<Icon size={16} stroke={1.7} />}
            rightSection={scheme === colorScheme && <IconCheck size={14} />}
            onClick={() => setColorScheme(scheme)}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** The time, renewed every `everyMs` while the page is visible. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
