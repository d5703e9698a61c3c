// SPDX-License-Identifier: Apache-2.0
// What every page stands in: the look, the query cache, an end for errors.

import '../styles.css';
import { Button, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Component, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiClient, ApiError } from '../api/client.ts';
import { ApiContext } from '../api/use-api.ts';
import { cssVariables, theme } from '../theme.ts';
import { Notice } from './notices.tsx';

/** Answers of the API are errors by themselves; only a connection is worth another try. */
const retries = (failures: number, error: Error): boolean =>
  failures < 2 && error instanceof ApiError && error.errorType === 'network';

const createQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: { retry: retries, retryDelay: 400, refetchOnWindowFocus: false, gcTime: 60_000 },
    },
  });

interface BoundaryState {
  readonly error: Error | undefined;
}

/** A chunk that is not there any more: another version of the server was started meanwhile. */
const isStalePage = ({ message }: Error): boolean =>
  /dynamically imported module|importing a module script failed|unable to preload/i.test(message);

/** Keeps a mistake in one part of a page from taking the rest with it. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: undefined };

  static getDerivedStateFromError(error: Error): BoundaryState {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    const isStale = isStalePage(error);
    const again = (): void => {
      if (isStale) window.location.reload();
      else this.setState({ error: undefined });
    };
    return (
      <div className="page">
        <Notice
          kind="bad"
          title={isStale ? 'This page is older than the server' : 'This part of the page failed'}
        >
          <pre>{error.message}</pre>
          <Button size="xs" mt="xs" variant="default" onClick={again}>
            {isStale ? 'Load it again' : 'Try again'}
          </Button>
        </Notice>
      </div>
    );
  }
}

/** Draws `children` into the page's root. `prefix` is what stands before `/api` in every path. */
export function renderPage(prefix: string, children: ReactNode): void {
  const element = document.getElementById('root');
  if (element === null) throw new Error('the page has no element "root"');
  createRoot(element).render(
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={createQueryClient()}>
        <ApiContext value={new ApiClient(prefix)}>
          <ErrorBoundary>{children}</ErrorBoundary>
        </ApiContext>
      </QueryClientProvider>
    </MantineProvider>,
  );
}
