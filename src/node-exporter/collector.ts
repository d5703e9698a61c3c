// SPDX-License-Identifier: Apache-2.0
// What a collector is given and what it gives back.

import type { Clock, FileSystem, Logger, Network, OperatingSystem } from '../base/index.ts';
import type { IpvsLabel } from './ipvs-labels.ts';
import type { MetricSink } from './sink.ts';
import type { SysctlWish } from './sysctl-wish.ts';

/** Where the kernel's files are; each may point into a container's view of the host. */
export interface ExporterPaths {
  readonly procfs: string;
  readonly sysfs: string;
  readonly rootfs: string;
  readonly udevData: string;
}

/** A flag's pattern, compiled; unanchored but where the flag says otherwise. */
export interface NamePattern {
  test(name: string): boolean;
}

/** Keeps names that `include` matches (if set) and `exclude` does not. */
export interface NameFilter {
  readonly include: NamePattern | undefined;
  readonly exclude: NamePattern | undefined;
}

export function keepsName(filter: NameFilter, name: string): boolean {
  if (filter.exclude?.test(name) === true) return false;
  return filter.include === undefined || filter.include.test(name);
}

/** What the flags say, one entry for each collector that has any; upstream's defaults in defaults.ts. */
export interface CollectorOptions {
  readonly arp: { readonly devices: NameFilter; readonly netlink: boolean };
  readonly bcachePriorityStats: boolean;
  readonly cpu: {
    readonly guest: boolean;
    readonly info: boolean;
    readonly flagsInclude: NamePattern | undefined;
    readonly bugsInclude: NamePattern | undefined;
  };
  readonly diskstatsDevices: NameFilter;
  readonly ethtool: {
    readonly devices: NameFilter;
    readonly metricsInclude: NamePattern | undefined;
  };
  readonly filesystem: {
    readonly mountPoints: NameFilter;
    readonly types: NameFilter;
    readonly mountTimeoutMs: number;
    readonly statWorkers: number;
  };
  /** Sensors are matched as `chip;sensor`. */
  readonly hwmon: { readonly chips: NameFilter; readonly sensors: NameFilter };
  readonly infinibandDevices: NameFilter;
  /** Interrupts are matched as `type;info;devices`. */
  readonly interrupts: { readonly names: NameFilter; readonly includeZeros: boolean };
  readonly ipvsLabels: readonly IpvsLabel[];
  readonly netclass: {
    readonly ignored: NamePattern | undefined;
    readonly ignoreInvalidSpeed: boolean;
    readonly netlink: boolean;
    readonly withStats: boolean;
  };
  readonly netdev: {
    readonly devices: NameFilter;
    readonly addressInfo: boolean;
    readonly detailed: boolean;
    readonly netlink: boolean;
    readonly labelIfalias: boolean;
  };
  readonly netstatFields: NamePattern;
  readonly ntp: NtpOptions;
  readonly pcidevice: { readonly idsFile: string; readonly names: boolean };
  readonly perf: PerfOptions;
  readonly powerSupplyIgnored: NamePattern | undefined;
  readonly qdisc: { readonly devices: NameFilter; readonly fixtures: string };
  readonly raplZoneLabel: boolean;
  readonly runitDirectory: string;
  readonly slabs: NameFilter;
  readonly softirq: boolean;
  readonly supervisordUrl: string;
  readonly sysctl: readonly SysctlWish[];
  /** Socket of the system's D-Bus. */
  readonly systemBusPath: string;
  readonly systemd: SystemdOptions;
  readonly tapestatsIgnored: NamePattern | undefined;
  readonly textfileDirectories: readonly string[];
  readonly vmstatFields: NamePattern;
  readonly wifiFixtures: string;
}

export interface NtpOptions {
  readonly server: string;
  readonly port: number;
  readonly protocolVersion: number;
  readonly serverIsLocal: boolean;
  readonly ipTtl: number;
  readonly maxDistanceSeconds: number;
  readonly localOffsetToleranceSeconds: number;
}

export interface PerfOptions {
  /** Upstream's list `0-3,5:2`, empty for all. */
  readonly cpus: string;
  /** `subsystem:event` each. */
  readonly tracepoints: readonly string[];
  readonly hardwareProfilers: readonly string[] | undefined;
  readonly softwareProfilers: readonly string[] | undefined;
  readonly cacheProfilers: readonly string[] | undefined;
}

export interface SystemdOptions {
  readonly units: NameFilter;
  readonly tasks: boolean;
  readonly restarts: boolean;
  readonly startTime: boolean;
  /** Talk to systemd itself, without the bus. */
  readonly isPrivate: boolean;
}

export interface CollectorContext {
  readonly files: FileSystem;
  readonly paths: ExporterPaths;
  readonly system: OperatingSystem;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: CollectorOptions;
  /** Names of all collectors that run. */
  readonly enabled: ReadonlySet<string>;
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
