// SPDX-License-Identifier: Apache-2.0
// The go_* metrics that dashboards and alerts of the field ask every program for, where Node has
// something that means the same. What has no twin is left out: docs/user/compatibility.md lists both.

import type { Runtime, RuntimeReading } from '../base/index.ts';
import type { DistributionPoint, MetricFamily } from './family.ts';
import { FamilyBuilder } from './family.ts';
import type { Registry } from './registry.ts';

const QUANTILES = [0, 0.25, 0.5, 0.75, 1];

/** Of the recent pauses, as Go reports its own: minimum, quartiles, maximum. */
function pauseFamily({ gc }: RuntimeReading): MetricFamily {
  const pauses = [...gc.recent].sort((a, b) => a - b);
  const points: DistributionPoint[] = QUANTILES.map((bound) => ({
    bound,
    value: pauses[Math.floor(bound * (pauses.length - 1))] ?? 0,
  }));
  return {
    name: 'go_gc_duration_seconds',
    help: 'Time that the garbage collector of the main thread took; quantiles of the last 256 collections.',
    type: 'summary',
    metrics: [
      { labels: [], value: 0, distribution: { count: gc.count, sum: gc.sumSeconds, points } },
    ],
  };
}

function collectRuntime(reading: RuntimeReading): MetricFamily[] {
  const gauge = (name: string, help: string, value: number): MetricFamily =>
    new FamilyBuilder(name, help, 'gauge').add(value);
  const { heapUsedBytes, heapBytes, heapPhysicalBytes, outsideBytes } = reading;
  const used = 'Bytes of the main heap in use, garbage not yet collected included.';
  return [
    pauseFamily(reading),
    gauge(
      'go_gc_gomemlimit_bytes',
      'Largest size the main heap may grow to (V8: heap_size_limit).',
      reading.heapLimitBytes,
    ),
    gauge(
      'go_goroutines',
      "What keeps the event loop alive: sockets, timers, requests (Node's nearest to goroutines).",
      reading.resources.length,
    ),
    new FamilyBuilder('go_info', 'Information about the runtime.', 'gauge', ['version']).add(
      1,
      reading.version,
    ),
    gauge('go_memstats_alloc_bytes', used, heapUsedBytes),
    gauge('go_memstats_heap_alloc_bytes', used, heapUsedBytes),
    gauge(
      'go_memstats_heap_idle_bytes',
      'Bytes reserved for the main heap that have no memory behind them.',
      heapBytes - heapPhysicalBytes,
    ),
    gauge(
      'go_memstats_heap_inuse_bytes',
      'Bytes of the main heap that have memory behind them.',
      heapPhysicalBytes,
    ),
    gauge('go_memstats_heap_sys_bytes', 'Bytes reserved for the main heap.', heapBytes),
    gauge(
      'go_memstats_last_gc_time_seconds',
      'When the last garbage collection ended, seconds since the epoch; 0 when there was none.',
      reading.gc.lastSeconds,
    ),
    gauge(
      'go_memstats_sys_bytes',
      'Bytes reserved for the main heap, buffers outside of it and the engine.',
      heapBytes + outsideBytes,
    ),
  ];
}

/** Registers the `go_*` metrics that Node has a twin of. `go_threads` comes with the process's. */
export function registerRuntimeMetrics(registry: Registry, runtime: Runtime): void {
  registry.collector(() => collectRuntime(runtime.read()));
}
