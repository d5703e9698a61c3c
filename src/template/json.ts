// SPDX-License-Identifier: Apache-2.0
// Values as Go's encoding/json writes them.

import { DurationValue, TimeValue } from './time.ts';
import type { Value } from './values.ts';
import { GoMap, Int, isList, SafeHtml, Struct, typeName } from './values.ts';

/** JSON as Go's encoding/json writes it: <, > and & escaped. */
export function jsonText(value: Value): string {
  const raw = JSON.stringify(jsonValue(value)) ?? 'null';
  return raw.replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function jsonValue(value: Value): unknown {
  if (value === undefined) return null;
  if (value instanceof Int) return value.value;
  if (value instanceof SafeHtml) return value.text;
  if (value instanceof TimeValue)
    return String(value.methods.get('Format')!.call(['2006-01-02T15:04:05.999999999Z07:00']));
  if (value instanceof DurationValue) return Math.trunc(value.ms * 1e6);
  if (value instanceof GoMap)
    return Object.fromEntries(value.keys().map((key) => [key, jsonValue(value.get(key))]));
  if (value instanceof Struct)
    return Object.fromEntries(
      [...value.fields].map(([name, field]) => [lowerFirst(name), jsonValue(field)]),
    );
  if (isList(value)) return value.map(jsonValue);
  if (typeof value === 'object') throw new Error(`json: unsupported type: ${typeName(value)}`);
  return value;
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
