// SPDX-License-Identifier: Apache-2.0
// Targets by scrape pool, filtered.

import type {
  ActiveTarget,
  DroppedTarget,
  LabelObject,
  TargetHealth,
  TargetsData,
} from '../../../src/apitypes/index.ts';

export interface TargetFilter {
  /** '' is every pool. */
  readonly pool: string;
  /** Empty is every health. */
  readonly health: readonly TargetHealth[];
  /** Words that must all stand in a target's labels, URL or error. */
  readonly search: string;
}

export interface TargetPool {
  readonly name: string;
  /** Those that fit the filter. */
  readonly targets: readonly ActiveTarget[];
  /** Of all targets of the pool. */
  readonly upCount: number;
  readonly totalCount: number;
}

export const healthOrder: readonly TargetHealth[] = ['down', 'unknown', 'up'];

const labelText = (labels: LabelObject): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ');

/** Whether every word of `search` stands in one of the texts. Case does not matter. */
export function fits(search: string, texts: () => string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = texts().toLowerCase();
  return words.every((word) => text.includes(word));
}

function fitsTarget(target: ActiveTarget, filter: TargetFilter): boolean {
  if (filter.health.length > 0 && !filter.health.includes(target.health)) return false;
  return fits(
    filter.search,
    () => `${target.scrapeUrl} ${labelText(target.labels)} ${target.lastError}`,
  );
}

/** Pools with at least one fitting target, by name; in each what is not well comes first. */
export function groupTargets(targets: readonly ActiveTarget[], filter: TargetFilter): TargetPool[] {
  const byName = new Map<string, ActiveTarget[]>();
  for (const target of targets) {
    if (filter.pool !== '' && target.scrapePool !== filter.pool) continue;
    const pool = byName.get(target.scrapePool);
    if (pool === undefined) byName.set(target.scrapePool, [target]);
    else pool.push(target);
  }
  const pools: TargetPool[] = [];
  for (const [name, all] of byName) {
    const fitting = all
      .filter((target) => fitsTarget(target, filter))
      .sort((a, b) => healthOrder.indexOf(a.health) - healthOrder.indexOf(b.health));
    if (fitting.length === 0) continue;
    const upCount = all.filter(({ health }) => health === 'up').length;
    pools.push({ name, targets: fitting, upCount, totalCount: all.length });
  }
  return pools.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Targets per health. */
export function countHealth(targets: readonly ActiveTarget[]): Record<TargetHealth, number> {
  const counts = { up: 0, down: 0, unknown: 0 };
  for (const { health } of targets) counts[health] += 1;
  return counts;
}

export interface DiscoveredTarget {
  readonly discoveredLabels: LabelObject;
  /** undefined when relabelling dropped it. */
  readonly labels: LabelObject | undefined;
}

export interface DiscoveryPool {
  readonly name: string;
  readonly targets: readonly DiscoveredTarget[];
  readonly activeCount: number;
  /** All of them, kept or not. */
  readonly droppedCount: number;
}

export interface DiscoveryFilter {
  readonly pool: string;
  readonly state: '' | 'active' | 'dropped';
  readonly search: string;
}

/** What was discovered, by pool. */
export function groupDiscovered(data: TargetsData, filter: DiscoveryFilter): DiscoveryPool[] {
  const names = new Set([
    ...data.activeTargets.map(({ scrapePool }) => scrapePool),
    ...data.droppedTargets.map(({ scrapePool }) => scrapePool),
    ...Object.keys(data.droppedTargetCounts),
  ]);
  const inPool = (name: string) => (one: ActiveTarget | DroppedTarget) => one.scrapePool === name;
  const pools: DiscoveryPool[] = [];
  for (const name of [...names].sort((a, b) => (a < b ? -1 : 1))) {
    if (filter.pool !== '' && name !== filter.pool) continue;
    const active = data.activeTargets.filter(inPool(name));
    const dropped = data.droppedTargets.filter(inPool(name));
    const all: DiscoveredTarget[] = [
      ...(filter.state === 'dropped' ? [] : active),
      ...(filter.state === 'active'
        ? []
        : dropped.map(({ discoveredLabels }) => ({ discoveredLabels, labels: undefined }))),
    ];
    const targets = all.filter(({ discoveredLabels, labels }) =>
      fits(filter.search, () => `${labelText(discoveredLabels)} ${labelText(labels ?? {})}`),
    );
    const droppedCount = data.droppedTargetCounts[name] ?? dropped.length;
    const isFiltered = filter.search !== '' || filter.state !== '';
    if (isFiltered && targets.length === 0) continue;
    pools.push({ name, targets, activeCount: active.length, droppedCount });
  }
  return pools;
}
