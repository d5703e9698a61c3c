// SPDX-License-Identifier: Apache-2.0
// How Go's html/template makes a value harmless in each place of a page.

import { print } from './format.ts';
import { jsonText } from './json.ts';
import type { Value } from './values.ts';
import { isList, SafeHtml, Struct } from './values.ts';

/** What Go writes where a value cannot be made harmless. */
export const UNSAFE = 'ZgotmplZ';

const references: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  '&': '&amp;',
  "'": '&#39;',
  '+': '&#43;',
  '<': '&lt;',
  '>': '&gt;',
};

/** Text between tags, and in quoted attributes. */
export const htmlText = (text: string): string =>
  text.replace(/[\0"&'+<>]/g, (c) => references[c] ?? c);

/** HTML in an attribute: what is escaped already stays so. */
export const htmlNormalised = (text: string): string =>
  text.replace(/[\0"'+<>]/g, (c) => references[c] ?? c);

/** In an attribute without quotes. */
export const htmlUnquoted = (text: string): string =>
  text === ''
    ? UNSAFE
    : text.replace(/[\0\t\n\v\f\r "&'+<=>`]/g, (c) =>
        c === '\0' ? '&#xfffd;' : (references[c] ?? `&#${c.charCodeAt(0)};`),
      );

/** Tags taken out of HTML. */
export const withoutTags = (html: string): string => html.replace(/<[^>]*>/g, '');

export type AttributeKind = 'plain' | 'url' | 'script' | 'style';

const urlAttributes =
  /^(?:action|archive|background|cite|classid|codebase|data|formaction|href|icon|longdesc|manifest|poster|profile|src|usemap|xmlns(?::.*)?|.*(?:url|uri|src).*)$/;

/** What an attribute holds, by its name. */
export function attributeKind(name: string): AttributeKind {
  const lower = name.toLowerCase();
  const bare = lower.startsWith('data-')
    ? lower.slice(5)
    : lower.startsWith('xmlns:')
      ? lower
      : lower.slice(lower.indexOf(':') + 1);
  if (bare === 'style') return 'style';
  if (bare.startsWith('on')) return 'script';
  return urlAttributes.test(bare) ? 'url' : 'plain';
}

/** A value as the name of an attribute. */
export function attributeName(text: string): string {
  const name = text.toLowerCase();
  return /^[0-9a-z]+$/.test(name) && attributeKind(name) === 'plain' ? name : UNSAFE;
}

const encoder = new TextEncoder();

function percentEncoded(text: string, kept: RegExp): string {
  let encoded = '';
  for (const char of text) {
    if (kept.test(char)) encoded += char;
    else
      for (const byte of encoder.encode(char)) encoded += `%${byte.toString(16).padStart(2, '0')}`;
  }
  return encoded;
}

/** A part of a URL before its query: what is encoded stays so. */
export const urlNormalised = (text: string): string =>
  text
    .split(/(%[0-9a-fA-F]{2})/)
    .map((part, i) =>
      i % 2 === 1 ? part : percentEncoded(part, /[A-Za-z0-9\-._~!#$&*+,/:;=?@[\]]/),
    )
    .join('');

/** A part of a URL's query. */
export const urlEscaped = (text: string): string => percentEncoded(text, /[A-Za-z0-9\-._~]/);

/** The beginning of a URL; with a scheme that could run code it is replaced whole. */
export function urlFiltered(text: string): string {
  const colon = text.indexOf(':');
  if (colon < 0 || text.slice(0, colon).includes('/')) return text;
  const scheme = text.slice(0, colon).toLowerCase();
  return scheme === 'http' || scheme === 'https' || scheme === 'mailto' ? text : `#${UNSAFE}`;
}

const scriptEscapes: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '/': '\\/',
  '\\': '\\\\',
};

const unicodeEscape = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Inside a string literal of a script; `quote` is the literal's. */
export const scriptText = (text: string, quote: string): string =>
  text.replace(
    quote === '`'
      ? /[\0\t\n\v\f\r"`&'+/<>\\${}\u2028\u2029]/g
      : /[\0\t\n\v\f\r"`&'+/<>\\\u2028\u2029]/g,
    (c) => scriptEscapes[c] ?? unicodeEscape(c),
  );

/** Samples of queries keep the names of their fields, Alertmanager's types have JSON names. */
function scriptJson(value: Value): string {
  if (value instanceof Struct && value.typeName === '*template.sample') {
    const fields = [...value.fields].map(([name, field]) => `"${name}":${scriptJson(field)}`);
    return `{${fields.join(',')}}`;
  }
  if (isList(value)) return `[${value.map(scriptJson).join(',')}]`;
  return jsonText(value);
}

/** A value as an expression of a script. */
export function scriptValue(value: Value): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return ` /* json: unsupported value: ${print([value])} */null `;
  }
  const json =
    value instanceof Struct && value.text !== undefined
      ? jsonText(value.text())
      : scriptJson(value);
  const isWord = /^[\p{L}\p{Nd}_$]/u.test(json) || /[\p{L}\p{Nd}_$]$/u.test(json);
  return isWord ? ` ${json} ` : json;
}

/** A value of a style's property. */
export function styleValue(value: Value): string {
  const text = value === undefined ? '' : print([value]);
  if (/[\0"'()/;@[\\\]`{}<>]|--/.test(text)) return UNSAFE;
  const name = text.replace(/[^\w-]/g, '').toLowerCase();
  return name.includes('expression') || name.includes('mozbinding') ? UNSAFE : text;
}

/** The text of a value; that of nil is empty. */
export const valueText = (value: Value): string =>
  value === undefined ? '' : value instanceof SafeHtml ? value.text : print([value]);
