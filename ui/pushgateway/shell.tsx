// SPDX-License-Identifier: Apache-2.0
// The frame around both pages.

import { ActionIcon, Tooltip } from '@mantine/core';
import { IconBook } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { NavLink } from 'react-router-dom';
import { useApiClient } from '../shared/api/use-api.ts';
import { Mark } from '../shared/components/mark.tsx';
import { ColorSchemeMenu } from '../shared/components/page.tsx';

const DOCUMENTATION = 'https://github.com/prometheus/pushgateway/blob/master/README.md';

export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const { prefix } = useApiClient();
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <header className="shell">
        <div className="shell-inner">
          <NavLink to="/" className="brand" aria-label="Hearth Pushgateway">
            <Mark />
            <span>
              Hearth <span className="brand-part">Pushgateway</span>
            </span>
          </NavLink>
          <nav aria-label="Pages">
            <NavLink to="/" end className="nav-link">
              Groups
            </NavLink>
            <NavLink to="/status" className="nav-link">
              Status
            </NavLink>
            <a href={`${prefix}/metrics`} className="nav-link">
              Metrics
            </a>
          </nav>
          <div className="shell-tools">
            <ColorSchemeMenu />
            <Tooltip label="How to push metrics" withArrow>
              <ActionIcon
                component="a"
                href={DOCUMENTATION}
                target="_blank"
                rel="noreferrer"
                variant="subtle"
                color="gray"
                size="lg"
                aria-label="How to push metrics"
              >
                <IconBook size={18} stroke={1.7} />
              </ActionIcon>
            </Tooltip>
          </div>
        </div>
      </header>
      {children}
    </>
  );
}
