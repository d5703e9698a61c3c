// SPDX-License-Identifier: Apache-2.0
// The frame around all pages: navigation, colour scheme, preferences, the state of the connection.

import { ActionIcon, Burger, Menu, Popover, Stack, Switch, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBell, IconChevronDown, IconPlugConnectedX, IconSettings } from '@tabler/icons-react';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { Link, NavLink, useHref, useLocation } from 'react-router-dom';
import type { UiSettings } from '../../src/apitypes/index.ts';
import { useApi } from '../shared/api/use-api.ts';
import { Frame } from '../shared/components/frame.tsx';
import type { QueryStore } from './query/query-store.ts';
import { type Preferences, usePreference } from './settings.ts';

const documentation = {
  url: 'https://prometheus.io/docs/prometheus/latest/querying/basics/',
  label: 'Documentation of the query language',
};
const NOTIFICATIONS_REFRESH_MS = 10_000;

const monitoringPages: readonly (readonly [string, string])[] = [
  ['/targets', 'Target health'],
  ['/rules', 'Rule health'],
  ['/service-discovery', 'Service discovery'],
];

const serverPages: readonly (readonly [string, string])[] = [
  ['/status', 'Runtime & build information'],
  ['/tsdb-status', 'TSDB status'],
  ['/flags', 'Command-line flags'],
  ['/config', 'Configuration'],
  ['/alertmanager-discovery', 'Alertmanager discovery'],
];

/** Pages about what an agent does not have: queries, rules, a database. */
const notForAgents: ReadonlySet<string> = new Set([
  '/rules',
  '/tsdb-status',
  '/alertmanager-discovery',
]);

const switches: readonly (readonly [keyof Preferences, string])[] = [
  ['useLocalTime', 'Use local time'],
  ['enableQueryHistory', 'Keep a history of queries'],
  ['enableAutocomplete', 'Complete while typing'],
  ['enableSyntaxHighlighting', 'Highlight syntax'],
  ['enableLinter', 'Check while typing'],
  ['showQueryWarnings', 'Show warnings of queries'],
  ['showQueryInfoNotices', 'Show notes of queries'],
];

function PreferenceSwitch({ name, label }: { name: keyof Preferences; label: string }): ReactNode {
  const [value, setValue] = usePreference(name);
  return (
    <Switch
      size="sm"
      label={label}
      checked={value}
      onChange={(event) => setValue(event.currentTarget.checked)}
    />
  );
}

function PreferencesButton(): ReactNode {
  return (
    <Popover position="bottom-end" withArrow shadow="md" trapFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Preferences">
          <IconSettings size={18} stroke={1.7} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={10}>
          {switches.map(([name, label]) => (
            <PreferenceSwitch key={name} name={name} label={label} />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

interface ServerNotification {
  readonly text: string;
  readonly date: string;
  readonly active: boolean;
}

/** What the server wants to say, or that it cannot be reached. Nothing when all is well. */
function ServerState(): ReactNode {
  const { data, isError } = useApi<readonly ServerNotification[]>(
    '/notifications',
    {},
    { refreshMs: NOTIFICATIONS_REFRESH_MS },
  );
  if (isError) {
    return (
      <Tooltip label="The server does not answer. What is shown may be old." withArrow>
        <span className="badge bad" role="status">
          <IconPlugConnectedX size={14} aria-hidden /> No connection
        </span>
      </Tooltip>
    );
  }
  const active = data?.filter((one) => one.active) ?? [];
  if (active.length === 0) return null;
  return (
    <Popover position="bottom-end" withArrow shadow="md" width={340}>
      <Popover.Target>
        <ActionIcon variant="light" color="red" size="lg" aria-label="Messages of the server">
          <IconBell size={18} stroke={1.7} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={8}>
          {active.map(({ text, date }) => (
            <div key={text + date}>{text}</div>
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function StatusMenu({ agentMode }: { readonly agentMode: boolean }): ReactNode {
  const { pathname } = useLocation();
  const all = [...monitoringPages, ...serverPages];
  // Targets have a place of their own beside the menu.
  const current = all.find(([path]) => path === pathname && path !== '/targets');
  const isShown = ([path]: readonly [string, string]): boolean =>
    !agentMode || !notForAgents.has(path);
  const link = ([path, label]: readonly [string, string]): ReactNode => (
    <Menu.Item key={path} component={Link} to={path} data-current={path === pathname || undefined}>
      {label}
    </Menu.Item>
  );
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <button type="button" className={`nav-link${current === undefined ? '' : ' active'}`}>
          {current === undefined ? 'Status' : `Status › ${current[1]}`}
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Monitoring</Menu.Label>
        {monitoringPages.filter(isShown).map(link)}
        <Menu.Divider />
        <Menu.Label>Server</Menu.Label>
        {serverPages.filter(isShown).map(link)}
      </Menu.Dropdown>
    </Menu>
  );
}

export interface ShellProps {
  readonly settings: UiSettings;
  readonly queryStore: QueryStore;
  readonly children: ReactNode;
}

export function Shell({ settings, queryStore, children }: ShellProps): ReactNode {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu
  useEffect(close, [pathname]);
  const consolesHref = useHref(settings.consolesLink);
  // The way back to the queries leads to them as they were left.
  const search = useSyncExternalStore(queryStore.subscribe, () => queryStore.search());
  return (
    <Frame
      home={settings.agentMode ? '/agent' : `/query?${search}`}
      label={`Hearth ${settings.version}`}
      navigation={
        <>
          <Burger size="sm" opened={isOpen} onClick={toggle} className="burger" aria-label="Menu" />
          <nav className={isOpen ? 'open' : ''} aria-label="Pages">
            {!settings.agentMode && (
              <>
                <NavLink to={`/query?${search}`} className="nav-link">
                  Query
                </NavLink>
                <NavLink to="/alerts" className="nav-link">
                  Alerts
                </NavLink>
              </>
            )}
            <NavLink to="/targets" className="nav-link">
              Targets
            </NavLink>
            <StatusMenu agentMode={settings.agentMode} />
            {settings.consolesLink !== '' && (
              <a href={consolesHref} className="nav-link">
                Consoles
              </a>
            )}
          </nav>
        </>
      }
      toolsBefore={<ServerState />}
      toolsAfter={<PreferencesButton />}
      documentation={documentation}
    >
      {children}
    </Frame>
  );
}
