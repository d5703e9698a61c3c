// SPDX-License-Identifier: Apache-2.0
// Answers of /status/*.

import type { TimeText } from './envelope.ts';

/** /status/config: the running configuration, secrets hidden. */
export interface ConfigData {
  readonly yaml: string;
}

/** /status/flags: flag name without dashes to its value. */
export type FlagsData = Readonly<Record<string, string>>;

/** /status/buildinfo and /version. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  readonly buildDate: string;
  readonly goVersion: string;
}

/** /status/runtimeinfo. Names as upstream's; the GO… ones say what comes nearest in our runtime. */
export interface RuntimeInfo {
  readonly startTime: TimeText;
  readonly CWD: string;
  readonly hostname: string;
  readonly serverTime: TimeText;
  readonly reloadConfigSuccess: boolean;
  readonly lastConfigTime: TimeText;
  readonly corruptionCount: number;
  readonly goroutineCount: number;
  readonly GOMAXPROCS: number;
  readonly GOMEMLIMIT: number;
  readonly GOGC: string;
  readonly GODEBUG: string;
  readonly storageRetention: string;
}

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** /status/tsdb. Times are milliseconds. */
export interface TsdbStatus {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

/** /status/walreplay: segment numbers. */
export interface WalReplayStatus {
  readonly min: number;
  readonly max: number;
  readonly current: number;
  /** Only while starting. */
  readonly state?: string;
}

/** One entry of /status/queries (ours). */
export interface RunningQuery {
  /** For /admin/queries/<id>/cancel. */
  readonly id: string;
  readonly query: string;
  /**
   * `instant`, `range`, `explain`, `labels`, `labelValues`, `series`, `federate`, `console` or
   * `rule`.
   */
  readonly kind: string;
  /** `waiting` for a worker or for other queries to end. */
  readonly state: 'waiting' | 'running';
  /** Since it came. */
  readonly ageSeconds: number;
  /** Of reading; not there before it is planned. */
  readonly estimated?: { readonly series: number; readonly samples: number };
  /** Samples looked at so far, and bytes that its results take now. */
  readonly used?: { readonly samples: number; readonly bytes: number };
  /** Address of whoever asked; not there for rules. */
  readonly client?: string;
  readonly ruleGroup?: { readonly file: string; readonly name: string };
}
