// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import type { Panel, QueryStore } from './query-store.ts';

export interface TabProps {
  readonly panel: Panel;
  /** What is shown: the panel's expression, or a part of it. */
  readonly expr: string;
  readonly store: QueryStore;
  /** The choice between the tabs, first of their controls. */
  readonly tabs: ReactNode;
}
