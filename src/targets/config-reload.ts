// SPDX-License-Identifier: Apache-2.0
// `--config.auto-reload`: looks at the files each interval and reloads when they changed.

import type { Clock, Logger, Timer } from '../base/index.ts';
import type { ConfigSource } from './config-source.ts';

/** @returns a function that ends the watch */
export function watchConfig(
  intervalMs: number | undefined,
  source: ConfigSource,
  parts: { readonly clock: Clock; readonly logger: Logger },
  reload: () => Promise<void>,
): () => void {
  if (intervalMs === undefined) return () => undefined;
  let timer: Timer;
  let loaded = source.fingerprint();
  const look = async (): Promise<void> => {
    const now = source.fingerprint();
    if (now !== loaded) {
      loaded = now;
      parts.logger.info('Configuration file change detected, reloading the configuration.');
      // Its failure is logged and counted where it happens.
      await reload().catch(() => undefined);
    }
    timer = parts.clock.setTimer(intervalMs, () => void look());
  };
  timer = parts.clock.setTimer(intervalMs, () => void look());
  return () => timer.cancel();
}
