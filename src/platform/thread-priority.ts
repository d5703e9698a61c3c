// SPDX-License-Identifier: Apache-2.0

import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Has the calling thread give way to the process's others where there are not cores enough for all.
 *
 * @param niceness 0 to 19, the higher the more it gives way
 * @returns whether the system does that for single threads: Linux does
 */
export function giveWay(niceness: number): boolean {
  try {
    // Linux takes a thread's number wherever it takes a process's.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, niceness);
    return true;
  } catch {
    return false;
  }
}
