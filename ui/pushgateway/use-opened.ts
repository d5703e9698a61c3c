// SPDX-License-Identifier: Apache-2.0
// Which cards are open: kept for the tab, so that going to another page and back changes nothing.

import { useState } from 'react';

const KEY = 'pushgateway.opened';

function read(): Set<string> {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return new Set(Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []);
  } catch {
    return new Set();
  }
}

/** Whether `name` is open, and a function that changes that. */
export function useOpened(name: string): readonly [boolean, () => void] {
  const [isOpen, setOpen] = useState(() => read().has(name));
  const toggle = (): void => {
    const opened = read();
    if (isOpen) opened.delete(name);
    else opened.add(name);
    sessionStorage.setItem(KEY, JSON.stringify([...opened]));
    setOpen(!isOpen);
  };
  return [isOpen, toggle];
}
