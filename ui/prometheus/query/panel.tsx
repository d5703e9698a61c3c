// SPDX-License-Identifier: Apache-2.0
// One query: its editor, and its answer as a table or a graph.

import { ActionIcon, Button, Menu, SegmentedControl, Tooltip } from '@mantine/core';
import {
  IconBinaryTree,
  IconBraces,
  IconChartLine,
  IconCopyPlus,
  IconDotsVertical,
  IconInfoCircle,
  IconListSearch,
  IconPlayerPlayFilled,
  IconTable,
  IconTrash,
} from '@tabler/icons-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useApiClient } from '../../shared/api/use-api.ts';
import { ErrorNotice } from '../../shared/components/notices.tsx';
import { ErrorBoundary } from '../../shared/components/root.tsx';
import { usePreferences } from '../settings.ts';
import { ExpressionEditor } from './expression-editor.tsx';
import { GraphTab } from './graph-tab.tsx';
import { createHistory } from './history.ts';
import type { Panel, QueryStore } from './query-store.ts';
import { TableTab } from './table-tab.tsx';
import type { PanelTab } from './url-state.ts';

const MetricsExplorer = lazy(() => import('./metrics-explorer.tsx'));
const TreeView = lazy(() => import('./tree-view.tsx'));

const ExplainTab = lazy(() => import('./explain-tab.tsx'));

const tabBodies = { table: TableTab, graph: GraphTab, explain: ExplainTab } as const;

const tabs = [
  { value: 'table', label: 'Table', Icon: IconTable },
  { value: 'graph', label: 'Graph', Icon: IconChartLine },
  { value: 'explain', label: 'Explain', Icon: IconInfoCircle },
].map(({ value, label, Icon }) => ({
  value,
  label: (
    <span className="tab-label">
      <Icon size={15} stroke={1.8} aria-hidden /> {label}
    </span>
  ),
}));

interface PanelMenuProps {
  readonly panel: Panel;
  readonly store: QueryStore;
  readonly onExplore: () => void;
  readonly onFormat: () => void;
}

function PanelMenu({ panel, store, onExplore, onFormat }: PanelMenuProps): ReactNode {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" className="panel-menu" aria-label="More for this query">
          <IconDotsVertical size={17} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconListSearch size={16} stroke={1.7} />} onClick={onExplore}>
          Explore metrics
        </Menu.Item>
        <Menu.Item leftSection={<IconBraces size={16} stroke={1.7} />} onClick={onFormat}>
          Format expression
        </Menu.Item>
        <Menu.Item
          leftSection={<IconBinaryTree size={16} stroke={1.7} />}
          onClick={() => store.change(panel.id, { showTree: !panel.settings.showTree })}
        >
          {panel.settings.showTree ? 'Hide' : 'Show'} tree view
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconCopyPlus size={16} stroke={1.7} />}
          onClick={() => store.duplicate(panel.id)}
        >
          Duplicate query
        </Menu.Item>
        <Menu.Item
          leftSection={<IconTrash size={16} stroke={1.7} />}
          onClick={() => store.remove(panel.id)}
        >
          Remove query
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** A part of an expression, chosen in its tree. */
interface Part {
  readonly of: string;
  readonly expr: string;
}

export interface QueryPanelProps {
  readonly panel: Panel;
  readonly store: QueryStore;
  readonly autoFocus: boolean;
}

export function QueryPanel({ panel, store, autoFocus }: QueryPanelProps): ReactNode {
  const client = useApiClient();
  const preferences = usePreferences();
  const [history] = useState(() => createHistory(window.localStorage));
  const [isExploring, setExploring] = useState(false);
  const [formatError, setFormatError] = useState<Error>();
  const { id, draft, settings, runAtMs } = panel;
  const [part, setPart] = useState<Part>();
  const selected = settings.showTree && part?.of === settings.expr ? part.expr : undefined;
  const shown = selected ?? settings.expr;

  const execute = (): void => {
    setFormatError(undefined);
    if (preferences.enableQueryHistory) history.remember(draft.trim());
    store.run(id);
  };

  const format = async (): Promise<void> => {
    try {
      const parameters = { query: draft };
      const formatted = await client.data<string>('/format_query', { method: 'POST', parameters });
      setFormatError(undefined);
      store.type(id, formatted);
    } catch (error) {
      setFormatError(error instanceof Error ? error : new Error(String(error)));
    }
  };

  const Tab = tabBodies[settings.tab];
  const choice = (
    <SegmentedControl
      size="xs"
      data={tabs}
      value={settings.tab}
      onChange={(tab) => store.change(id, { tab: tab as PanelTab })}
      aria-label="Show as"
    />
  );

  return (
    <section className="card query-panel" aria-label={`Query ${settings.expr}`}>
      <div className="query-line">
        <ExpressionEditor
          value={draft}
          prefix={client.prefix}
          preferences={preferences}
          autoFocus={autoFocus}
          onChange={(value) => store.type(id, value)}
          onExecute={execute}
          history={history.read}
        />
        <Button
          className="execute"
          onClick={execute}
          leftSection={<IconPlayerPlayFilled size={13} aria-hidden />}
        >
          Execute
        </Button>
        <Tooltip label="Format the expression" withArrow>
          <ActionIcon
            variant="default"
            className="panel-menu panel-format"
            aria-label="Format the expression"
            onClick={() => void format()}
          >
            <IconBraces size={17} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
        <PanelMenu
          panel={panel}
          store={store}
          onExplore={() => setExploring(true)}
          onFormat={() => void format()}
        />
      </div>
      {formatError !== undefined && <ErrorNotice error={formatError} />}
      {settings.showTree && settings.expr !== '' && (
        <Suspense>
          <TreeView
            expr={settings.expr}
            timeMs={settings.endMs ?? runAtMs}
            runAtMs={runAtMs}
            selected={selected}
            onSelect={(expr) =>
              setPart(expr === undefined ? undefined : { of: settings.expr, expr })
            }
          />
        </Suspense>
      )}
      <ErrorBoundary key={shown + settings.tab}>
        <Suspense>
          <Tab panel={panel} expr={shown} store={store} tabs={choice} />
        </Suspense>
      </ErrorBoundary>
      {isExploring && (
        <Suspense>
          <MetricsExplorer
            onClose={() => setExploring(false)}
            onPick={(expr) => {
              setExploring(false);
              store.type(id, draft.trim() === '' ? expr : `${draft.trimEnd()} ${expr}`);
            }}
          />
        </Suspense>
      )}
    </section>
  );
}
