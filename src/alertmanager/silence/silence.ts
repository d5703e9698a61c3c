// SPDX-License-Identifier: Apache-2.0
import type { Matcher } from '../../model/index.ts';

/** Immutable. Times are milliseconds since the epoch. */
export interface Silence {
  /** A UUID; '' before it has one. */
  readonly id: string;
  /** An alert that all of these match is silenced. */
  readonly matchers: readonly Matcher[];
  /** So is one that all of any of these sets match. They come with snapshots; the API cannot say them. */
  readonly moreMatcherSets?: readonly (readonly Matcher[])[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export type SilenceState = 'pending' | 'active' | 'expired';

export function silenceState({ startsAtMs, endsAtMs }: Silence, nowMs: number): SilenceState {
  if (nowMs < startsAtMs) return 'pending';
  return nowMs < endsAtMs ? 'active' : 'expired';
}
