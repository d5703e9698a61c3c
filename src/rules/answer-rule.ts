// SPDX-License-Identifier: Apache-2.0
// The part of a rule's evaluation that runs where the queries run: the query itself, and the templates
// of an alert, which may ask further queries.

import type { Labels } from '../model/index.ts';
import {
  formatHistogram,
  labelsFrom,
  labelsKey,
  labelsToObject,
  METRIC_NAME,
} from '../model/index.ts';
import type { Engine, QueryControl, QueryResult } from '../promql/index.ts';
import type { Queryable } from '../storage/index.ts';
import type { QuerySample } from '../template/index.ts';
import { AlertExpander, type TemplateError } from '../template/index.ts';
import type { AlertTemplates, LastSample, RuleAnswer, RuleQuery, RuleSample } from './evaluator.ts';

/** What evaluates: an engine over a database, told when to stop. */
export interface RuleBackend {
  readonly engine: Engine;
  readonly queryable: Queryable;
  readonly control: QueryControl;
}

/** The elements of an instant vector or scalar. @throws Error for other results, as upstream */
function elementsOf(result: QueryResult): RuleSample[] {
  if (result.type === 'scalar') return [{ labels: [], value: result.value }];
  if (result.type !== 'vector') throw new Error('rule result is not a vector or scalar');
  const { series } = result;
  return Array.from({ length: series.count }, (_, i) => {
    const { values, histograms } = series.points(i);
    const histogram = histograms?.[0];
    const sample = { labels: series.labels(i), value: histogram?.sum ?? values[0]! };
    return histogram === undefined ? sample : { ...sample, histogram };
  });
}

function instant(backend: RuleBackend, query: string, timeMs: number): RuleSample[] {
  return elementsOf(backend.engine.instant(backend.queryable, { query, timeMs }, backend.control));
}

const toQuerySample = ({ labels, value }: RuleSample): QuerySample => ({
  labels: labelsToObject(labels),
  value,
});

/** The answer of an instant query as templates take it. @throws QueryError, Error */
export const templateQuery = (
  backend: RuleBackend,
  query: string,
  timeMs: number,
): readonly QuerySample[] => instant(backend, query, timeMs).map(toQuerySample);

/** `http://h:9090/prefix` → `/prefix`. */
export const pathOf = (url: string): string => /^[a-z]+:\/\/[^/]*(\/.*)?$/i.exec(url)?.[1] ?? '';

function expandAlerts(
  found: readonly RuleSample[],
  templates: AlertTemplates,
  backend: RuleBackend,
  timeMs: number,
): RuleAnswer {
  const templateErrors: string[] = [];
  const expander = new AlertExpander(templates.name, {
    query: (expression) => templateQuery(backend, expression, timeMs),
    nowMs: timeMs,
    externalUrl: templates.externalUrl,
    pathPrefix: pathOf(templates.externalUrl),
  });
  const samples = found.map((sample): RuleSample => {
    const labels = labelsToObject(sample.labels);
    const { histogram } = sample;
    const value = histogram === undefined ? sample.value : formatHistogram(histogram);
    const { externalLabels, externalUrl } = templates;
    const data = { labels, externalLabels, externalUrl, value };
    const failed = ({ message }: TemplateError): void => void templateErrors.push(message);
    const expand = (text: string): string => expander.expandOrExplain(text, data, failed);
    const own: Record<string, string> = { ...labels };
    delete own[METRIC_NAME];
    for (const [name, text] of Object.entries(templates.labels)) own[name] = expand(text);
    own.alertname = templates.name;
    const annotations = Object.fromEntries(
      Object.entries(templates.annotations).map(([name, text]) => [name, expand(text)]),
    );
    return { labels: labelsFrom(own), value: sample.value, annotations };
  });
  return { samples, templateErrors };
}

/** Evaluates one rule at one time. @throws QueryError, Error */
export function answerRule(query: RuleQuery, backend: RuleBackend): RuleAnswer {
  const { timeMs, expression } = query;
  const { engine, queryable, control } = backend;
  const result = engine.instant(queryable, { query: expression, timeMs }, control);
  const found = elementsOf(result);
  const { stats } = result;
  if (query.alert === undefined) return { samples: found, templateErrors: [], stats };
  return { ...expandAlerts(found, query.alert, backend, timeMs), stats };
}

/** The newest samples of a selector in a window before `timeMs`. @throws QueryError */
export function answerLastSamples(
  selector: string,
  timeMs: number,
  windowMs: number,
  backend: RuleBackend,
): readonly LastSample[] {
  const query = `${selector}[${windowMs}ms]`;
  const result = backend.engine.instant(backend.queryable, { query, timeMs }, backend.control);
  if (result.type !== 'matrix') return [];
  const newest = new Map<string, LastSample>();
  for (let i = 0; i < result.series.count; i++) {
    const labels: Labels = result.series.labels(i);
    const { times, values } = result.series.points(i);
    const last = times.length - 1;
    if (last < 0) continue;
    newest.set(labelsKey(labels), { labels, timeMs: times[last]!, value: values[last]! });
  }
  return [...newest.values()];
}
