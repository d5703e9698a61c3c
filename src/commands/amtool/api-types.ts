// SPDX-License-Identifier: Apache-2.0
// What the Alertmanager's API answers, in the order in which amtool's JSON shows the keys.

export type Texts = Readonly<Record<string, string>>;

export interface ApiMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual?: boolean;
}

export interface ApiSilence {
  readonly id: string;
  readonly status: { readonly state: string };
  readonly updatedAt: string;
  readonly annotations?: Texts;
  readonly comment: string;
  readonly createdBy: string;
  readonly endsAt: string;
  readonly matchers: readonly ApiMatcher[];
  readonly startsAt: string;
}

export interface ApiAlert {
  readonly annotations: Texts;
  readonly endsAt: string;
  readonly fingerprint: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly startsAt: string;
  readonly status: {
    readonly inhibitedBy: readonly string[];
    readonly mutedBy?: readonly string[];
    readonly silencedBy: readonly string[];
    readonly state: string;
  };
  readonly updatedAt: string;
  readonly generatorURL?: string;
  readonly labels: Texts;
}

export interface ApiCluster {
  readonly name?: string;
  readonly peers?: readonly { readonly address: string; readonly name: string }[];
  readonly status: string;
}

export interface ApiStatus {
  readonly cluster: ApiCluster;
  readonly config: { readonly original: string };
  readonly uptime: string;
  readonly versionInfo: {
    readonly branch: string;
    readonly buildDate: string;
    readonly buildUser: string;
    readonly goVersion: string;
    readonly revision: string;
    readonly version: string;
  };
}
