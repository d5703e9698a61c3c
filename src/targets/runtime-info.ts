// SPDX-License-Identifier: Apache-2.0

import { hostname, totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { RuntimeInfo } from '../apitypes/index.ts';
import type { Clock } from '../base/index.ts';
import { hostInfo } from '../platform/index.ts';
import type { ConfigMetrics } from './server-metrics.ts';

/** Go prints times with the fraction it has; milliseconds are all we have. */
const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');

/** /status/runtimeinfo: what comes nearest to upstream's fields in our runtime. */
export function runtimeInfo(
  server: {
    readonly clock: Clock;
    readonly startedMs: number;
    readonly configMetrics: ConfigMetrics;
  },
  corruptionCount: number,
  storageRetention: string,
): RuntimeInfo {
  const { configMetrics } = server;
  return {
    startTime: timeText(server.startedMs),
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: timeText(server.clock.now()),
    reloadConfigSuccess: configMetrics.wasSuccessful,
    lastConfigTime: timeText(configMetrics.lastSuccessMs),
    corruptionCount,
    // What is waiting for events here is what goroutines are there.
    goroutineCount: process.getActiveResourcesInfo().length,
    GOMAXPROCS: hostInfo().cores,
    GOMEMLIMIT: Math.min(totalmem(), getHeapStatistics().heap_size_limit),
    GOGC: '',
    GODEBUG: '',
    storageRetention,
  };
}
