// SPDX-License-Identifier: Apache-2.0
// All that was pushed under one name, over all groups: in output order, with the text that a scrape gets
// kept until something changes.

import { openMetricsLines, textLines } from '../metrics/index.ts';
import type { FamilyType, Metric } from '../model/index.ts';
import { encodePieces } from './encode-pieces.ts';
import type { Grouping } from './grouping.ts';
import type { RecordFamily } from './record.ts';
import { metricsOf } from './record.ts';
import { identityOf, sortKey } from './sanitize.ts';

export type LineFormat = 'text' | 'openmetrics';

/** Sort keys of a block's metrics, ascending. */
export interface BlockKeys {
  /** '' where there are no metrics. */
  readonly first: string;
  readonly last: string;
  /** All of them, where they are kept; else they are made from the metrics. */
  readonly all: readonly string[] | undefined;
}

export const blockKeys = (all: readonly string[]): BlockKeys => ({
  first: all[0] ?? '',
  last: all.at(-1) ?? '',
  all,
});

/** One family of one group. */
export class Block {
  readonly grouping: Grouping;
  readonly stored: RecordFamily;
  /** Shared with the block before where nothing but values changed. */
  readonly keys: BlockKeys;
  /** Place in the index's order while that holds. */
  position = -1;
  private readonly lines: { text?: string; openmetrics?: string } = {};
  private readonly rows: { text?: readonly string[]; openmetrics?: readonly string[] } = {};
  private identities: ReadonlySet<string> | undefined;

  /** Whether all names are of the old charset. */
  readonly isLegacy: boolean;

  constructor(grouping: Grouping, stored: RecordFamily, keys: BlockKeys, isLegacy: boolean) {
    this.grouping = grouping;
    this.stored = stored;
    this.keys = keys;
    this.isLegacy = isLegacy;
  }

  metrics(): Metric[] {
    return metricsOf(this.stored);
  }

  /** The sort key of each metric. */
  allKeys(): readonly string[] {
    return this.keys.all ?? this.metrics().map(({ labels }) => sortKey(labels));
  }

  /** The sample lines of all metrics. Kept: the next call costs nothing. */
  linesIn(format: LineFormat): string {
    let lines = this.lines[format];
    if (lines === undefined) {
      const { name, help, type } = this.stored;
      const write = format === 'text' ? textLines : openMetricsLines;
      lines = write({ name, help, type, metrics: this.metrics() });
      this.lines[format] = lines;
    }
    return lines;
  }

  /** The sample lines of each metric, for mixing them with those of other blocks. Kept likewise. */
  rowsIn(format: LineFormat): readonly string[] {
    let rows = this.rows[format];
    if (rows === undefined) {
      const { name, help, type } = this.stored;
      const write = format === 'text' ? textLines : openMetricsLines;
      rows = this.metrics().map((metric) => write({ name, help, type, metrics: [metric] }));
      this.rows[format] = rows;
    }
    return rows;
  }

  /** The label sets of all metrics; see {@link identityOf}. */
  labelSets(): ReadonlySet<string> {
    this.identities ??= new Set(this.metrics().map(({ labels }) => identityOf(labels)));
    return this.identities;
  }
}

function sameKeys({ all: a }: BlockKeys, { all: b }: BlockKeys): boolean {
  if (a === undefined || b === undefined) return false;
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Where metrics are, in output order: the position of the block of each and its number in it. */
interface Rows {
  readonly blocks: Int32Array;
  readonly indexes: Int32Array;
}

/** The order of the metrics of all blocks. Cost: O(n log n). */
function mixedRows(order: readonly Block[]): Rows {
  const keys: string[] = [];
  const places: number[] = [];
  const indexes: number[] = [];
  for (let place = 0; place < order.length; place++) {
    const own = order[place]!.allKeys();
    for (let index = 0; index < own.length; index++) {
      keys.push(own[index]!);
      places.push(place);
      indexes.push(index);
    }
  }
  const sorted = Int32Array.from(keys, (_, i) => i).sort((a, b) =>
    keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b,
  );
  return {
    blocks: sorted.map((i) => places[i]!),
    indexes: sorted.map((i) => indexes[i]!),
  };
}

export class FamilyIndex {
  readonly name: string;
  /** By key of the group, in order of first appearance. */
  readonly blocks = new Map<string, Block>();
  /** How many groups there are of each combination of label names. */
  readonly signatures = new Map<string, number>();
  private order: Block[] | undefined;
  /** Only where blocks must be mixed: undefined is the order of the blocks. */
  private rows: Rows | undefined;
  private readonly texts: { text?: Uint8Array; openmetrics?: Uint8Array } = {};
  private nonLegacy = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The first group's block: its help and type stand for all. */
  get first(): RecordFamily {
    for (const block of this.blocks.values()) return block.stored;
    throw new Error(`BUG: family ${this.name} has no blocks`);
  }

  get type(): FamilyType {
    return this.first.type;
  }

  /** Puts a block in the place of its group's. */
  set(grouping: Grouping, stored: RecordFamily, keys: BlockKeys, isLegacy: boolean): void {
    const before = this.blocks.get(grouping.key);
    const same = before !== undefined && sameKeys(before.keys, keys);
    const block = new Block(grouping, stored, same ? before.keys : keys, isLegacy);
    this.nonLegacy += (isLegacy ? 0 : 1) - (before === undefined || before.isLegacy ? 0 : 1);
    this.blocks.set(grouping.key, block);
    if (before === undefined) {
      const { signature } = grouping;
      this.signatures.set(signature, (this.signatures.get(signature) ?? 0) + 1);
    }
    if (this.order !== undefined && before !== undefined && this.keepsPlace(before, block, same)) {
      block.position = before.position;
      this.order[before.position] = block;
    } else this.order = undefined;
    this.changed();
  }

  /** Whether the order of all metrics is as before. Unmixed, the ends of the blocks decide it. */
  private keepsPlace(before: Block, after: Block, same: boolean): boolean {
    if (same) return true;
    const isEmpty = before.stored.count === 0 || after.stored.count === 0;
    const sameEnds = before.keys.first === after.keys.first && before.keys.last === after.keys.last;
    return this.rows === undefined && !isEmpty && sameEnds;
  }

  delete(grouping: Grouping): void {
    const before = this.blocks.get(grouping.key);
    if (before === undefined) return;
    this.blocks.delete(grouping.key);
    if (!before.isLegacy) this.nonLegacy--;
    const { signature } = grouping;
    const count = (this.signatures.get(signature) ?? 0) - 1;
    if (count > 0) this.signatures.set(signature, count);
    else this.signatures.delete(signature);
    this.order = undefined;
    this.changed();
  }

  private changed(): void {
    delete this.texts.text;
    delete this.texts.openmetrics;
  }

  /** Blocks by their first metric. Mostly that is the order of all metrics; else there are `rows`. */
  private ordered(): readonly Block[] {
    if (this.order !== undefined) return this.order;
    const order = [...this.blocks.values()].filter(({ stored }) => stored.count > 0);
    order.sort(({ keys: a }, { keys: b }) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    let overlapping = false;
    for (let i = 0; i < order.length; i++) {
      order[i]!.position = i;
      overlapping ||= i > 0 && order[i - 1]!.keys.last > order[i]!.keys.first;
    }
    this.rows = overlapping ? mixedRows(order) : undefined;
    this.order = order;
    return order;
  }

  /** Whether no group has a metric of it: protobuf can say so, and it is not exposed then. */
  get isEmpty(): boolean {
    return this.ordered().length === 0;
  }

  /** All metrics in output order. */
  metrics(): Metric[] {
    const order = this.ordered();
    const decoded = order.map((block) => block.metrics());
    const { rows } = this;
    if (rows === undefined) return decoded.flat();
    return Array.from(rows.blocks, (place, i) => decoded[place]![rows.indexes[i]!]!);
  }

  /** The sample lines of all metrics, kept until something changes. */
  linesIn(format: LineFormat): Uint8Array {
    const kept = this.texts[format];
    if (kept !== undefined) return kept;
    const order = this.ordered();
    const { rows } = this;
    const pieces: string[] = [];
    if (rows === undefined) {
      for (const block of order) pieces.push(block.linesIn(format));
    } else {
      const lines = order.map((block) => block.rowsIn(format));
      const { blocks, indexes } = rows;
      for (let i = 0; i < blocks.length; i++) pieces.push(lines[blocks[i]!]![indexes[i]!]!);
    }
    const bytes = encodePieces(pieces);
    this.texts[format] = bytes;
    return bytes;
  }

  /** Metric fields of a MetricFamily message; undefined where blocks must be mixed. */
  protobufParts(): readonly Uint8Array[] | undefined {
    const order = this.ordered();
    if (this.rows !== undefined) return undefined;
    return order.map(({ stored }) => stored.bytes.subarray(stored.start, stored.end));
  }

  /** Whether all names are of the old charset, so that no reader needs them escaped. */
  get hasLegacyNames(): boolean {
    return this.nonLegacy === 0;
  }
}
