// SPDX-License-Identifier: Apache-2.0
// Executed queries, kept in the browser for the next time somebody types.

export const HISTORY_MAX = 50;

const KEY = 'history';

/** The list with `expr` at its front, once. */
export function remembered(list: readonly string[], expr: string): string[] {
  return [expr, ...list.filter((one) => one !== expr)].slice(0, HISTORY_MAX);
}

export interface QueryHistory {
  read(): readonly string[];
  remember(expr: string): void;
}

/** History in `storage`; what another program left there is ignored. */
export function createHistory(storage: Pick<Storage, 'getItem' | 'setItem'>): QueryHistory {
  const read = (): readonly string[] => {
    try {
      const list: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
      return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  };
  return {
    read,
    remember: (expr) => {
      if (expr.trim() !== '') storage.setItem(KEY, JSON.stringify(remembered(read(), expr)));
    },
  };
}
