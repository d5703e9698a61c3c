// SPDX-License-Identifier: Apache-2.0
export { ApiError, invalidParameter } from './answers.ts';
export { Api } from './api.ts';
export { EngineMetrics } from './engine-metrics.ts';
export type { QueryAnswer, QueryJob, QueryMeasures, QueryWorkers } from './query-job.ts';
export type { ApiServices, ServerPhase, TargetsSource } from './services.ts';
