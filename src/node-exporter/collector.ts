// SPDX-License-Identifier: Apache-2.0
// What a collector is given and what it gives back.

import type { Clock, FileSystem, Logger, OperatingSystem } from '../base/index.ts';
import type { CompiledRegexp } from '../model/index.ts';
import type { MetricSink } from './sink.ts';

/** Where the kernel's files are; each may point into a container's view of the host. */
export interface ExporterPaths {
  readonly procfs: string;
  readonly sysfs: string;
  readonly rootfs: string;
  readonly udevData: string;
}

/** Keeps names that `include` matches (if set) and `exclude` does not; both unanchored. */
export interface NameFilter {
  readonly include: CompiledRegexp | undefined;
  readonly exclude: CompiledRegexp | undefined;
}

export function keepsName(filter: NameFilter, name: string): boolean {
  if (filter.exclude?.test(name) === true) return false;
  return filter.include === undefined || filter.include.test(name);
}

export interface CollectorOptions {
  readonly cpu: {
    readonly guest: boolean;
    readonly info: boolean;
    readonly flagsInclude: CompiledRegexp | undefined;
    readonly bugsInclude: CompiledRegexp | undefined;
  };
  readonly diskstatsDevices: NameFilter;
  readonly filesystem: {
    readonly mountPoints: NameFilter;
    readonly types: NameFilter;
    readonly mountTimeoutMs: number;
    readonly statWorkers: number;
  };
  readonly netdev: {
    readonly devices: NameFilter;
    readonly detailed: boolean;
    readonly netlink: boolean;
  };
  readonly netstatFields: CompiledRegexp;
  readonly softirq: boolean;
  readonly textfileDirectories: readonly string[];
  readonly vmstatFields: CompiledRegexp;
}

export interface CollectorContext {
  readonly files: FileSystem;
  readonly paths: ExporterPaths;
  readonly system: OperatingSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: CollectorOptions;
}

/** The source of a collector is not there on this machine: success 0, logged at debug level only. */
export class NoDataError extends Error {
  override name = 'NoDataError';
}

/**
 * One collector, alive as long as the exporter. `collect` may throw or reject: what it wrote to the sink
 * until then is kept, success is 0.
 */
export type Collector = (sink: MetricSink) => void | Promise<void>;

/** How a collector is made; its state (last CPU counters, stuck mounts) lives in the closure. */
export interface CollectorEntry {
  readonly name: string;
  readonly enabledByDefault: boolean;
  readonly create: (context: CollectorContext) => Collector;
}
