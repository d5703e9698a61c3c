// SPDX-License-Identifier: Apache-2.0
// The functions of Alertmanager's templates.

import { SearchPattern } from '../model/index.ts';
import { humanizeDuration } from './humanize.ts';
import { jsonText } from './json.ts';
import { replaceAllMatches, titleCase } from './rule-functions.ts';
import type { TemplateFunctions } from './template.ts';
import { DurationValue, inZone, parseTime, TimeValue, ZERO_TIME_MS } from './time.ts';
import type { TemplateFunction, Value } from './values.ts';
import { GoMap, isList, SafeHtml, typeName } from './values.ts';

const fn = (
  parameters: TemplateFunction['parameters'],
  call: TemplateFunction['call'],
): TemplateFunction => ({ parameters, call });

const textOf = (value: Value): string => (value instanceof SafeHtml ? value.text : String(value));
const text = (call: (text: string) => Value): TemplateFunction =>
  fn(['string'], ([value]) => call(textOf(value)));

function encodeBase64(value: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(value)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_');
}

function decodeBase64(value: string): string {
  let binary: string;
  try {
    binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'));
  } catch (error) {
    throw new Error('illegal base64 data', { cause: error });
  }
  return new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
}

function unescapeUrl(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch (error) {
    const bad = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(value)?.[0] ?? '%';
    throw new Error(`invalid URL escape ${JSON.stringify(bad)}`, { cause: error });
  }
}

function dict(values: readonly Value[]): GoMap {
  if (values.length % 2 !== 0) throw new Error('dict requires an even number of arguments');
  const entries: [string, Value][] = [];
  for (let i = 0; i < values.length; i += 2) {
    const key = values[i];
    if (typeof key !== 'string') throw new Error('dict keys must be strings');
    entries.push([key, values[i + 1]]);
  }
  return new GoMap(entries, 'map[string]interface {}', undefined);
}

function asTime(value: Value): TimeValue {
  if (value instanceof TimeValue) return value;
  throw new Error(`wrong type for value; expected time.Time; got ${typeName(value)}`);
}

const textFunctions: TemplateFunctions = {
  toUpper: text((value) => value.toUpperCase()),
  toLower: text((value) => value.toLowerCase()),
  title: text((value) => titleCase(value)),
  trimSpace: text((value) => value.trim()),
  safeHtml: text((value) => new SafeHtml(value)),
  safeUrl: text((value) => new SafeHtml(value)),
  urlUnescape: text(unescapeUrl),
  base64encode: text(encodeBase64),
  base64decode: text(decodeBase64),
  join: fn(['string', '[]string'], ([separator, list]) =>
    isList(list) ? list.map(textOf).join(textOf(separator)) : '',
  ),
  match: fn(['string', 'string'], ([pattern, value]) =>
    new SearchPattern(textOf(pattern)).foundIn(textOf(value)),
  ),
  reReplaceAll: fn(['string', 'string', 'string'], ([pattern, replacement, value]) =>
    replaceAllMatches(textOf(pattern), textOf(replacement), textOf(value)),
  ),
  toJson: fn(['any'], ([value]) => jsonText(value)),
  stringSlice: { parameters: [], rest: 'string', call: (values) => [...values] },
  list: { parameters: [], rest: 'any', call: (values) => [...values] },
  append: {
    parameters: ['[]interface {}'],
    rest: 'any',
    call: ([list, ...more]) => [...(isList(list) ? list : []), ...more],
  },
  dict: { parameters: [], rest: 'any', call: dict },
  humanizeDuration: fn(['any'], ([value]) => humanizeDuration(value)),
};

/**
 * Alertmanager's function set.
 * @param nowMs milliseconds since the epoch
 * @param routeLabel the label of the route that a notification is for, '' when there is none
 */
export function alertFunctions(
  nowMs: () => number,
  routeLabel: (name: string) => string = () => '',
): TemplateFunctions {
  return {
    ...textFunctions,
    date: fn(['string', 'any'], ([layout, time]) =>
      asTime(time).methods.get('Format')!.call([layout]),
    ),
    tz: fn(['string', 'any'], ([name, time]) => inZone(asTime(time), textOf(name))),
    now: fn([], () => new TimeValue(nowMs())),
    since: fn(['any'], ([time]) => new DurationValue(nowMs() - asTime(time).ms)),
    toDate: fn(['string', 'string'], ([layout, value]) => {
      const ms = parseTime(textOf(layout), textOf(value));
      return new TimeValue(ms ?? ZERO_TIME_MS);
    }),
    mustToDate: fn(['string', 'string'], ([layout, value]) => {
      const ms = parseTime(textOf(layout), textOf(value));
      if (ms === undefined)
        throw new Error(
          `parsing time ${JSON.stringify(textOf(value))} as ${JSON.stringify(textOf(layout))}: cannot parse`,
        );
      return new TimeValue(ms);
    }),
    routeLabels: text(routeLabel),
  };
}
