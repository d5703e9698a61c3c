// SPDX-License-Identifier: Apache-2.0
// /status/*: what the server is and how it was told to run.

import type { ServerResponse } from '../base/index.ts';
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
