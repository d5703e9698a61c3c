// SPDX-License-Identifier: Apache-2.0
// What is scraped, and what the scraped metrics say of themselves.

import type {
  ActiveTarget,
  ApiSuccess,
  DroppedTarget,
  MetadataEntry,
  SyntaxMatcher,
  TargetMetadata,
  TargetsData,
} from '../apitypes/index.ts';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import type { Labels } from '../model/index.ts';
import { compileRegexp, labelsToObject, labelValue } from '../model/index.ts';
import type { TargetStatus } from '../scrape/index.ts';
import { globalUrl } from '../scrape/index.ts';
import { ApiError, invalidParameter, successAnswer } from './answers.ts';
import { countParameter } from './parameters.ts';
import type { ApiServices } from './services.ts';
import { timeText } from './time-text.ts';

export class TargetRoutes {
  private readonly services: ApiServices;

  constructor(services: ApiServices) {
    this.services = services;
  }

  targets(request: ServerRequest): ServerResponse {
    const state = (request.params.get('state') ?? '').toLowerCase();
    const pool = request.params.get('scrapePool') ?? '';
    const showActive = state === '' || state === 'any' || state === 'active';
    const showDropped = state === '' || state === 'any' || state === 'dropped';
    const source = this.services.targets();
    const activeTargets: ActiveTarget[] = [];
    const droppedTargets: DroppedTarget[] = [];
    const droppedTargetCounts: Record<string, number> = {};
    for (const [name, targets] of showActive ? source.activeTargets() : []) {
      if (pool !== '' && name !== pool) continue;
      for (const target of targets) activeTargets.push(this.activeTarget(target));
    }
    for (const [name, { discoveredLabels, count }] of showDropped ? source.droppedTargets() : []) {
      droppedTargetCounts[name] = count;
      if (pool !== '' && name !== pool) continue;
      for (const labels of discoveredLabels) {
        droppedTargets.push({ discoveredLabels: labelsToObject(labels), scrapePool: name });
      }
    }
    const answer: TargetsData = { activeTargets, droppedTargets, droppedTargetCounts };
    return successAnswer(answer);
  }

  scrapePools(): ServerResponse {
    return successAnswer({ scrapePools: this.services.targets().pools() });
  }

  /** Metadata by metric, each different one once. */
  metadata(request: ServerRequest): ServerResponse {
    const limit = countParameter(request.params, 'limit');
    const limitPerMetric = countParameter(request.params, 'limit_per_metric');
    const wanted = request.params.get('metric') ?? '';
    const found = new Map<string, Map<string, MetadataEntry>>();
    for (const { metadata } of this.services.targets().targetMetadata()) {
      for (const { metric, type, help, unit } of metadata) {
        if (wanted !== '' && metric !== wanted) continue;
        let entries = found.get(metric);
        if (entries === undefined) {
          entries = new Map();
          found.set(metric, entries);
        }
        if (limitPerMetric > 0 && entries.size >= limitPerMetric) continue;
        entries.set(`${type}\xff${unit}\xff${help}`, { type, help, unit });
      }
    }
    const answer: Record<string, MetadataEntry[]> = {};
    let count = 0;
    for (const [metric, entries] of found) {
      if (limit >= 0 && count >= limit) break;
      count++;
      answer[metric] = [...entries.values()];
    }
    return successAnswer(answer);
  }

  async targetMetadata(request: ServerRequest): Promise<ServerResponse> {
    const limit = countParameter(request.params, 'limit');
    const matches = await this.targetMatcher(request);
    const wanted = request.params.get('metric') ?? '';
    const answer: TargetMetadata[] = [];
    for (const target of this.services.targets().targetMetadata()) {
      if (limit >= 0 && answer.length >= limit) break;
      if (!matches(target.labels)) continue;
      const labels = labelsToObject(target.labels);
      for (const { metric, type, help, unit } of target.metadata) {
        if (wanted === '') answer.push({ target: labels, metric, type, help, unit });
        else if (metric === wanted) answer.push({ target: labels, type, help, unit });
      }
    }
    if (answer.length === 0) throw new ApiError('not_found', 'specified metadata not found');
    return successAnswer(limit >= 0 ? answer.slice(0, limit) : answer);
  }

  private activeTarget(target: TargetStatus): ActiveTarget {
    const { externalUrl, listenAddress } = this.services;
    const server = { externalUrl, listenAddress: listenAddress() };
    return {
      discoveredLabels: labelsToObject(target.discoveredLabels),
      labels: labelsToObject(target.labels),
      scrapePool: target.scrapePool,
      scrapeUrl: target.scrapeUrl,
      globalUrl: globalUrl(target.scrapeUrl, server),
      lastError: target.lastError,
      lastScrape: timeText(target.lastScrapeMs ?? 0),
      lastScrapeDuration: target.lastScrapeDurationSeconds,
      health: target.health,
      scrapeInterval: target.scrapeInterval,
      scrapeTimeout: target.scrapeTimeout,
    };
  }

  /** `match_target` as a predicate; PromQL's parser lives in the workers. */
  private async targetMatcher(request: ServerRequest): Promise<(labels: Labels) => boolean> {
    const selector = request.params.get('match_target') ?? '';
    if (selector === '') return () => true;
    const answer = await this.services.workers.run(
      { kind: 'selector', selector },
      { timeoutMs: this.services.queryTimeoutMs, signal: request.signal },
    );
    if (!answer.ok) {
      if (answer.errorType !== 'bad_data') throw new ApiError(answer.errorType, answer.message);
      throw invalidParameter('match_target', answer.message);
    }
    const envelope = JSON.parse(new TextDecoder().decode(answer.body)) as ApiSuccess<
      readonly SyntaxMatcher[]
    >;
    const tests = envelope.data.map((matcher) => ({ name: matcher.name, test: testOf(matcher) }));
    return (labels) => tests.every(({ name, test }) => test(labelValue(labels, name)));
  }
}

function testOf({ type, value }: SyntaxMatcher): (text: string) => boolean {
  if (type === '=') return (text) => text === value;
  if (type === '!=') return (text) => text !== value;
  const regexp = compileRegexp(value);
  return type === '=~' ? (text) => regexp.test(text) : (text) => !regexp.test(text);
}
