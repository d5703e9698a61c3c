// SPDX-License-Identifier: Apache-2.0
// How long and how much is kept: the configuration file over the flags, and what follows from both.

import type { RetentionOptions } from '../config/index.ts';
import { formatByteSize, formatDuration } from '../model/index.ts';

/** Retention as the flags say. */
export interface FlagRetention {
  /** Undefined: the flag is not given. 0 = no limit. */
  readonly timeMs: number | undefined;
  readonly sizeBytes: number;
}

/** 0 = no limit, in each. */
export interface EffectiveRetention {
  readonly durationMs: number;
  readonly sizeBytes: number;
  /** Of the disk; `sizeBytes` is 0 then. */
  readonly percentage: number;
}

const RETENTION_MS = 15 * 24 * 3600 * 1000;

/** What holds: each key of the file's block before its flag; 15 days when nothing says anything. */
export function retentionLimits(
  flags: FlagRetention,
  file: RetentionOptions | undefined,
): EffectiveRetention {
  const percentage = file?.percentage ?? 0;
  const sizeBytes = percentage > 0 ? 0 : (file?.sizeBytes ?? flags.sizeBytes);
  const byDefault = sizeBytes === 0 && percentage === 0 ? RETENTION_MS : 0;
  const durationMs = file?.timeMs ?? flags.timeMs ?? byDefault;
  return { durationMs, sizeBytes, percentage };
}

/** As `storageRetention` of the runtime information shows it: `15d or 10GiB or 80%`. */
export function retentionText({ durationMs, sizeBytes, percentage }: EffectiveRetention): string {
  const parts: string[] = [];
  if (durationMs > 0) parts.push(formatDuration(durationMs));
  if (sizeBytes > 0) parts.push(formatByteSize(sizeBytes));
  if (percentage > 0) parts.push(`${percentage}%`);
  return parts.join(' or ');
}
