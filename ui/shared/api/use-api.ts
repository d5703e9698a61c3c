// SPDX-License-Identifier: Apache-2.0

import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { ApiClient, type ApiParameters } from './client.ts';

export const ApiContext = createContext(new ApiClient(''));

export const useApiClient = (): ApiClient => useContext(ApiContext);

export interface UseApiOptions {
  /** Asks again this often while the page is looked at. */
  readonly refreshMs?: number;
  readonly enabled?: boolean;
}

/** The `data` of a GET to /api/v1 + `path`. Old data stay on the page while new ones are asked for. */
export function useApi<Data>(
  path: string,
  parameters: ApiParameters = {},
  options: UseApiOptions = {},
): UseQueryResult<Data, Error> {
  const client = useApiClient();
  return useQuery({
    queryKey: ['api', path, parameters],
    queryFn: ({ signal }) => client.data<Data>(path, { parameters, signal }),
    enabled: options.enabled ?? true,
    refetchInterval: options.refreshMs ?? false,
    placeholderData: keepPreviousData,
  });
}
