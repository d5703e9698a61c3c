// SPDX-License-Identifier: Apache-2.0
// From a Content-Type header to the parser that reads the body.

import { quote } from '../model/index.ts';
import type { ExpositionFormat } from './parser.ts';

/** The media types that upstream knows. */
export type ExpositionMediaType =
  | 'text/plain'
  | 'application/openmetrics-text'
  | 'application/vnd.google.protobuf';

/** Formats of bodies: those that are read line by line, and protobuf. */
export type BodyFormat = ExpositionFormat | 'protobuf';

/** The parser to use, and what to complain about. */
export interface ContentTypeVerdict {
  /** undefined: the scrape fails with `message`. */
  readonly format: BodyFormat | undefined;
  /** Upstream's text; with a format it says that the fallback was taken, '' when all is well. */
  readonly message: string;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const splitOnce = (text: string, separator: string): [string, string | undefined] => {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
};

/** Go's complaint about the type itself, or undefined. */
function typeFault(base: string): string | undefined {
  const [type, subtype] = splitOnce(base, '/');
  if (base === '') return 'mime: no media type';
  if (!token.test(type)) return 'mime: expected token in media type';
  if (subtype === undefined) return undefined;
  if (subtype === '') return 'mime: expected token after slash';
  return token.test(subtype) ? undefined : 'mime: unexpected content after media subtype';
}

/** Go's complaint about the parameters (`; a=b; c="d"`), or undefined. */
function parameterFault(parameters: string): string | undefined {
  const seen = new Set<string>();
  let rest = parameters;
  while (rest.trim() !== '' && rest.trim() !== ';') {
    const match = /^\s*;\s*([^\s=;"]+)=("(?:[^"\\]|\\.)*"|[^\s;"]+)/.exec(rest);
    const name = match?.[1]?.toLowerCase();
    if (match === null || name === undefined || !token.test(name))
      return 'mime: invalid media parameter';
    if (seen.has(name)) return 'mime: duplicate parameter name';
    seen.add(name);
    rest = rest.slice(match[0].length);
  }
  return undefined;
}

const formats: Readonly<Record<ExpositionMediaType, BodyFormat>> = {
  'text/plain': 'text',
  'application/openmetrics-text': 'openmetrics',
  'application/vnd.google.protobuf': 'protobuf',
};

const isMediaType = (text: string): text is ExpositionMediaType => Object.hasOwn(formats, text);

const verdictFor = (type: ExpositionMediaType, message: string): ContentTypeVerdict => ({
  format: formats[type],
  message,
});

/**
 * Chooses the parser for `contentType` (as received, '' when absent). `fallback` is the media type of
 * `fallback_scrape_protocol`, if one is set.
 */
export function chooseFormat(
  contentType: string,
  fallback: ExpositionMediaType | undefined,
): ContentTypeVerdict {
  const using = fallback === undefined ? '' : `using fallback_scrape_protocol ${quote(fallback)}`;
  const decide = (failing: string, warning: string, fault = ''): ContentTypeVerdict =>
    fallback === undefined
      ? { format: undefined, message: failing + fault }
      : verdictFor(fallback, `${warning}, ${using}${fault}`);
  const blank = 'non-compliant scrape target sending blank Content-Type';
  const none = 'and no fallback_scrape_protocol';
  if (contentType === '') return decide(`${blank} ${none} specified for target`, blank);
  const shown = quote(contentType);
  const [base, rest] = splitOnce(contentType, ';');
  const mediaType = base.trim().toLowerCase();
  const fault = typeFault(mediaType) ?? parameterFault(rest === undefined ? '' : `;${rest}`);
  if (fault !== undefined) {
    return decide(
      `cannot parse Content-Type ${shown} ${none} for target`,
      `could not parse received Content-Type ${shown}`,
      `\n${fault}`,
    );
  }
  if (isMediaType(mediaType)) return verdictFor(mediaType, '');
  const unsupported = `received unsupported Content-Type ${shown}`;
  return decide(`${unsupported} ${none} specified for target`, unsupported);
}
