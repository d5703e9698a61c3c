// SPDX-License-Identifier: Apache-2.0
// What a scrape asks for: the headers that negotiate the format.

import type { ExpositionMediaType } from '../exposition/index.ts';
import { type EscapingScheme, type ScrapeOptions, ScrapeProtocol } from './options.ts';

const protocolHeaders: Readonly<Record<ScrapeProtocol, string>> = {
  [ScrapeProtocol.protobuf]:
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  [ScrapeProtocol.text004]: 'text/plain;version=0.0.4',
  [ScrapeProtocol.text100]: 'text/plain;version=1.0.0',
  [ScrapeProtocol.openMetrics001]: 'application/openmetrics-text;version=0.0.1',
  [ScrapeProtocol.openMetrics100]: 'application/openmetrics-text;version=1.0.0',
};

/** Only the newest text formats know how names may be escaped. */
const takesEscaping = (protocol: ScrapeProtocol): boolean =>
  protocol === ScrapeProtocol.text100 || protocol === ScrapeProtocol.openMetrics100;

/** The `Accept` header: the protocols in their order, then anything. */
export function acceptHeader(
  protocols: readonly ScrapeProtocol[],
  escaping: EscapingScheme,
): string {
  let weight = Object.keys(protocolHeaders).length + 1;
  let header = '';
  for (const protocol of protocols) {
    const suffix = takesEscaping(protocol) ? `;escaping=${escaping}` : '';
    header += `${protocolHeaders[protocol]}${suffix};q=0.${weight},`;
    weight--;
  }
  return `${header}*/*;q=0.${weight}`;
}

/** All headers of a scrape request. */
export function scrapeHeaders(
  options: ScrapeOptions,
  timeoutMs: number,
  userAgent: string,
): Readonly<Record<string, string>> {
  return {
    Accept: acceptHeader(options.scrapeProtocols, options.metricNameEscapingScheme),
    'Accept-Encoding': options.enableCompression ? 'gzip' : 'identity',
    'User-Agent': userAgent,
    'X-Prometheus-Scrape-Timeout-Seconds': String(timeoutMs / 1000),
  };
}

/** The media type that `fallback_scrape_protocol` stands for. */
export function fallbackMediaType(
  protocol: ScrapeProtocol | undefined,
): ExpositionMediaType | undefined {
  switch (protocol) {
    case undefined:
      return undefined;
    case ScrapeProtocol.protobuf:
      return 'application/vnd.google.protobuf';
    case ScrapeProtocol.text004:
    case ScrapeProtocol.text100:
      return 'text/plain';
    case ScrapeProtocol.openMetrics001:
    case ScrapeProtocol.openMetrics100:
      return 'application/openmetrics-text';
  }
}
