// SPDX-License-Identifier: Apache-2.0
// The functions of templates in rules and consoles.

import { assert } from '../base/index.ts';
import { compareText, parseDuration, quote, SearchPattern } from '../model/index.ts';
import { escapeQuery } from './builtins.ts';
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  toDuration,
  toTime,
} from './humanize.ts';
import type { TemplateFunctions } from './template.ts';
import type { TemplateFunction, Value } from './values.ts';
import { GoMap, isList, MethodList, SafeHtml, Struct } from './values.ts';

/** One element of a query's answer. */
export interface QuerySample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What the functions need from around them. */
export interface RuleTemplateContext {
  /** Runs an instant query at the evaluation's time. @throws Error */
  query(expression: string): readonly QuerySample[];
  /** Time of the evaluation, milliseconds since the epoch. */
  readonly nowMs: number;
  readonly externalUrl: string;
  /** Path of the external URL. */
  readonly pathPrefix: string;
}

const fn = (
  parameters: TemplateFunction['parameters'],
  call: TemplateFunction['call'],
): TemplateFunction => ({ parameters, call });

const number = (call: (value: Value) => Value): TemplateFunction => fn(['any'], ([v]) => call(v));
const text = (call: (text: string) => Value): TemplateFunction =>
  fn(['string'], ([value]) => call(textOf(value)));

const textOf = (value: Value): string => (value instanceof SafeHtml ? value.text : String(value));

export const sampleValue = (sample: QuerySample): Struct =>
  new Struct('*template.sample', { Labels: GoMap.ofStrings(sample.labels), Value: sample.value });

const resultOf = (samples: readonly Value[]): MethodList =>
  new MethodList(samples, 'template.queryResult', {});

function labelsOf(sample: Value): GoMap {
  const labels = sample instanceof Struct ? sample.fields.get('Labels') : undefined;
  assert(labels instanceof GoMap, 'a sample has labels');
  return labels;
}

/** As Go's MustCompile and ReplaceAllString: a bad pattern is told of with the pattern. */
export function replaceAllMatches(pattern: string, replacement: string, value: string): string {
  let compiled: SearchPattern;
  try {
    compiled = new SearchPattern(pattern);
  } catch (error) {
    const shown = /[`\p{Cc}]/u.test(pattern) ? quote(pattern) : `\`${pattern}\``;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`regexp: Compile(${shown}): ${why}`, { cause: error });
  }
  return compiled.replaceAll(value, replacement);
}

/** First letters in upper case, as Go's strings.Title. */
export const titleCase = (value: string): string =>
  value.replace(
    /(^|[^\p{L}\p{Nd}_'’])(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );

const graphLink = (expression: string, tab: number): string =>
  `/graph?g0.expr=${escapeQuery(expression)}&g0.tab=${tab}`;

/** host:port → [host, port]; undefined when it is not of that form. */
function splitHostPort(address: string): [string, string] | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(address);
  return match === null ? undefined : [match[1] ?? match[2] ?? '', match[3] ?? ''];
}

function stripDomain(address: string): string {
  const parts = splitHostPort(address);
  const host = parts?.[0] ?? address;
  if (/^[0-9.]+$/.test(host) || host.includes(':')) return address;
  const bare = host.split('.')[0] ?? '';
  return parts === undefined ? bare : `${bare}:${parts[1]}`;
}

function sortByLabel(samples: Value, label: string): Value {
  if (!isList(samples)) return samples;
  const sorted = [...samples].sort((a, b) =>
    compareText(String(labelsOf(a).get(label)), String(labelsOf(b).get(label))),
  );
  return resultOf(sorted);
}

const textFunctions: TemplateFunctions = {
  reReplaceAll: fn(['string', 'string', 'string'], ([pattern, replacement, value]) =>
    replaceAllMatches(textOf(pattern), textOf(replacement), textOf(value)),
  ),
  match: fn(['string', 'string'], ([pattern, value]) =>
    new SearchPattern(textOf(pattern)).foundIn(textOf(value)),
  ),
  safeHtml: text((value) => new SafeHtml(value)),
  title: text(titleCase),
  toUpper: text((value) => value.toUpperCase()),
  toLower: text((value) => value.toLowerCase()),
  graphLink: text((expression) => graphLink(expression, 0)),
  tableLink: text((expression) => graphLink(expression, 1)),
  stripPort: text((address) => splitHostPort(address)?.[0] ?? address),
  stripDomain: text(stripDomain),
  urlQueryEscape: text(escapeQuery),
  parseDuration: text((duration) => parseDuration(duration) / 1000),
};

const numberFunctions: TemplateFunctions = {
  humanize: number(humanize),
  humanize1024: number(humanize1024),
  humanizeDuration: number(humanizeDuration),
  humanizePercentage: number(humanizePercentage),
  humanizeTimestamp: number(humanizeTimestamp),
  toTime: number(toTime),
  toDuration: number(toDuration),
};

/** The function set of rule templates for one evaluation. */
export function ruleFunctions(context: RuleTemplateContext): TemplateFunctions {
  return {
    ...textFunctions,
    ...numberFunctions,
    query: fn(['string'], ([expression]) =>
      resultOf(context.query(textOf(expression)).map(sampleValue)),
    ),
    first: fn(['template.queryResult'], ([samples]) => {
      if (isList(samples) && samples.length > 0) return samples[0];
      throw new Error('first() called on vector with no elements');
    }),
    label: fn(['string', '*template.sample'], ([name, sample]) =>
      labelsOf(sample).get(textOf(name)),
    ),
    value: fn(['*template.sample'], ([sample]) =>
      sample instanceof Struct ? sample.fields.get('Value') : undefined,
    ),
    strvalue: fn(['*template.sample'], ([sample]) => labelsOf(sample).get('__value__')),
    args: {
      parameters: [],
      rest: 'any',
      call: (values) =>
        new GoMap(
          values.map((value, i) => [`arg${i}`, value] as const),
          'map[string]interface {}',
          undefined,
        ),
    },
    sortByLabel: fn(['string', 'template.queryResult'], ([label, samples]) =>
      sortByLabel(samples, textOf(label)),
    ),
    now: fn([], () => context.nowMs / 1000),
    pathPrefix: fn([], () => context.pathPrefix),
    externalURL: fn([], () => context.externalUrl),
  };
}
