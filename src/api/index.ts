// SPDX-License-Identifier: Apache-2.0
export { ApiError, invalidParameter } from './answers.ts';
export type { JobBackend } from './answer-job.ts';
export { Api } from './api.ts';
export { EngineMetrics } from './engine-metrics.ts';
export type {
  QueryAnswer,
  QueryClient,
  QueryJob,
  QueryMeasures,
  QueryRunOptions,
  QueryWorkers,
} from './query-job.ts';
export type {
  AdminServices,
  ApiServices,
  Notification,
  RunningQueries,
  ScrapePoolConfig,
  ServerPhase,
  TargetsSource,
} from './services.ts';

/**
 * The function that answers jobs in a query worker. It brings the whole query engine with it, which the
 * main thread never runs and so should not load.
 */
export const loadAnswerJob = async () => (await import('./answer-job.ts')).answerJob;
