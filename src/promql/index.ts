// SPDX-License-Identifier: Apache-2.0
export * from './ast/nodes.ts';
export { selectorsOf } from './ast/selectors.ts';
export {
  Engine,
  type EngineOptions,
  type InstantRequest,
  type RangeRequest,
} from './engine/engine.ts';
export { QueryError, type QueryErrorCode } from './engine/errors.ts';
export type { Estimate, QueryEstimate } from './engine/estimate.ts';
export type { ActualCost, ExplainNode, Explanation } from './engine/explain.ts';
export type { EngineFeatures, QueryControl, QueryUse } from './operators/context.ts';
export { help, type HelpOptions, joinTask, type TaskShare } from './engine/help.ts';
export { closeFanRing, FAN_HELPERS_MAX, FanHelper, fanRingBytes, RingFanOut } from './fan/ring.ts';
export type { FanOut } from './operators/fan-out.ts';
export { encodeResponse } from './result/encode.ts';
export type {
  MatrixResult,
  Points,
  QueryResult,
  QueryStatistics,
  QueryTimings,
  ResultSeries,
  ScalarResult,
  StringResult,
  VectorResult,
} from './result/result.ts';
export { expressionToJson } from './format/json.ts';
export { formatExpression } from './format/pretty.ts';
export { expressionText } from './format/text.ts';
export { type FunctionSignature, functionSignatures } from './functions/signatures.ts';
export { typeText, valueTypeOf } from './functions/types.ts';
export { ParseError } from './parser/errors.ts';
export {
  allSyntaxFeatures,
  NESTING_MAX,
  type SyntaxFeatures,
  TREE_DEPTH_MAX,
} from './parser/options.ts';
export { parseExpression, parseSelector } from './parser/parser.ts';
export { histogramsAlike } from './script/compare.ts';
export { evaluateCommand } from './script/evaluate.ts';
export { addSeries, type LoadedSeries, type SampleSink, withStoredHints } from './script/load.ts';
export { nativeSeries } from './script/nhcb.ts';
export {
  type EvalCommand,
  type LoadCommand,
  parseScript,
  type ScriptCommand,
  ScriptError,
} from './script/script.ts';
export {
  parseMetric,
  parseSequence,
  parseSeriesDescription,
  type SequenceValue,
  type SeriesDescription,
} from './script/sequence.ts';
export { parseStartTimesLine, type StartOffset } from './script/start-times.ts';
// What an embedder needs besides: data to query.
export {
  MemoryStorage,
  type Querier,
  type Queryable,
  type SeriesSet,
  type SymbolSpace,
} from '../storage/index.ts';
export { type Labels, labelsFrom, type Matcher } from '../model/index.ts';
