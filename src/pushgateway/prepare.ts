// SPDX-License-Identifier: Apache-2.0
// What can be done with a push without knowing what is stored: parse it, put the group's labels in, check
// it in itself, write its record. For large pushes a worker does it, and only a small table and the
// record's bytes come back.

import { crc32c } from '../encoding/index.ts';
import type { Metric, NameScheme } from '../model/index.ts';
import { isValidLabelName, isValidMetricName } from '../model/index.ts';
import { BodyError, parseBody } from './body.ts';
import type { Faults } from './consistency.ts';
import { faultsInside } from './consistency.ts';
import { groupingOfPairs } from './grouping.ts';
import type { RecordFamily } from './record.ts';
import { RecordEncoder, RecordKind } from './record.ts';
import type { SanitizedFamily } from './sanitize.ts';
import { commonPairs, sanitizeFamily } from './sanitize.ts';

export interface PrepareRequest {
  /** The body, decompressed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly scheme: NameScheme;
  /** Labels of the group. */
  readonly pairs: readonly string[];
  readonly replace: boolean;
  readonly expiresMs: number;
  readonly timeMs: number;
  /** Names that are left out of the push. */
  readonly reserved: readonly string[];
}

/** A family of a prepared push; its metrics are in the push's record. */
export interface PreparedFamily extends Omit<RecordFamily, 'bytes'> {
  readonly firstKey: string;
  readonly lastKey: string;
  readonly isLegacy: boolean;
  /** What is wrong in the family itself. */
  readonly inside: Faults;
  /** Shown where the whole family is wrong. */
  readonly first: Metric | undefined;
  readonly hasStray: boolean;
}

export interface PreparedPush {
  /** The families as one record of the log, and its CRC-32C. */
  readonly record: Uint8Array<ArrayBuffer>;
  readonly checksum: number;
  readonly families: readonly PreparedFamily[];
  readonly hasTimestamps: boolean;
  readonly timeMs: number;
  readonly replace: boolean;
  readonly expiresMs: number;
}

export type PrepareReply =
  | { readonly prepared: PreparedPush }
  | { readonly status: 400 | 413; readonly message: string };

/** Where large pushes are prepared. */
export type PreparePush = (request: PrepareRequest) => Promise<PrepareReply>;

const isLegacyFamily = ({ name, metrics }: SanitizedFamily): boolean =>
  isValidMetricName(name, 'legacy') &&
  metrics.every(({ labels }) =>
    labels.every((text, i) => i % 2 === 1 || isValidLabelName(text, 'legacy')),
  );

function prepared(request: PrepareRequest): PreparedPush {
  const { bytes, contentType, scheme, pairs, replace, expiresMs, timeMs, reserved } = request;
  const common = commonPairs(groupingOfPairs(pairs));
  const families: SanitizedFamily[] = [];
  let hasTimestamps = false;
  for (const family of parseBody(bytes, contentType, scheme).values()) {
    if (reserved.includes(family.name)) continue;
    if (family.metrics.some(({ timestampMs }) => timestampMs !== undefined)) hasTimestamps = true;
    else families.push(sanitizeFamily(family, common));
  }
  const kind = replace ? RecordKind.replace : RecordKind.update;
  const record = new RecordEncoder().encode(
    { kind, pairs, expiresMs },
    families.map((family) => ({ family, timeMs })),
  );
  return {
    record: record.bytes,
    checksum: crc32c(record.bytes, 0, record.bytes.length),
    families: families.map((family, i) => {
      const { bytes: _, ...place } = record.families[i]!;
      return {
        ...place,
        firstKey: family.keys[0] ?? '',
        lastKey: family.keys.at(-1) ?? '',
        isLegacy: scheme === 'legacy' || isLegacyFamily(family),
        inside: faultsInside(family, scheme),
        first: family.metrics[0],
        hasStray: family.metrics.some(({ strayKind }) => strayKind !== undefined),
      };
    }),
    hasTimestamps,
    timeMs,
    replace,
    expiresMs,
  };
}

/** Prepares a push. Cost: O(metrics log metrics), some 100 ms for a megabyte of text. */
export function preparePush(request: PrepareRequest): PrepareReply {
  try {
    return { prepared: prepared(request) };
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    return { status: error.status, message: error.message };
  }
}
