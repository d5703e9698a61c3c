// SPDX-License-Identifier: Apache-2.0
// The frame around all pages.

import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconBellOff, IconBook } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, NavLink, useLocation } from 'react-router-dom';
import { Mark } from '../shared/components/mark.tsx';
import { ColorSchemeMenu } from '../shared/components/page.tsx';
import { ErrorBoundary } from '../shared/components/root.tsx';

const DOCUMENTATION = 'https://prometheus.io/docs/alerting/latest/alertmanager/';

const pages: readonly (readonly [string, string])[] = [
  ['/alerts', 'Alerts'],
  ['/silences', 'Silences'],
  ['/what-if', 'What if'],
  ['/status', 'Status'],
];

export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const { pathname } = useLocation();
  return (
    <>
      <header className="shell">
        <div className="shell-inner">
          <NavLink to="/alerts" className="brand" aria-label="Hearth Alertmanager">
            <Mark />
            <span>
              Hearth <span className="brand-part">Alertmanager</span>
            </span>
          </NavLink>
          <nav aria-label="Pages">
            {pages.map(([path, name]) => (
              <NavLink key={path} to={path} className="nav-link">
                {name}
              </NavLink>
            ))}
          </nav>
          <div className="shell-tools">
            <Button
              component={Link}
              to="/silences/new"
              size="xs"
              variant="default"
              leftSection={<IconBellOff size={14} stroke={1.8} />}
            >
              New silence
            </Button>
            <ColorSchemeMenu />
            <Tooltip label="Documentation" withArrow>
              <ActionIcon
                component="a"
                href={DOCUMENTATION}
                target="_blank"
                rel="noreferrer"
                variant="subtle"
                color="gray"
                size="lg"
                aria-label="Documentation"
              >
                <IconBook size={18} stroke={1.7} />
              </ActionIcon>
            </Tooltip>
          </div>
        </div>
      </header>
      <ErrorBoundary key={pathname}>{children}</ErrorBoundary>
    </>
  );
}
