// SPDX-License-Identifier: Apache-2.0
export * from './ast/nodes.ts';
export {
  Engine,
  type EngineOptions,
  type InstantRequest,
  type RangeRequest,
} from './engine/engine.ts';
export { QueryError, type QueryErrorCode } from './engine/errors.ts';
export type { EngineFeatures, QueryControl } from './operators/context.ts';
export { encodeResponse } from './result/encode.ts';
export type {
  MatrixResult,
  Points,
  QueryResult,
  QueryStatistics,
  ResultSeries,
  ScalarResult,
  StringResult,
  VectorResult,
} from './result/result.ts';
export {
  expressionToJson,
  formatExpression,
  parseExpression,
  parseSelector,
} from './engine/parse.ts';
