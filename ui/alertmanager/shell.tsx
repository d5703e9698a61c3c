// SPDX-License-Identifier: Apache-2.0
// The frame around all pages.

import { Button } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { type ReactNode, useMemo } from 'react';
import { Link, NavLink, useLocation } from 'react-router-dom';
import { Frame } from '../shared/components/frame.tsx';
import { ErrorBoundary } from '../shared/components/root.tsx';
import { TimeZoneContext, timeZone, useLocalTimes } from './times.ts';

const documentation = {
  url: 'https://prometheus.io/docs/alerting/latest/alertmanager/',
  label: 'Documentation',
};

const pages: readonly (readonly [string, string])[] = [
  ['/alerts', 'Alerts'],
  ['/silences', 'Silences'],
  ['/what-if', 'What if'],
  ['/status', 'Status'],
  ['/settings', 'Settings'],
];

function Navigation(): ReactNode {
  return (
    <nav aria-label="Pages">
      {pages.map(([path, name]) => (
        <NavLink key={path} to={path} className="nav-link">
          {name}
        </NavLink>
      ))}
    </nav>
  );
}

function NewSilence(): ReactNode {
  return (
    <Button
      component={Link}
      to="/silences/new"
      size="xs"
      variant="default"
      leftSection={<IconBellOff size={14} stroke={1.8} />}
    >
      New silence
    </Button>
  );
}

export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const { pathname } = useLocation();
  const [isLocal] = useLocalTimes();
  const zone = useMemo(() => timeZone(isLocal), [isLocal]);
  return (
    <Frame
      home="/alerts"
      label="Hearth Alertmanager"
      part="Alertmanager"
      navigation={<Navigation />}
      toolsBefore={<NewSilence />}
      documentation={documentation}
    >
      <TimeZoneContext value={zone}>
        <ErrorBoundary key={pathname}>{children}</ErrorBoundary>
      </TimeZoneContext>
    </Frame>
  );
}
