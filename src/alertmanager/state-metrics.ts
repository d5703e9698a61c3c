// SPDX-License-Identifier: Apache-2.0
// What silences and the notification log say about themselves, under upstream's names.

import type { Clock } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';

const queryBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Texts {
  readonly gc: string;
  readonly snapshot: string;
  readonly size: string;
  readonly queries: string;
  readonly failures: string;
  readonly duration: string;
  readonly maintained: string;
  readonly unmaintained: string;
}

const texts: Readonly<Record<'silences' | 'nflog', Texts>> = {
  silences: {
    gc: 'Duration of the last silence garbage collection cycle.',
    snapshot: 'Duration of the last silence snapshot.',
    size: 'Size of the last silence snapshot in bytes.',
    queries: 'How many silence queries were received.',
    failures: 'How many silence received queries did not succeed.',
    duration: 'Duration of silence query evaluation.',
    maintained: 'How many maintenances were executed for silences.',
    unmaintained: 'How many maintenances were executed for silences that failed.',
  },
  nflog: {
    gc: 'Duration of the last notification log garbage collection cycle.',
    snapshot: 'Duration of the last notification log snapshot.',
    size: 'Size of the last notification log snapshot in bytes.',
    queries: 'Number of notification log queries were received.',
    failures: 'Number notification log received queries that failed.',
    duration: 'Duration of notification log query evaluation.',
    maintained: 'How many maintenances were executed for the notification log.',
    unmaintained: 'How many maintenances were executed for the notification log that failed.',
  },
};

/** What is kept over a restart, as its maintenance needs it. */
export interface MaintainedState {
  /** Forgets what has expired. @returns how many */
  collect(): number;
  /** Writes the snapshot. @throws FileError */
  save(): void;
  /** Bytes of the last snapshot. */
  readonly snapshotBytes: number;
  readonly size: number;
}

/** The instruments of one of the two; once for a registry. */
export class StateMetrics {
  private readonly clock: Clock;
  private readonly gc;
  private readonly snapshot;
  private readonly durations;
  private readonly queries;
  private readonly maintained;
  private readonly unmaintained;

  constructor(
    registry: Registry,
    clock: Clock,
    name: 'silences' | 'nflog',
    state: MaintainedState,
  ) {
    const at = `alertmanager_${name}_`;
    const text = texts[name];
    this.clock = clock;
    this.gc = registry.summary(`${at}gc_duration_seconds`, text.gc, { quantiles: [] });
    this.snapshot = registry.summary(`${at}snapshot_duration_seconds`, text.snapshot, {
      quantiles: [],
    });
    registry.gaugeFunction(`${at}snapshot_size_bytes`, text.size, () => state.snapshotBytes);
    this.queries = registry.counter(`${at}queries_total`, text.queries);
    // Looking into memory does not fail; who asks for the rate must find a counter.
    registry.counter(`${at}query_errors_total`, text.failures);
    this.durations = registry.histogram(`${at}query_duration_seconds`, text.duration, {
      buckets: queryBuckets,
    });
    this.maintained = registry.counter(`${at}maintenance_total`, text.maintained);
    this.unmaintained = registry.counter(`${at}maintenance_errors_total`, text.unmaintained);
    registry.counter(
      `${at}gossip_messages_propagated_total`,
      'Number of received gossip messages that have been further gossiped.',
    );
    if (name === 'silences')
      registry.gaugeFunction(`${at}state_size`, 'Number of silences in memory.', () => state.size);
  }

  /** Times a look into the state. */
  query<Result>(look: () => Result): Result {
    const started = this.clock.monotonicMs();
    this.queries.inc();
    const result = look();
    this.durations.observe((this.clock.monotonicMs() - started) / 1000);
    return result;
  }

  /** Forgets what has expired and writes the snapshot. @throws FileError */
  maintain(state: MaintainedState): void {
    const { clock } = this;
    this.maintained.inc();
    try {
      const started = clock.monotonicMs();
      state.collect();
      const collected = clock.monotonicMs();
      this.gc.observe((collected - started) / 1000);
      state.save();
      this.snapshot.observe((clock.monotonicMs() - collected) / 1000);
    } catch (error) {
      this.unmaintained.inc();
      throw error;
    }
  }
}
