// SPDX-License-Identifier: Apache-2.0
// Which exposition a scraper gets, by its Accept header.

import type { MetricFamily } from './family.ts';
import type { EscapingScheme } from '../model/index.ts';
import { writeOpenMetrics, writeText } from './write.ts';
import { writeProtobuf } from './write-protobuf.ts';

export interface Exposition {
  readonly contentType: string;
  readonly format: 'text' | 'openmetrics' | 'protobuf';
  /** What the scraper wants done with names outside of the old charset; `write` does not do it. */
  readonly escaping: EscapingScheme;
  write(families: readonly MetricFamily[]): Uint8Array;
}

interface AcceptClause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseAccept(accept: string): AcceptClause[] {
  const clauses: AcceptClause[] = [];
  for (const part of accept.split(',')) {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = new Map<string, string>();
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals > 0) parameters.set(parameter.slice(0, equals), parameter.slice(equals + 1));
    }
    const quality = parameters.has('q') ? Number(parameters.get('q')) : 1;
    clauses.push({ type, parameters, quality: Number.isFinite(quality) ? quality : 0 });
  }
  // Stable: the first of equals wins.
  return clauses.sort((a, b) => b.quality - a.quality);
}

const escapings: readonly EscapingScheme[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

export interface NegotiationOptions {
  /** Off by default, as in the Go library's handler. */
  readonly openMetrics?: boolean;
  /** Off by default: where native histograms are worth it. */
  readonly protobuf?: boolean;
}

const PROTOBUF_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

/**
 * The best exposition for an Accept header: text 0.0.4 unless the scraper prefers one that `options`
 * allow. Names are sent as they are, and the header says so when the scraper asked for an escaping.
 */
export function negotiateExposition(
  accept: string | undefined,
  options: NegotiationOptions = {},
): Exposition {
  let escaping: EscapingScheme = 'underscores';
  const clauses = parseAccept(accept ?? '');
  for (const { parameters } of clauses) {
    const asked = escapings.find((scheme) => scheme === parameters.get('escaping'));
    if (asked !== undefined) escaping = asked;
  }
  for (const { type, parameters } of clauses) {
    const version = parameters.get('version') ?? '';
    const isProtobuf =
      type === 'application/vnd.google.protobuf' &&
      parameters.get('proto') === 'io.prometheus.client.MetricFamily' &&
      parameters.get('encoding') === 'delimited';
    if (isProtobuf && options.protobuf === true) {
      const contentType = `${PROTOBUF_TYPE}; escaping=${escaping}`;
      return { contentType, format: 'protobuf', escaping, write: writeProtobuf };
    }
    if (type === 'text/plain' && (version === '' || version === '0.0.4')) break;
    const open = type === 'application/openmetrics-text' && options.openMetrics === true;
    if (open && ['', '0.0.1', '1.0.0'].includes(version)) {
      const answered = version === '1.0.0' ? version : '0.0.1';
      const contentType = `application/openmetrics-text; version=${answered}; charset=utf-8; escaping=${escaping}`;
      return { contentType, format: 'openmetrics', escaping, write: writeOpenMetrics };
    }
  }
  const contentType = `text/plain; version=0.0.4; charset=utf-8; escaping=${escaping}`;
  return { contentType, format: 'text', escaping, write: writeText };
}
