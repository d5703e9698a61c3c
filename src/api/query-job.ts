// SPDX-License-Identifier: Apache-2.0
// What the main thread asks of a query worker, and what it gets back: plain values, so that they can be
// posted between threads.

import type { ErrorType } from '../apitypes/index.ts';
import type { Labels } from '../model/index.ts';
import type { QueryStatistics } from '../promql/index.ts';
import type { ConsoleData, ConsoleSource } from '../template/index.ts';

interface QueryText {
  readonly query: string;
  /** Series to return; 0 = all. */
  readonly limit: number;
  /** 0: the server's own. */
  readonly lookbackDeltaMs: number;
  /** The parameter `stats`; '' = none. */
  readonly stats: string;
}

interface Lookup {
  /** Series selectors as given; none = everything. */
  readonly selectors: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  /** 0 = all. */
  readonly limit: number;
}

type InstantJob = QueryText & { readonly kind: 'instant'; readonly timeMs: number };

type RangeJob = QueryText & {
  readonly kind: 'range';
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
};

export interface ConsoleJob {
  readonly kind: 'console';
  readonly source: ConsoleSource;
  readonly data: ConsoleData;
  readonly timeMs: number;
  readonly externalUrl: string;
}

export type QueryJob =
  | InstantJob
  | RangeJob
  /** The plan of a query with its costs; `analyze` runs it. */
  | {
      readonly kind: 'explain';
      readonly request: InstantJob | RangeJob;
      readonly analyze: boolean;
    }
  | (Lookup & { readonly kind: 'labels' })
  | (Lookup & { readonly kind: 'labelValues'; readonly name: string })
  | (Lookup & { readonly kind: 'series' })
  | { readonly kind: 'tsdb'; readonly limit: number }
  | { readonly kind: 'format'; readonly query: string }
  | { readonly kind: 'parse'; readonly query: string }
  /** Parses a series selector; the envelope's data is a list of matchers. */
  | { readonly kind: 'selector'; readonly selector: string }
  /** The series selectors of an expression; the envelope's data is a list of lists of matchers. */
  | { readonly kind: 'selectors'; readonly query: string }
  /** The newest samples as an exposition, without an envelope. */
  | {
      readonly kind: 'federate';
      readonly selectors: readonly string[];
      readonly timeMs: number;
      /** The scraper's Accept header. */
      readonly accept: string;
      readonly externalLabels: Labels;
    }
  /** A console page, as HTML without an envelope. */
  | ConsoleJob;

/** What one query took; seconds, counts. For the engine's metrics. */
export interface QueryMeasures {
  readonly queueSeconds: number;
  readonly prepareSeconds: number;
  readonly innerEvalSeconds: number;
  readonly resultSortSeconds: number;
  readonly samples: number;
  readonly samplesRead: number;
  readonly peakSamples: number;
  /** As `stats` shows them, for the query log. */
  readonly stats?: QueryStatistics;
}

/** Who asks. */
export interface QueryClient {
  /** Without a port. */
  readonly address: string;
  readonly method: string;
  /** With the route prefix. */
  readonly path: string;
}

export interface QueryRunOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly client?: QueryClient;
}

export type QueryAnswer =
  | {
      readonly ok: true;
      /** The whole answer, envelope included. */
      readonly body: Uint8Array;
      readonly measures?: QueryMeasures;
    }
  | {
      readonly ok: false;
      readonly errorType: ErrorType;
      readonly message: string;
      readonly measures?: QueryMeasures;
    };

/** Whoever has jobs answered: the worker pool, or a test. */
export interface QueryWorkers {
  /** @throws ApiError when no worker answered (timeout, canceled, crashed, queue full) */
  run(job: QueryJob, options: QueryRunOptions): Promise<QueryAnswer>;
}
