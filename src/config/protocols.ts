// SPDX-License-Identifier: Apache-2.0

import { ScrapeProtocol } from '../scrape/index.ts';
import type { YamlValue } from './yaml-value.ts';

const protocols: readonly ScrapeProtocol[] = Object.values(ScrapeProtocol);

/** A protocol by its name (case counts); the error lists all of them. */
function parseProtocol(text: string): ScrapeProtocol {
  const found = protocols.find((protocol) => protocol === text);
  if (found) return found;
  const supported = [...protocols].sort((a, b) => (a < b ? -1 : 1)).join(' ');
  throw new Error(`unknown scrape protocol ${text}, supported: [${supported}]`);
}

/**
 * A list of protocols in order of preference, without duplicates; undefined when not given.
 *
 * @param where the end of messages: `for global config`
 */
export function readProtocols(
  value: YamlValue | undefined,
  where: string,
): readonly ScrapeProtocol[] | undefined {
  if (!value) return undefined;
  const items = value.items();
  if (items.length === 0) return value.fail(`scrape_protocols cannot be empty ${where}`);
  const found: ScrapeProtocol[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const text = item.text() ?? '';
    if (seen.has(text.toLowerCase())) {
      const all = items.map((each) => each.text() ?? '').join(' ');
      return value.fail(`duplicated protocol in scrape_protocols, got [${all}] ${where}`);
    }
    seen.add(text.toLowerCase());
    try {
      found.push(parseProtocol(text));
    } catch (error) {
      item.fail(`scrape_protocols: ${error instanceof Error ? error.message : ''} ${where}`);
    }
  }
  return found.length === items.length ? found : undefined;
}

/** `fallback_scrape_protocol`; undefined when not given. */
export function readFallbackProtocol(
  value: YamlValue | undefined,
  where: string,
): ScrapeProtocol | undefined {
  const text = value?.text();
  if (!value || text === undefined || text === '') return undefined;
  try {
    return parseProtocol(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    return value.fail(`invalid fallback_scrape_protocol ${where}: ${why}`);
  }
}
