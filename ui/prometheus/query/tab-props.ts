// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import type { Panel, QueryStore } from './query-store.ts';

export interface TabProps {
  readonly panel: Panel;
  readonly store: QueryStore;
  /** The choice between the tabs, first of their controls. */
  readonly tabs: ReactNode;
}
