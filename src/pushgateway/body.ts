// SPDX-License-Identifier: Apache-2.0
// From the body of a push to families.

import { DecodeError } from '../encoding/index.ts';
import { parseProtobufFamilies, parseTextFamilies, TextFormatError } from '../exposition/index.ts';
import type { MetricFamily, NameScheme } from '../model/index.ts';
import type { DecodedBody, RequestDecoder } from '../base/index.ts';

/** A body that cannot be taken; the message is upstream's where upstream has one. */
export class BodyError extends Error {
  override name = 'BodyError';
  readonly status: 400 | 413;
  constructor(status: 400 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

const START_BYTES = 65_536;

/** Parameters of a Content-Type, lower-case names. */
function isDelimitedFamilies(contentType: string): boolean {
  const [type = '', ...rest] = contentType.split(';').map((part) => part.trim());
  if (type.toLowerCase() !== 'application/vnd.google.protobuf') return false;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals < 1) continue;
    const value = part.slice(equals + 1).replace(/^"(.*)"$/, '$1');
    parameters.set(part.slice(0, equals).trim().toLowerCase(), value);
  }
  return (
    parameters.get('encoding') === 'delimited' &&
    parameters.get('proto') === 'io.prometheus.client.MetricFamily'
  );
}

function familiesOf(
  bytes: Uint8Array,
  contentType: string,
  scheme: NameScheme,
): Map<string, MetricFamily> {
  if (!isDelimitedFamilies(contentType)) return parseTextFamilies(bytes, scheme);
  const families = new Map<string, MetricFamily>();
  // A name that comes again replaces what came before.
  for (const family of parseProtobufFamilies(bytes)) families.set(family.name, family);
  return families;
}

/** The families of a body that is not compressed. @throws BodyError */
export function parseBody(
  bytes: Uint8Array,
  contentType: string,
  scheme: NameScheme,
): Map<string, MetricFamily> {
  try {
    return familiesOf(bytes, contentType, scheme);
  } catch (error) {
    if (error instanceof TextFormatError || error instanceof DecodeError)
      throw new BodyError(400, error.message);
    throw error;
  }
}

/** Takes the compression off. */
export async function decodeBody(
  body: Uint8Array,
  headers: Readonly<Record<string, string | undefined>>,
  decode: RequestDecoder,
): Promise<DecodedBody> {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  return encoding === 'gzip' || encoding === 'snappy'
    ? await decode(encoding, body)
    : { bytes: body, fault: undefined, tooLarge: false };
}

/**
 * The families of a decoded body.
 * @throws BodyError
 */
export function readFamilies(
  plain: DecodedBody,
  contentType: string,
  scheme: NameScheme,
): Map<string, MetricFamily> {
  const fault = (): BodyError =>
    plain.tooLarge
      ? new BodyError(413, 'the body is too large once it is decompressed')
      : new BodyError(400, plain.fault ?? '');
  // Nothing came out at all: there is nothing that could be wrong earlier.
  if (plain.fault !== undefined && plain.bytes.length === 0) throw fault();
  // Of what is too large only the start is looked at: it may be no exposition at all.
  const bytes = plain.tooLarge ? plain.bytes.subarray(0, START_BYTES) : plain.bytes;
  const isBroken = plain.tooLarge || plain.fault !== undefined;
  try {
    const families = parseBody(bytes, contentType, scheme);
    if (isBroken) throw fault();
    return families;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (isBroken && /unexpected end of input stream$|^unexpected EOF$/.test(message)) throw fault();
    throw error;
  }
}
