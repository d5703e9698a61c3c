// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { decodeAnswer } from '../../shared/api/decode-result.ts';
import { useApiClient } from '../../shared/api/use-api.ts';
import { Notice } from '../../shared/components/notices.tsx';
import { formatSpan } from '../../shared/format/times.ts';

/** From here on graphs that end "now" mislead. */
const DRIFT_MS = 30_000;

/** Says so when the clocks of server and browser differ. */
export function ClockDrift(): ReactNode {
  const client = useApiClient();
  const { data } = useQuery({
    queryKey: ['clock'],
    queryFn: async ({ signal }) => {
      const before = Date.now();
      const response = await client.send('/api/v1/query?query=time()', { signal });
      const text = await client.text(response);
      if (!response.ok) return 0;
      const { result } = decodeAnswer(text);
      if (result.type !== 'scalar') return 0;
      return (before + Date.now()) / 2 - Number(result.value) * 1000;
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (data === undefined || Math.abs(data) < DRIFT_MS) return null;
  return (
    <Notice kind="warn" title="The clocks of this browser and the server differ">
      By {formatSpan(Math.abs(data))}: times and “now” on this page may be off by as much.
    </Notice>
  );
}
