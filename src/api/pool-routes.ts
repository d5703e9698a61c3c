// SPDX-License-Identifier: Apache-2.0
// How a scrape job is set up, and what its relabelling makes of a label set, rule by rule.

import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { labelsFrom, labelsToObject, quote, relabel } from '../model/index.ts';
import type { Labels } from '../model/index.ts';
import { ApiError, successAnswer } from './answers.ts';
import type { ApiServices, ScrapePoolConfig } from './services.ts';

export class PoolRoutes {
  private readonly services: ApiServices;

  constructor(services: ApiServices) {
    this.services = services;
  }

  config({ params }: ServerRequest): ServerResponse {
    return successAnswer({ yaml: this.poolOf(params).yaml() });
  }

  relabelSteps({ params }: ServerRequest): ServerResponse {
    const pool = this.poolOf(params);
    const labels = labelsParameter(params.get('labels') ?? '');
    const { rules } = pool;
    const steps = rules.map(({ shown }, i) => {
      const output = relabel(
        labels,
        rules.slice(0, i + 1).map(({ rule }) => rule),
      );
      return { rule: shown, output: labelsToObject(output ?? []), keep: output !== undefined };
    });
    return successAnswer({ steps });
  }

  private poolOf(params: URLSearchParams): ScrapePoolConfig {
    const name = params.get('scrapePool') ?? '';
    if (name === '') throw new ApiError('bad_data', 'no scrapePool parameter provided');
    const pool = this.services.scrapePoolConfig?.(name);
    if (pool !== undefined) return pool;
    const why = `error getting scrape config: scrape pool ${quote(name)} not found`;
    throw new ApiError('bad_data', why);
  }
}

/** A JSON object of texts. @throws ApiError */
function labelsParameter(text: string): Labels {
  if (text === '') throw new ApiError('bad_data', 'no labels parameter provided');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError('bad_data', `error parsing labels: ${why}`);
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const pairs: [string, string][] = [];
  for (const [name, entry] of isObject ? Object.entries(value as object) : []) {
    if (typeof entry === 'string') pairs.push([name, entry]);
  }
  if (!isObject || pairs.length !== Object.keys(value as object).length) {
    throw new ApiError('bad_data', 'error parsing labels: expected an object of texts');
  }
  return labelsFrom(pairs);
}
