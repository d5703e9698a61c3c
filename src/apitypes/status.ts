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
