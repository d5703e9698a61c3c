// SPDX-License-Identifier: Apache-2.0
// Parameters and bodies of API v2, checked against its schema.

import {
  CompiledMatchers,
  type CompiledRegexp,
  compileRegexp,
  MatcherSyntaxError,
  parseMatcher,
} from '../../model/index.ts';
import { bodyError, RequestError, ValidationCode, validationError } from './answers.ts';

export function booleanParameter(params: URLSearchParams, name: string, absent: boolean): boolean {
  const text = params.get(name);
  if (text === null || text === '') return absent;
  if (/^(?:1|t|true|y|yes|on|checked|ok|selected)$/i.test(text)) return true;
  if (/^(?:0|f|false|n|no|off|unchecked)$/i.test(text)) return false;
  throw validationError(
    ValidationCode.type,
    `${name} in query must be of type boolean: ${JSON.stringify(text)}`,
  );
}

/** `filter`: one matcher each. */
export function filterParameter(params: URLSearchParams, name = 'filter'): CompiledMatchers {
  try {
    return new CompiledMatchers(params.getAll(name).map((text) => parseMatcher(text)));
  } catch (error) {
    if (error instanceof MatcherSyntaxError) throw new RequestError(400, error.message);
    throw error;
  }
}

export function receiverParameter(params: URLSearchParams): CompiledRegexp | undefined {
  const text = params.get('receiver') ?? '';
  if (text === '') return undefined;
  try {
    return compileRegexp(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RequestError(400, `failed to parse receiver param: ${why}`);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The JSON of a body. */
export function jsonBody(name: string, body: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return value;
  } catch (error) {
    throw bodyError(name, error instanceof Error ? error.message : String(error));
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

export function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as JsonObject;
  throw validationError(ValidationCode.type, `${path} in body must be of type object`);
}

export function listAt(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw validationError(ValidationCode.type, `${path} in body must be of type array`);
}

/** A text; `undefined` where it is missing and may be. */
export function textAt(
  object: JsonObject,
  key: string,
  path: string,
  required: boolean,
): string | undefined {
  const value = object[key];
  if (value === undefined || value === null) {
    if (required)
      throw validationError(ValidationCode.required, `${path}.${key} in body is required`);
    return undefined;
  }
  if (typeof value === 'string') return value;
  throw validationError(ValidationCode.type, `${path}.${key} in body must be of type string`);
}

export function booleanAt(object: JsonObject, key: string, path: string): boolean | undefined {
  const value = object[key];
  if (value === undefined || value === null || typeof value === 'boolean')
    return value ?? undefined;
  throw validationError(ValidationCode.type, `${path}.${key} in body must be of type boolean`);
}

export function textsAt(object: JsonObject, key: string, path: string): Record<string, string> {
  const value = object[key];
  if (value === undefined || value === null) return {};
  const texts: Record<string, string> = {};
  for (const [name, text] of Object.entries(objectAt(value, `${path}.${key}`))) {
    if (typeof text !== 'string')
      throw validationError(
        ValidationCode.type,
        `${path}.${key}.${name} in body must be of type string`,
      );
    texts[name] = text;
  }
  return texts;
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$/;

/** A time in milliseconds; undefined where it is missing, or Go's zero time. */
export function timeAt(
  object: JsonObject,
  key: string,
  path: string,
  required: boolean,
): number | undefined {
  const text = textAt(object, key, path, required);
  if (text === undefined || text === '') return undefined;
  const ms = rfc3339.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(ms))
    throw bodyError(
      path.split('.')[0] ?? path,
      `parsing time ${JSON.stringify(text)} failed: want RFC 3339`,
    );
  return ms < -62_000_000_000_000 ? undefined : ms;
}
