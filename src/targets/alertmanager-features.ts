// SPDX-License-Identifier: Apache-2.0
// `--enable-feature` of the Alertmanager.

import { UsageError } from './flags.ts';

/** Names that upstream knows, and whether they change anything here. */
const features: Readonly<Record<string, 'idle' | 'later'>> = {
  // Node finds out about the memory of its container by itself.
  'auto-gomemlimit': 'idle',
  'alert-names-in-metrics': 'later',
  'receiver-name-in-metrics': 'later',
  'group-key-in-metrics': 'later',
  'classic-mode': 'later',
  'utf8-strict-mode': 'later',
  'event-recorder': 'later',
};

/**
 * Checks the names of comma separated lists.
 * @returns those that have no effect in this version
 * @throws UsageError in upstream's words
 */
export function idleAlertmanagerFeatures(lists: readonly string[]): string[] {
  const names = lists.flatMap((list) => list.split(',')).filter((name) => name !== '');
  for (const name of names)
    if (features[name] === undefined)
      throw new UsageError(`unknown option '${name}' for --enable-feature`);
  if (names.includes('classic-mode') && names.includes('utf8-strict-mode'))
    throw new UsageError('cannot have both classic and UTF-8 modes enabled');
  return names.filter((name) => features[name] === 'later');
}
