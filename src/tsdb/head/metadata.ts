// SPDX-License-Identifier: Apache-2.0
// Type, unit and help of series, as the log keeps them when asked to. Equal texts are shared: there are far
// fewer of them than series.

import type { LoggedMetadata } from '../wal/records-other.ts';

export interface SeriesMetadata {
  /** Upstream's number: see metadataTypes. */
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

export class MetadataTable {
  private readonly bySeries = new Map<number, SeriesMetadata>();
  private readonly shared = new Map<string, SeriesMetadata>();

  /** Sets what is known of a series; false when it was known already. */
  set(id: number, { type, unit, help }: SeriesMetadata): boolean {
    const key = `${type}\xff${unit}\xff${help}`;
    let entry = this.shared.get(key);
    if (entry === undefined) {
      entry = { type, unit, help };
      this.shared.set(key, entry);
    }
    if (this.bySeries.get(id) === entry) return false;
    this.bySeries.set(id, entry);
    return true;
  }

  /** From the log. */
  restore(id: number, entry: LoggedMetadata): void {
    this.set(id, entry);
  }

  get(id: number): SeriesMetadata | undefined {
    return this.bySeries.get(id);
  }

  /** Forgets series that are gone, and texts that nobody uses any more. */
  retain(isThere: (id: number) => boolean): void {
    const used = new Set<SeriesMetadata>();
    for (const [id, entry] of this.bySeries) {
      if (isThere(id)) used.add(entry);
      else this.bySeries.delete(id);
    }
    for (const [key, entry] of this.shared) if (!used.has(entry)) this.shared.delete(key);
  }
}
