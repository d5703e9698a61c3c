// SPDX-License-Identifier: Apache-2.0
// /status/*: what the server is and how it was told to run.

import type { ResponseStream, ServerRequest, ServerResponse } from '../base/index.ts';
import { successAnswer } from './answers.ts';
import type { ApiServices } from './services.ts';

export class StatusRoutes {
  private readonly services: ApiServices;

  constructor(services: ApiServices) {
    this.services = services;
  }

  config(): ServerResponse {
    return successAnswer({ yaml: this.services.configYaml() });
  }

  flags(): ServerResponse {
    return successAnswer(this.services.flags);
  }

  buildInfo(): ServerResponse {
    return successAnswer(this.services.buildInfo);
  }

  runtimeInfo(): ServerResponse {
    return successAnswer(this.services.runtimeInfo());
  }

  walReplay(): ServerResponse {
    return successAnswer(this.services.walReplay());
  }

  notifications(): ServerResponse {
    return successAnswer(this.services.notifications?.() ?? []);
  }

  /** Server-sent events: what holds now, then every change. 204 when too many listen already. */
  liveNotifications(request: ServerRequest): ServerResponse {
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
    if (request.method === 'HEAD') return { status: 200, headers, body: '' };
    const early: string[] = [];
    let stream: ResponseStream | undefined;
    const unsubscribe = this.services.subscribe?.((notification) => {
      const event = `data: ${JSON.stringify(notification)}\n\n`;
      if (stream !== undefined) return stream.write(event);
      early.push(event);
      return true;
    });
    if (unsubscribe === undefined) return { status: 204, headers, body: '' };
    return {
      status: 200,
      headers,
      body: '',
      stream: (opened) => {
        stream = opened;
        for (const event of early) opened.write(event);
        return unsubscribe;
      },
    };
  }

  features(): ServerResponse {
    return successAnswer(this.services.features?.() ?? {});
  }

  /** What runs and waits, the oldest first. */
  queries(): ServerResponse {
    return successAnswer({ queries: this.services.queries?.list() ?? [] });
  }

  /** /version: the build information with no envelope. */
  version(): ServerResponse {
    const body = `${JSON.stringify(this.services.buildInfo)}\n`;
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
}
