// SPDX-License-Identifier: Apache-2.0
import type { HttpClientOptions } from '../base/index.ts';
import type { RelabelRule } from '../model/index.ts';

/** How requests are signed for AWS (`sigv4`); '' = from the environment. */
export interface SigV4Options {
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly useFipsEndpoint: boolean;
}

/** One entry of `alerting.alertmanagers`: how its Alertmanagers are reached. */
export interface AlertmanagerSetOptions {
  readonly scheme: string;
  readonly pathPrefix: string;
  readonly timeoutMs: number;
  /** Of the discovered targets. */
  readonly relabelRules: readonly RelabelRule[];
  /** Of the alerts that go to these, after the common rules. */
  readonly alertRelabelRules: readonly RelabelRule[];
  readonly httpClient: HttpClientOptions;
  readonly sigv4?: SigV4Options;
}

export interface NotifierOptions {
  /** Of all alerts. */
  readonly alertRelabelRules: readonly RelabelRule[];
  /** By a key that stays the same while an entry does: `config-0`. */
  readonly sets: ReadonlyMap<string, AlertmanagerSetOptions>;
  readonly externalLabels: Readonly<Record<string, string>>;
}
