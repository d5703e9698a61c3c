// SPDX-License-Identifier: Apache-2.0
import { useSearchParams } from 'react-router-dom';

/** One filter of a page, kept in its URL; the default is not written. */
export function useUrlFilter(name: string): [string, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = (value: string): void =>
    setParameters(
      (old) => {
        const next = new URLSearchParams(old);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return [parameters.get(name) ?? '', set];
}
