// SPDX-License-Identifier: Apache-2.0
// What V8 and Node say about themselves.

import { PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Runtime } from '../base/index.ts';

/** Pauses remembered for the quantiles: as many as Go's runtime keeps. */
const PAUSES_REMEMBERED = 256;

/** Watches the garbage collector of the calling thread from now on. */
export function createRuntime(): Runtime {
  const pauses = new Float64Array(PAUSES_REMEMBERED);
  let count = 0;
  let sumSeconds = 0;
  let lastSeconds = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      pauses[count % PAUSES_REMEMBERED] = duration / 1000;
      count++;
      sumSeconds += duration / 1000;
      lastSeconds = (performance.timeOrigin + startTime + duration) / 1000;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const version = `node ${process.version}`;
  return {
    read: () => {
      const heap = getHeapStatistics();
      return {
        version,
        heapUsedBytes: heap.used_heap_size,
        heapBytes: heap.total_heap_size,
        heapPhysicalBytes: Math.min(heap.total_physical_size, heap.total_heap_size),
        heapLimitBytes: heap.heap_size_limit,
        outsideBytes: heap.external_memory + heap.malloced_memory,
        resources: process.getActiveResourcesInfo(),
        gc: { count, sumSeconds, lastSeconds, recent: [...pauses.subarray(0, count)] },
      };
    },
  };
}
