// SPDX-License-Identifier: Apache-2.0
// While the server replays its log, the page says how far it is; then it opens by itself.

import { Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { WalReplayStatus } from '../../src/apitypes/index.ts';
import { useApi, useApiClient } from '../shared/api/use-api.ts';

const ASK_AGAIN_MS = 1000;

type Readiness = 'ready' | 'starting' | 'stopping';

function Starting({ readiness }: { readonly readiness: Readiness }): ReactNode {
  const { data } = useApi<WalReplayStatus>('/status/walreplay', {}, { refreshMs: ASK_AGAIN_MS });
  const total = data === undefined ? 0 : data.max - data.min + 1;
  const done = data === undefined ? 0 : data.current - data.min + 1;
  const isReplaying = data !== undefined && data.max > 0;
  return (
    <main className="page startup">
      <h1>{readiness === 'stopping' ? 'The server is stopping' : 'The server is starting'}</h1>
      {readiness === 'starting' && isReplaying && (
        <>
          <p className="dim">
            Replaying the write-ahead log: segment {data.current} of {data.max}
          </p>
          <Progress value={(100 * done) / Math.max(1, total)} aria-label="Replayed" />
        </>
      )}
      <p className="dim">This page opens as soon as the server is ready.</p>
    </main>
  );
}

/** Shows its children once the server is, or was, ready; or when it cannot be asked: they say why. */
export function StartupGate({ children }: { readonly children: ReactNode }): ReactNode {
  const client = useApiClient();
  const { data, isError } = useQuery({
    queryKey: ['ready'],
    queryFn: async ({ signal }): Promise<Readiness> => {
      const response = await client.send('/-/ready', { signal });
      if (response.status !== 503) return 'ready';
      return response.headers.get('x-prometheus-stopping') === 'true' ? 'stopping' : 'starting';
    },
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: ({ state }) =>
      state.data === undefined || state.data === 'ready' ? false : ASK_AGAIN_MS,
  });
  if (data === 'ready' || isError) return children;
  return data === undefined ? null : <Starting readiness={data} />;
}
