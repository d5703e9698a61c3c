// SPDX-License-Identifier: Apache-2.0
// What the page can change: groups go away one by one or all at once.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { PushedGroup } from '../../src/apitypes/index.ts';
import { useApiClient } from '../shared/api/use-api.ts';

async function send(method: 'DELETE' | 'PUT', url: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, { method });
  } catch {
    throw new Error('The server cannot be reached.');
  }
  if (response.ok) return;
  const text = (await response.text()).trim();
  throw new Error(text === '' ? `The server answered ${response.status}.` : text);
}

export interface Deletion {
  readonly isPending: boolean;
  readonly error: Error | null;
  /** One group, or all of them. */
  run(target: PushedGroup | 'all', done: () => void): void;
  reset(): void;
}

export function useDeletion(): Deletion {
  const { prefix } = useApiClient();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: (target: PushedGroup | 'all') =>
      target === 'all'
        ? send('PUT', `${prefix}/api/v1/admin/wipe`)
        : send('DELETE', `${prefix}/${target.path}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['api', '/groups'] }),
  });
  return {
    isPending: mutation.isPending,
    error: mutation.error,
    run: (target, done) => mutation.mutate(target, { onSuccess: done }),
    reset: mutation.reset,
  };
}
