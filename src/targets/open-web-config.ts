// SPDX-License-Identifier: Apache-2.0

import type { Logger } from '../base/index.ts';
import type { WebConfig } from './web-config.ts';

/**
 * The web configuration of a file; undefined for '' = none. Loaded only when asked for: its parts take a
 * tenth of a second to load, and most servers have no such file.
 * @throws WebConfigError
 */
export async function openWebConfig(path: string, logger: Logger): Promise<WebConfig | undefined> {
  if (path === '') return undefined;
  const { WebConfig: Loaded } = await import('./web-config.ts');
  return new Loaded(path, logger);
}
