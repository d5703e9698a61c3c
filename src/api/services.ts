// SPDX-License-Identifier: Apache-2.0
// What the HTTP API needs of the rest of the server: nothing but these few views, so that a test can
// bring its own.

import type {
  BuildInfo,
  FlagsData,
  RunningQuery,
  RuntimeInfo,
  UiSettings,
  WalReplayStatus,
} from '../apitypes/index.ts';
import type { Clock, FileSystem, Logger } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';
import type { Labels, Matcher, RelabelRule } from '../model/index.ts';
import type { RuleGroup } from '../rules/index.ts';
import type { ScrapeManager } from '../scrape/index.ts';
import type { ExemplarQueryable } from '../storage/index.ts';
import type { QueryWorkers } from './query-job.ts';

/** What is being scraped. */
export type TargetsSource = Pick<
  ScrapeManager,
  'pools' | 'activeTargets' | 'droppedTargets' | 'targetMetadata'
>;

/** What the database can be told to do. */
export interface AdminServices {
  /** Bounds are inclusive. */
  deleteSeries(
    selectors: readonly (readonly Matcher[])[],
    startMs: number,
    endMs: number,
  ): Promise<void>;
  cleanTombstones(): Promise<void>;
  /** Resolves to the snapshot's directory below `snapshots/`. */
  snapshot(withHead: boolean): Promise<string>;
  /** meta.json of each block. */
  blocks(): readonly unknown[];
}

/** The queries that are under way. */
export interface RunningQueries {
  /** The oldest first. */
  list(): readonly RunningQuery[];
  /** Asks one to stop; false when there is none of this id. */
  cancel(id: string): boolean;
}

/** What the configuration says of a scrape job. */
export interface ScrapePoolConfig {
  yaml(): string;
  /** Each with its fields as the API shows them. */
  readonly rules: readonly { readonly rule: RelabelRule; readonly shown: unknown }[];
}

/** Something to tell whoever looks at the pages. */
export interface Notification {
  readonly text: string;
  /** RFC 3339. */
  readonly date: string;
  readonly active: boolean;
}

/** How far the server is. */
export type ServerPhase = 'starting' | 'ready' | 'stopping';

export interface ApiServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly files: FileSystem;
  readonly registry: Registry;
  readonly workers: QueryWorkers;
  /** What runs and waits. */
  readonly queries?: RunningQueries;
  readonly queryTimeoutMs: number;
  /** `/prefix` without a slash at its end, '' at the root. */
  readonly routePrefix: string;
  readonly externalUrl: string;
  /** `host:port` we listen on, to recognise ourselves among the targets. */
  readonly listenAddress: () => string;
  /** The Access-Control-Allow-Origin for this Origin: itself, `*`, or undefined when it may not read. */
  readonly allowedOrigin: (origin: string) => string | undefined;
  readonly lifecycleEnabled: boolean;
  /** --web.enable-admin-api */
  readonly adminEnabled?: boolean;
  /** Undefined while there is no database. */
  readonly admin?: AdminServices | undefined;
  /** Undefined while there is no database. */
  readonly exemplars?: () => ExemplarQueryable | undefined;
  /** Of the running configuration. */
  readonly externalLabels?: () => Labels;
  /** Undefined for a job that is not there. */
  readonly scrapePoolConfig?: (name: string) => ScrapePoolConfig | undefined;
  readonly notifications?: () => readonly Notification[];
  /**
   * Tells what holds and every change; false of the listener: not taken.
   * @returns a function that ends it; undefined when there are too many who listen
   */
  readonly subscribe?: (
    listener: (notification: Notification) => boolean,
  ) => (() => void) | undefined;
  /** What this server can do and has switched on, by category. */
  readonly features?: () => Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  readonly phase: () => ServerPhase;
  readonly targets: () => TargetsSource;
  /** URLs of the Alertmanagers. */
  readonly alertmanagers: () => {
    readonly active: readonly string[];
    readonly dropped: readonly string[];
  };
  readonly ruleGroups: () => readonly RuleGroup[];
  readonly configYaml: () => string;
  readonly flags: FlagsData;
  readonly buildInfo: BuildInfo;
  readonly runtimeInfo: () => RuntimeInfo;
  readonly walReplay: () => WalReplayStatus;
  /** Rejects with the reason when the new configuration was not taken. */
  readonly reload: () => Promise<void>;
  readonly quit: () => void;
  readonly uiSettings: Omit<UiSettings, 'consolesLink'>;
  /** Directory of the built page. */
  readonly uiDirectory: string;
  /** Directories of `--web.console.templates` and `--web.console.libraries`. */
  readonly consoles?: { readonly templates: string; readonly libraries: string };
  /** `--web.user-assets`; '' = none. */
  readonly userAssets: string;
}
