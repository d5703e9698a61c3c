// SPDX-License-Identifier: Apache-2.0
// What the configuration file comes to. `config/` reads it; `receivers` are made by who knows how.

import type { InhibitRuleOptions } from './inhibit/inhibitor.ts';
import type { Receiver } from './notify/integration.ts';
import type { RouteOptions } from './route/route.ts';
import type { TimeIntervalOptions } from './route/time-interval.ts';

export interface AlertmanagerOptions {
  readonly resolveTimeoutMs: number;
  readonly route: RouteOptions;
  readonly inhibitRules: readonly InhibitRuleOptions[];
  /** By name; entries of one name are alternatives. */
  readonly timeIntervals: ReadonlyMap<string, readonly TimeIntervalOptions[]>;
  /** By name. */
  readonly receivers: ReadonlyMap<string, Receiver>;
  /** The file's text with secrets masked, as the API shows it. */
  readonly original: string;
}
