// SPDX-License-Identifier: Apache-2.0
// Console pages: HTML templates with the functions of rules, the libraries beside them, and `tmpl`.

import { TemplateError } from './errors.ts';
import type { RuleTemplateContext } from './rule-functions.ts';
import { ruleFunctions } from './rule-functions.ts';
import { TemplateSet } from './template.ts';
import type { TemplateFunction, Value } from './values.ts';
import { GoMap, SafeHtml, Struct } from './values.ts';

/** A console and the library files whose definitions it may use, in the order of their names. */
export interface ConsoleSource {
  /** Path below the console directory, with a slash in front. */
  readonly name: string;
  readonly text: string;
  readonly libraries: readonly { readonly name: string; readonly text: string }[];
}

/** What a console speaks of: the parameters of its URL, all values of each. */
export interface ConsoleData {
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly externalLabels: Readonly<Record<string, string>>;
}

/** Upstream defines these before every console, and positions in messages count them. */
const DEFINITIONS =
  '{{$rawParams := .RawParams }}{{$params := .Params}}{{$path := .Path}}{{$externalLabels := .ExternalLabels}}';

/** Calls of `tmpl` within each other. */
const NESTED_MAX = 100;

const urlValues = (params: ConsoleData['params']): GoMap => {
  const first = (name: Value): string => params[String(name)]?.[0] ?? '';
  const named = (call: (name: Value) => Value): TemplateFunction => ({
    parameters: ['string'],
    call: ([name]) => call(name),
  });
  return new GoMap(Object.entries(params), 'url.Values', [], {
    Get: named(first),
    Has: named((name) => params[String(name)] !== undefined),
  });
};

const rootOf = (name: string, { params, externalLabels }: ConsoleData): Struct =>
  new Struct(
    'struct { RawParams url.Values; Params map[string]string; Path string; ExternalLabels map[string]string }',
    {
      RawParams: urlValues(params),
      Params: GoMap.ofStrings(
        Object.fromEntries(Object.entries(params).map(([key, values]) => [key, values[0] ?? ''])),
      ),
      Path: name.replace(/^\/+/, ''),
      ExternalLabels: GoMap.ofStrings(externalLabels),
    },
  );

/** Runs `act`; what a template did wrong is told with upstream's words in front. */
function explained<Result>(what: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(`${what}: ${error.message}`);
  }
}

/**
 * The HTML of one console.
 * @throws TemplateError with upstream's message; QueryError when a query was told to stop
 */
export function expandConsole(
  source: ConsoleSource,
  data: ConsoleData,
  context: RuleTemplateContext,
): string {
  const name = `__console_${source.name}`;
  let depth = 0;
  const counters = { steps: 0 };
  /** As the `template` action, but for a name that is made while running. */
  const tmpl: TemplateFunction = {
    parameters: ['string', 'any'],
    call: ([template, dot]) => {
      if (++depth > NESTED_MAX)
        throw new Error(`more than ${NESTED_MAX} calls of tmpl in each other`);
      try {
        return new SafeHtml(set.html(String(template), dot, counters));
      } catch (error) {
        // A mistake in there is one of this call, as in Go.
        if (error instanceof TemplateError) throw new Error(error.message, { cause: error });
        throw error;
      } finally {
        depth--;
      }
    },
  };
  const set: TemplateSet = new TemplateSet({ ...ruleFunctions(context), tmpl });
  explained(`error parsing template ${name}`, () => set.parse(name, DEFINITIONS + source.text));
  explained(`error parsing template files for ${name}`, () => {
    for (const library of source.libraries) set.parse(library.name, library.text);
  });
  return explained(`error executing template ${name}`, () =>
    set.html(name, rootOf(source.name, data), counters),
  );
}
