// SPDX-License-Identifier: Apache-2.0

export type ReceiverValue = string | number;

/** Immutable. Hashes are 16 hexadecimal digits; times milliseconds since the epoch. */
export interface LogEntry {
  readonly groupKey: string;
  readonly receiver: string;
  /** Type of the integration: `webhook`. */
  readonly integration: string;
  /** Its place among the receiver's integrations of that type. */
  readonly index: number;
  readonly timestampMs: number;
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  readonly expiresAtMs: number;
  /** What the integration wants to remember, e.g. the message to edit. */
  readonly receiverData: Readonly<Record<string, ReceiverValue>>;
}
