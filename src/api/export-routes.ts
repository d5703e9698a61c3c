// SPDX-License-Identifier: Apache-2.0
// What other programs take from this one: federation, and exemplars.

import type { ApiSuccess, SyntaxMatcher } from '../apitypes/index.ts';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { negotiateExposition } from '../metrics/index.ts';
import { formatSampleValue, labelsToObject } from '../model/index.ts';
import type { ExemplarSeries } from '../storage/index.ts';
import { MatcherError } from '../storage/index.ts';
import { ApiError, statusOfError, successAnswer, textAnswer } from './answers.ts';
import { MAX_TIME_MS, MIN_TIME_MS, timeParameter } from './parameters.ts';
import type { ApiServices } from './services.ts';

export class ExportRoutes {
  private readonly services: ApiServices;
  private readonly federationErrors;

  constructor(services: ApiServices) {
    this.services = services;
    const { registry } = services;
    this.federationErrors = registry.counter(
      'prometheus_web_federation_errors_total',
      'Total number of errors that occurred while sending federation responses.',
    );
    registry.counter(
      'prometheus_web_federation_warnings_total',
      'Total number of warnings that occurred while sending federation responses.',
    );
  }

  /** Plain text and plain errors: a scraper reads it. */
  async federate(request: ServerRequest): Promise<ServerResponse> {
    const { workers, clock, queryTimeoutMs, externalLabels } = this.services;
    const { accept } = request.headers;
    const { contentType } = negotiateExposition(accept, { protobuf: true });
    const job = {
      kind: 'federate' as const,
      selectors: request.params.getAll('match[]'),
      timeMs: clock.now(),
      accept: accept ?? '',
      externalLabels: externalLabels?.() ?? [],
    };
    let failed: { errorType: ApiError['errorType']; message: string };
    try {
      const options = { timeoutMs: queryTimeoutMs, signal: request.signal };
      const answer = await workers.run(job, options);
      if (answer.ok) {
        return { status: 200, headers: { 'content-type': contentType }, body: answer.body };
      }
      failed = answer;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed = error;
    }
    if (failed.errorType !== 'bad_data') this.federationErrors.inc();
    return textAnswer(statusOfError[failed.errorType], `${failed.message}\n`);
  }

  /** Exemplars of all series that any selector of the expression matches. */
  async exemplars(request: ServerRequest): Promise<ServerResponse> {
    const { params } = request;
    const startMs = timeParameter(params, 'start', MIN_TIME_MS);
    const endMs = timeParameter(params, 'end', MAX_TIME_MS);
    if (endMs < startMs) {
      throw new ApiError('bad_data', 'end timestamp must not be before start timestamp');
    }
    const answer = await this.services.workers.run(
      { kind: 'selectors', query: params.get('query') ?? '' },
      { timeoutMs: this.services.queryTimeoutMs, signal: request.signal },
    );
    if (!answer.ok) throw new ApiError(answer.errorType, answer.message);
    const { data } = JSON.parse(new TextDecoder().decode(answer.body)) as ApiSuccess<
      readonly (readonly SyntaxMatcher[])[]
    >;
    // As upstream: without a selector there is not even an empty answer.
    if (data.length === 0) return { status: 204, headers: {}, body: '' };
    try {
      const found = this.services.exemplars?.()?.select(data, startMs, endMs) ?? [];
      return successAnswer(found.map(exemplarsJson));
    } catch (error) {
      if (error instanceof MatcherError) throw new ApiError('execution', error.message);
      throw error;
    }
  }
}

const exemplarsJson = ({ seriesLabels, exemplars }: ExemplarSeries) => ({
  seriesLabels: labelsToObject(seriesLabels),
  exemplars: exemplars.map(({ labels, value, time }) => ({
    labels: labelsToObject(labels),
    value: formatSampleValue(value),
    timestamp: time / 1000,
  })),
});
