// SPDX-License-Identifier: Apache-2.0
// The frame around both pages.

import type { ReactNode } from 'react';
import { NavLink } from 'react-router-dom';
import { useApiClient } from '../shared/api/use-api.ts';
import { Frame } from '../shared/components/frame.tsx';

const documentation = {
  url: 'https://github.com/prometheus/pushgateway/blob/master/README.md',
  label: 'How to push metrics',
};

function Navigation(): ReactNode {
  const { prefix } = useApiClient();
  return (
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
  );
}

export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Frame
      home="/"
      label="Hearth Pushgateway"
      part="Pushgateway"
      navigation={<Navigation />}
      documentation={documentation}
    >
      {children}
    </Frame>
  );
}
