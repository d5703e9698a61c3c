// SPDX-License-Identifier: Apache-2.0
// /admin/*: deletion, cleaning, snapshots, ending queries; only with --web.enable-admin-api. And
// /status/tsdb/blocks.

import type { ApiSuccess } from '../apitypes/index.ts';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import type { Matcher } from '../model/index.ts';
import { quote } from '../model/index.ts';
import { ApiError, invalidParameter, successAnswer } from './answers.ts';
import { MAX_TIME_MS, MIN_TIME_MS, timeParameter } from './parameters.ts';
import type { AdminServices, ApiServices } from './services.ts';

const noContent: ServerResponse = { status: 204, headers: {}, body: '' };

/** Go's strconv.ParseBool. */
const booleans: Readonly<Record<string, boolean>> = {
  ...{ 1: true, t: true, T: true, TRUE: true, true: true, True: true },
  ...{ 0: false, f: false, F: false, FALSE: false, false: false, False: false },
};

export class AdminRoutes {
  private readonly services: ApiServices;

  constructor(services: ApiServices) {
    this.services = services;
  }

  /** @throws ApiError when the admin API is off */
  private requireEnabled(): void {
    if (this.services.adminEnabled === true) return;
    throw new ApiError('unavailable', 'admin APIs disabled');
  }

  /** @throws ApiError when the admin API is off */
  private get admin(): AdminServices {
    this.requireEnabled();
    const { admin } = this.services;
    if (admin === undefined) throw new ApiError('unavailable', 'TSDB not ready');
    return admin;
  }

  /** Runs `act`; what fails in the database is an internal error. */
  private async attempt<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw new ApiError('internal', error instanceof Error ? error.message : String(error));
    }
  }

  async deleteSeries(request: ServerRequest): Promise<ServerResponse> {
    const { admin } = this;
    const selectors = request.params.getAll('match[]');
    if (selectors.length === 0) throw new ApiError('bad_data', 'no match[] parameter provided');
    const startMs = timeParameter(request.params, 'start', MIN_TIME_MS);
    const endMs = timeParameter(request.params, 'end', MAX_TIME_MS);
    const matchers: (readonly Matcher[])[] = [];
    for (const selector of selectors) matchers.push(await this.parse(selector, request.signal));
    await this.attempt(() => admin.deleteSeries(matchers, startMs, endMs));
    return noContent;
  }

  private async parse(selector: string, signal: AbortSignal): Promise<readonly Matcher[]> {
    const timeoutMs = this.services.queryTimeoutMs;
    const answer = await this.services.workers.run(
      { kind: 'selector', selector },
      { timeoutMs, signal },
    );
    if (answer.ok) {
      const text = new TextDecoder().decode(answer.body);
      return (JSON.parse(text) as ApiSuccess<readonly Matcher[]>).data;
    }
    if (answer.errorType !== 'bad_data') throw new ApiError(answer.errorType, answer.message);
    throw invalidParameter('match[]', answer.message);
  }

  async cleanTombstones(): Promise<ServerResponse> {
    const { admin } = this;
    await this.attempt(() => admin.cleanTombstones());
    return noContent;
  }

  async snapshot(request: ServerRequest): Promise<ServerResponse> {
    const { admin } = this;
    const text = request.params.get('skip_head') ?? '';
    const skipHead = text === '' ? false : booleans[text];
    if (skipHead === undefined) {
      const why = `unable to parse boolean 'skip_head' argument: strconv.ParseBool: parsing ${quote(text)}: invalid syntax`;
      throw invalidParameter('skip_head', why);
    }
    return successAnswer({ name: await this.attempt(() => admin.snapshot(!skipHead)) });
  }

  /** Ends one query: whoever asked it gets the error `canceled`. */
  cancelQuery(id: string): ServerResponse {
    this.requireEnabled();
    if (this.services.queries?.cancel(id) === true) return noContent;
    throw new ApiError('not_found', `no query with the id ${quote(id)} is running or waiting`);
  }

  blocks(): ServerResponse {
    return successAnswer({ blocks: this.services.admin?.blocks() ?? [] });
  }
}
