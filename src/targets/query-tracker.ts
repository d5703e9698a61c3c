// SPDX-License-Identifier: Apache-2.0
// The queries that are under way: listed, ended one by one, noted in `queries.active`.

import type { RunningQueries } from '../api/index.ts';
import type { RunningQuery } from '../apitypes/index.ts';
import type { Clock } from '../base/index.ts';
import type { SharedMemory } from '../kernels/index.ts';
import type { ActiveQueries } from './active-queries.ts';
import type { QueryCounts } from './query-counters.ts';
import { readCounts } from './query-counters.ts';

/** What a tracked query is. */
export interface TrackedQuery {
  readonly query: string;
  readonly kind: RunningQuery['kind'];
  readonly client?: string;
  readonly ruleGroup?: { readonly file: string; readonly name: string };
}

/** A query under way. */
export interface QueryTicket {
  /** Aborted when the client goes away or somebody ends the query. */
  readonly signal: AbortSignal;
  readonly onStart: (slot: number, id: number) => void;
  /** Of the worker that has it, or had it last. */
  counts(): QueryCounts | undefined;
  /** Known before it is given to the worker that runs it. */
  setEstimate(estimated: QueryCounts['estimated']): void;
}

class Ticket implements QueryTicket {
  readonly id: string;
  readonly what: TrackedQuery;
  readonly enteredMs: number;
  readonly controller = new AbortController();
  readonly onStart: (slot: number, id: number) => void;
  private readonly shared: SharedMemory;
  private place: { readonly slot: number; readonly id: number } | undefined;
  private estimated: QueryCounts['estimated'] | undefined;

  constructor(
    id: string,
    what: TrackedQuery,
    enteredMs: number,
    shared: SharedMemory,
    active: ActiveQueries,
  ) {
    this.id = id;
    this.what = what;
    this.enteredMs = enteredMs;
    this.shared = shared;
    this.onStart = (slot, requestId) => {
      this.place = { slot, id: requestId };
      active.begin(slot, this, what.query);
    };
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get slot(): number | undefined {
    return this.place?.slot;
  }

  counts(): QueryCounts | undefined {
    const { place } = this;
    return place === undefined ? undefined : readCounts(this.shared, place.slot, place.id);
  }

  setEstimate(estimated: QueryCounts['estimated']): void {
    this.estimated = estimated;
  }

  show(nowMs: number): RunningQuery {
    const counts = this.counts();
    const estimated = counts?.estimated ?? this.estimated;
    return {
      id: this.id,
      ...this.what,
      state: this.place === undefined ? 'waiting' : 'running',
      ageSeconds: (nowMs - this.enteredMs) / 1000,
      ...(estimated === undefined ? {} : { estimated }),
      ...(counts === undefined ? {} : { used: counts.used }),
    };
  }
}

export class QueryTracker implements RunningQueries {
  private readonly clock: Clock;
  private readonly shared: SharedMemory;
  private readonly active: ActiveQueries;
  private readonly tickets = new Map<string, Ticket>();
  private lastId = 0;

  constructor(clock: Clock, shared: SharedMemory, active: ActiveQueries) {
    this.clock = clock;
    this.shared = shared;
    this.active = active;
  }

  /** Runs `act`, listed as `what` until it settles. */
  async track<T>(
    what: TrackedQuery,
    signal: AbortSignal | undefined,
    act: (ticket: QueryTicket) => Promise<T>,
  ): Promise<T> {
    const id = `${++this.lastId}`;
    const enteredMs = this.clock.monotonicMs();
    const ticket = new Ticket(id, what, enteredMs, this.shared, this.active);
    const abort = (): void => ticket.controller.abort();
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort);
    this.tickets.set(id, ticket);
    try {
      return await act(ticket);
    } finally {
      this.tickets.delete(id);
      signal?.removeEventListener('abort', abort);
      if (ticket.slot !== undefined) this.active.end(ticket.slot, ticket);
    }
  }

  list(): readonly RunningQuery[] {
    const nowMs = this.clock.monotonicMs();
    return [...this.tickets.values()].map((ticket) => ticket.show(nowMs));
  }

  cancel(id: string): boolean {
    const ticket = this.tickets.get(id);
    ticket?.controller.abort();
    return ticket !== undefined;
  }
}
