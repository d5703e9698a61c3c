// SPDX-License-Identifier: Apache-2.0
// What the configuration says of each way of telling people. Texts marked (template) are Go templates.

import type { HttpClientOptions, SecretSource } from '../../base/index.ts';

/** What every integration has. */
export interface IntegrationBase {
  readonly sendResolved: boolean;
  readonly httpClient: HttpClientOptions;
}

export interface WebhookOptions extends IntegrationBase {
  readonly type: 'webhook';
  /** (template) */
  readonly url: SecretSource;
  /** 0 = all. */
  readonly maxAlerts: number;
  /** 0 = only the flush's own. */
  readonly timeoutMs: number;
  /** Replaces the default body: every text in it is a template. */
  readonly payload: unknown;
}

export type IntegrationOptions = WebhookOptions;

export interface ReceiverOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly integrations: readonly IntegrationOptions[];
}
