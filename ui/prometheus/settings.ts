// SPDX-License-Identifier: Apache-2.0
// What the server wrote into the page, and what its reader prefers.

import { useLocalStorage } from '@mantine/hooks';
import { createContext, useContext } from 'react';
import type { UiSettings } from '../../src/apitypes/index.ts';

/** Paths that the page answers to, without their slash. `agent` is a prefix of nothing else here. */
export const pageNames = [
  'query',
  'graph',
  'alerts',
  'rules',
  'targets',
  'service-discovery',
  'status',
  'tsdb-status',
  'flags',
  'config',
  'alertmanager-discovery',
  'agent',
] as const;

/** The part of a path before the page's name: right behind any proxy that adds one or takes one away. */
export function prefixOf(pathname: string): string {
  const end = pathname.lastIndexOf('/');
  const name = pathname.slice(end + 1);
  const isPage = name === '' || pageNames.some((page) => page === name);
  return isPage ? pathname.slice(0, Math.max(0, end)) : pathname.replace(/\/$/, '');
}

const withoutServer: UiSettings = {
  pathPrefix: '',
  title: 'Hearth',
  agentMode: false,
  lookbackDelta: '5m',
  version: 'development',
  consolesLink: '',
};

/** The settings in the page; a development server leaves the placeholder, which is no JSON. */
export function readServerSettings(text: string): UiSettings {
  if (!text.trim().startsWith('{')) return withoutServer;
  return { ...withoutServer, ...(JSON.parse(text) as Partial<UiSettings>) };
}

export const ServerSettingsContext = createContext<UiSettings>(withoutServer);

export const useServerSettings = (): UiSettings => useContext(ServerSettingsContext);

export interface Preferences {
  readonly useLocalTime: boolean;
  readonly enableQueryHistory: boolean;
  readonly enableAutocomplete: boolean;
  readonly enableSyntaxHighlighting: boolean;
  readonly enableLinter: boolean;
  readonly showQueryWarnings: boolean;
  readonly showQueryInfoNotices: boolean;
}

export const defaultPreferences: Preferences = {
  useLocalTime: false,
  enableQueryHistory: true,
  enableAutocomplete: true,
  enableSyntaxHighlighting: true,
  enableLinter: true,
  showQueryWarnings: true,
  showQueryInfoNotices: true,
};

export const PreferencesContext = createContext<Preferences>(defaultPreferences);

export const usePreferences = (): Preferences => useContext(PreferencesContext);

/** One preference under upstream's key in local storage, shared by all tabs. */
export function usePreference<Name extends keyof Preferences>(
  name: Name,
): [boolean, (value: boolean) => void] {
  const [value, setValue] = useLocalStorage<boolean>({
    key: `settings.${name}`,
    defaultValue: defaultPreferences[name],
    getInitialValueInEffect: false,
  });
  return [value, setValue];
}
