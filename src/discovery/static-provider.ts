// SPDX-License-Identifier: Apache-2.0

import { labelsFrom } from '../model/index.ts';
import type { StaticConfig, TargetGroup } from './options.ts';
import type { Provider, ProviderListener } from './provider.ts';

/** The groups of `static_configs`; their sources are their positions. */
export const staticGroups = (configs: readonly StaticConfig[]): TargetGroup[] =>
  configs.map(({ targets, labels }, i) => ({
    source: String(i),
    targets: targets.map((target) => labelsFrom([['__address__', target]])),
    labels,
  }));

/** Says everything at once and nothing after. */
export class StaticProvider implements Provider {
  private readonly configs: readonly StaticConfig[];

  constructor(configs: readonly StaticConfig[]) {
    this.configs = configs;
  }

  start(listener: ProviderListener): void {
    listener.update(staticGroups(this.configs));
    listener.settled();
  }

  async stop(): Promise<void> {}
}
