// SPDX-License-Identifier: Apache-2.0
import './query.css';
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import { useLocation, useNavigate } from 'react-router-dom';
import { ClockDrift } from './clock-drift.tsx';
import { QueryPanel } from './panel.tsx';
import type { QueryStore } from './query-store.ts';

export function QueryPage({ store }: { readonly store: QueryStore }): ReactNode {
  const panels = useSyncExternalStore(store.subscribe, store.panels);
  const navigate = useNavigate();
  const { search } = useLocation();
  const loaded = useRef<string>(undefined);
  // Before the first picture, so that a link never shows the panels of before.
  if (loaded.current === undefined) {
    loaded.current = search;
    store.load(search);
  }

  useLayoutEffect(() => {
    if (loaded.current === search) return;
    loaded.current = search;
    store.load(search);
  }, [search, store]);

  useEffect(() => {
    store.onUrl = (parameters) => {
      loaded.current = `?${parameters}`;
      navigate({ pathname: '/query', search: parameters });
    };
    return () => {
      store.onUrl = () => undefined;
    };
  }, [store, navigate]);

  return (
    <main className="page query-page" id="main">
      <h1 className="visually-hidden">Query</h1>
      <ClockDrift />
      {panels.map((panel, i) => (
        <QueryPanel
          key={panel.id}
          panel={panel}
          store={store}
          autoFocus={i === panels.length - 1 && panel.draft === ''}
        />
      ))}
      <Button
        variant="default"
        size="xs"
        leftSection={<IconPlus size={15} stroke={1.8} />}
        onClick={() => store.add()}
      >
        Add query
      </Button>
    </main>
  );
}
