// SPDX-License-Identifier: Apache-2.0
// Routes of the monitoring server's page. Each is a chunk of its own; the query page's comes with the first.

import { type ComponentType, lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import { Link, Navigate, Route, Routes, useLocation } from 'react-router-dom';
import type { UiSettings } from '../../src/apitypes/index.ts';
import { Empty } from '../shared/components/notices.tsx';
import { ErrorBoundary } from '../shared/components/root.tsx';
import { QueryPage } from './query/query-page.tsx';
import { QueryStore } from './query/query-store.ts';
import { PreferencesContext, ServerSettingsContext, usePreference } from './settings.ts';
import { Shell } from './shell.tsx';
import { StartupGate } from './startup.tsx';

const page = (load: () => Promise<Record<string, ComponentType>>, name: string): ComponentType =>
  lazy(async () => {
    const found = (await load())[name];
    if (found === undefined) throw new Error(`no page ${name}`);
    return { default: found };
  });

const targets = () => import('./targets/index.ts');
const status = () => import('./status/index.ts');
const alerts = () => import('./alerts/index.ts');

const pages: readonly (readonly [path: string, Page: ComponentType])[] = [
  ['/targets', page(targets, 'TargetsPage')],
  ['/service-discovery', page(targets, 'DiscoveryPage')],
  ['/status', page(status, 'StatusPage')],
  ['/tsdb-status', page(status, 'TsdbPage')],
  ['/flags', page(status, 'FlagsPage')],
  ['/config', page(status, 'ConfigPage')],
  ['/alertmanager-discovery', page(status, 'AlertmanagersPage')],
  ['/alerts', page(alerts, 'AlertsPage')],
  ['/rules', page(alerts, 'RulesPage')],
];

function Graph(): ReactNode {
  const { search } = useLocation();
  return <Navigate to={`/query${search}`} replace />;
}

function AgentPage(): ReactNode {
  return (
    <main className="page" id="main">
      <Empty title="This server is an agent">
        <div>
          It scrapes and passes on what it gets, and keeps nothing that could be queried here.{' '}
          <Link to="/targets">Its targets</Link>
        </div>
      </Empty>
    </main>
  );
}

function NotFound(): ReactNode {
  return (
    <main className="page">
      <Empty title="There is no such page">
        <Link to="/query">To the query page</Link>
      </Empty>
    </main>
  );
}

function usePreferenceValues() {
  const [useLocalTime] = usePreference('useLocalTime');
  const [enableQueryHistory] = usePreference('enableQueryHistory');
  const [enableAutocomplete] = usePreference('enableAutocomplete');
  const [enableSyntaxHighlighting] = usePreference('enableSyntaxHighlighting');
  const [enableLinter] = usePreference('enableLinter');
  const [showQueryWarnings] = usePreference('showQueryWarnings');
  const [showQueryInfoNotices] = usePreference('showQueryInfoNotices');
  return useMemo(
    () => ({
      useLocalTime,
      enableQueryHistory,
      enableAutocomplete,
      enableSyntaxHighlighting,
      enableLinter,
      showQueryWarnings,
      showQueryInfoNotices,
    }),
    [
      useLocalTime,
      enableQueryHistory,
      enableAutocomplete,
      enableSyntaxHighlighting,
      enableLinter,
      showQueryWarnings,
      showQueryInfoNotices,
    ],
  );
}

export function App({ settings }: { readonly settings: UiSettings }): ReactNode {
  const preferences = usePreferenceValues();
  const [store] = useState(() => new QueryStore(() => Date.now()));
  const { pathname } = useLocation();
  return (
    <ServerSettingsContext value={settings}>
      <PreferencesContext value={preferences}>
        <Shell settings={settings} queryStore={store}>
          <StartupGate>
            <ErrorBoundary key={pathname}>
              <Suspense>
                <Routes>
                  <Route
                    path="/"
                    element={<Navigate to={settings.agentMode ? '/agent' : '/query'} replace />}
                  />
                  <Route path="/agent" element={<AgentPage />} />
                  <Route path="/graph" element={<Graph />} />
                  <Route path="/query" element={<QueryPage store={store} />} />
                  {pages.map(([path, Page]) => (
                    <Route key={path} path={path} element={<Page />} />
                  ))}
                  <Route path="*" element={<NotFound />} />
                </Routes>
              </Suspense>
            </ErrorBoundary>
          </StartupGate>
        </Shell>
      </PreferencesContext>
    </ServerSettingsContext>
  );
}
