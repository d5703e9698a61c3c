// SPDX-License-Identifier: Apache-2.0
// What discovery can be told, and what it tells.

import type { HttpClientOptions } from '../base/index.ts';
import type { Labels } from '../model/index.ts';

/** Targets that were found together. `source` tells groups of one provider apart. */
export interface TargetGroup {
  readonly source: string;
  /** The label sets of the single targets; each has `__address__`. */
  readonly targets: readonly Labels[];
  /** Labels all of them share; a target's own labels win. */
  readonly labels: Labels;
}

/** `static_configs`: one entry. */
export interface StaticConfig {
  /** Addresses, as `host:port`. */
  readonly targets: readonly string[];
  readonly labels: Labels;
}

/** `file_sd_configs`: one entry. */
export interface FileSdOptions {
  /** Globs with `*` in the last path element only, ending in .json, .yml or .yaml. */
  readonly files: readonly string[];
  readonly refreshIntervalMs: number;
}

/** `http_sd_configs`: one entry. */
export interface HttpSdOptions {
  readonly url: string;
  readonly refreshIntervalMs: number;
  readonly httpClient: HttpClientOptions;
}

/** Everything that finds targets for one job. */
export interface SdConfigs {
  readonly staticConfigs: readonly StaticConfig[];
  readonly fileSdConfigs: readonly FileSdOptions[];
  readonly httpSdConfigs: readonly HttpSdOptions[];
}

export const defaultFileSdRefreshIntervalMs = 300_000;
export const defaultHttpSdRefreshIntervalMs = 60_000;
