// SPDX-License-Identifier: Apache-2.0
// Flags of `hearth node-exporter` as the options of its collectors.

import { parseDuration } from '../model/index.ts';
import type {
  CollectorOptions,
  IpvsLabel,
  NameFilter,
  PerfOptions,
  SystemdOptions,
} from '../node-exporter/index.ts';
import {
  anchoredPattern,
  flagPattern,
  ipvsLabels,
  parseSysctlWish,
} from '../node-exporter/index.ts';
import type { FlagValues } from './flags.ts';

/** Seconds of a Go duration such as `3.46608s` or `1ms`. @throws Error */
function goSeconds(text: string, flag: string): number {
  const units: Readonly<Record<string, number>> = {
    ns: 1e-9,
    us: 1e-6,
    µs: 1e-6,
    ms: 1e-3,
    s: 1,
    m: 60,
    h: 3600,
  };
  let seconds = 0;
  let rest = text;
  while (rest !== '') {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/.exec(rest);
    if (match === null) throw new Error(`--${flag}: invalid duration ${JSON.stringify(text)}`);
    seconds += Number(match[1]) * (units[match[2]!] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return seconds;
}

class OptionReader {
  private readonly values: FlagValues;
  constructor(values: FlagValues) {
    this.values = values;
  }

  pattern(name: string) {
    return flagPattern(this.values.text(`collector.${name}`));
  }

  /** The first of the flags that was given; a flag may have older names. */
  private given(names: readonly string[]): string | undefined {
    return names.find((name) => this.values.given.has(`collector.${name}`));
  }

  /**
   * The pair of an include and an exclude flag, of which only one may be given. An include list replaces
   * the default exclude list. @throws Error
   */
  filter(includes: readonly string[], excludes: readonly string[]): NameFilter {
    const include = this.given(includes);
    const exclude = this.given(excludes);
    if (include !== undefined && exclude !== undefined)
      throw new Error(
        `--collector.${exclude} and --collector.${include} are mutually exclusive: give one of them`,
      );
    return {
      include: this.pattern(include ?? includes[0]!),
      exclude: include === undefined ? this.pattern(exclude ?? excludes[0]!) : undefined,
    };
  }

  /** The usual pair `<name>-include` and `<name>-exclude`. */
  pair(name: string): NameFilter {
    return this.filter([`${name}-include`], [`${name}-exclude`]);
  }
}

function ipvsLabelsOf(text: string): IpvsLabel[] {
  if (text === '') return [];
  return text.split(',').map((name) => {
    const label = ipvsLabels.find((known) => known === name);
    if (label === undefined)
      throw new Error(`--collector.ipvs.backend-labels: unknown label ${JSON.stringify(name)}`);
    return label;
  });
}

function systemdOptions(values: FlagValues): SystemdOptions {
  const anchored = (current: string, old: string) => {
    const text = values.given.has(old) ? values.text(old) : values.text(current);
    return text === '' ? undefined : anchoredPattern(text);
  };
  return {
    units: {
      include: anchored('collector.systemd.unit-include', 'collector.systemd.unit-whitelist'),
      exclude: anchored('collector.systemd.unit-exclude', 'collector.systemd.unit-blacklist'),
    },
    tasks: values.flag('collector.systemd.enable-task-metrics'),
    restarts: values.flag('collector.systemd.enable-restarts-metrics'),
    startTime: values.flag('collector.systemd.enable-start-time-metrics'),
    isPrivate: values.flag('collector.systemd.private'),
  };
}

/** Where the environment says that the system bus is, or where it always is. */
function systemBusPath(): string {
  const address = process.env.DBUS_SYSTEM_BUS_ADDRESS ?? '';
  return /^unix:path=([^,;]+)/.exec(address)?.[1] ?? '/run/dbus/system_bus_socket';
}

function perfOptions(values: FlagValues): PerfOptions {
  /** None when switched off, undefined (all) when none are named. */
  const profilers = (kind: string): readonly string[] | undefined => {
    if (values.flag(`collector.perf.disable-${kind}-profilers`)) return [];
    const named = values.list(`collector.perf.${kind}-profilers`);
    return named.length === 0 ? undefined : named;
  };
  return {
    cpus: values.text('collector.perf.cpus'),
    tracepoints: values.list('collector.perf.tracepoint'),
    hardwareProfilers: profilers('hardware'),
    softwareProfilers: profilers('software'),
    cacheProfilers: profilers('cache'),
  };
}

function deviceOptions(values: FlagValues, read: OptionReader) {
  return {
    arp: { devices: read.pair('arp.device'), netlink: values.flag('collector.arp.netlink') },
    bcachePriorityStats: values.flag('collector.bcache.priorityStats'),
    diskstatsDevices: read.filter(
      ['diskstats.device-include'],
      ['diskstats.device-exclude', 'diskstats.ignored-devices'],
    ),
    ethtool: {
      devices: read.pair('ethtool.device'),
      metricsInclude: read.pattern('ethtool.metrics-include'),
    },
    filesystem: {
      mountPoints: read.filter(
        ['filesystem.mount-points-include'],
        ['filesystem.mount-points-exclude', 'filesystem.ignored-mount-points'],
      ),
      types: read.filter(
        ['filesystem.fs-types-include'],
        ['filesystem.fs-types-exclude', 'filesystem.ignored-fs-types'],
      ),
      mountTimeoutMs: parseDuration(values.text('collector.filesystem.mount-timeout')),
      statWorkers: values.number('collector.filesystem.stat-workers'),
    },
    hwmon: { chips: read.pair('hwmon.chip'), sensors: read.pair('hwmon.sensor') },
    infinibandDevices: read.pair('infiniband.device'),
    netclass: {
      ignored: read.pattern('netclass.ignored-devices'),
      ignoreInvalidSpeed: values.flag('collector.netclass.ignore-invalid-speed'),
      netlink: values.flag('collector.netclass.netlink'),
      withStats: values.flag('collector.netclass_rtnl.with-stats'),
    },
    netdev: {
      devices: read.filter(
        ['netdev.device-include', 'netdev.device-whitelist'],
        ['netdev.device-exclude', 'netdev.device-blacklist'],
      ),
      addressInfo: values.flag('collector.netdev.address-info'),
      detailed: values.flag('collector.netdev.enable-detailed-metrics'),
      netlink: values.flag('collector.netdev.netlink'),
      labelIfalias: values.flag('collector.netdev.label-ifalias'),
    },
    powerSupplyIgnored: read.pattern('powersupply.ignored-supplies'),
    qdisc: {
      devices: read.filter(
        ['qdisc.device-include', 'qdisk.device-include'],
        ['qdisc.device-exclude', 'qdisk.device-exclude'],
      ),
      fixtures: values.text('collector.qdisc.fixtures'),
    },
    tapestatsIgnored: read.pattern('tapestats.ignored-devices'),
    wifiFixtures: values.text('collector.wifi.fixtures'),
  };
}

/** @throws Error for flags that exclude each other, RegexpError for a pattern that doesn't compile */
export function collectorOptions(values: FlagValues): CollectorOptions {
  const read = new OptionReader(values);
  const everything = { test: () => true };
  return {
    ...deviceOptions(values, read),
    cpu: {
      guest: values.flag('collector.cpu.guest'),
      info: values.flag('collector.cpu.info'),
      flagsInclude: read.pattern('cpu.info.flags-include'),
      bugsInclude: read.pattern('cpu.info.bugs-include'),
    },
    interrupts: {
      names: read.pair('interrupts.name'),
      includeZeros: values.flag('collector.interrupts.include-zeros'),
    },
    ipvsLabels: ipvsLabelsOf(values.text('collector.ipvs.backend-labels')),
    netstatFields: read.pattern('netstat.fields') ?? everything,
    ntp: {
      server: values.text('collector.ntp.server'),
      port: values.number('collector.ntp.server-port'),
      protocolVersion: values.number('collector.ntp.protocol-version'),
      serverIsLocal: values.flag('collector.ntp.server-is-local'),
      ipTtl: values.number('collector.ntp.ip-ttl'),
      maxDistanceSeconds: goSeconds(
        values.text('collector.ntp.max-distance'),
        'collector.ntp.max-distance',
      ),
      localOffsetToleranceSeconds: goSeconds(
        values.text('collector.ntp.local-offset-tolerance'),
        'collector.ntp.local-offset-tolerance',
      ),
    },
    pcidevice: {
      idsFile: values.text('collector.pcidevice.idsfile'),
      names: values.flag('collector.pcidevice.names'),
    },
    perf: perfOptions(values),
    raplZoneLabel: values.flag('collector.rapl.enable-zone-label'),
    runitDirectory: values.text('collector.runit.servicedir'),
    slabs: {
      include: read.pattern('slabinfo.slabs-include'),
      exclude: read.pattern('slabinfo.slabs-exclude'),
    },
    softirq: values.flag('collector.stat.softirq'),
    supervisordUrl: values.text('collector.supervisord.url'),
    sysctl: [
      ...values.list('collector.sysctl.include').map((text) => parseSysctlWish(text, false)),
      ...values.list('collector.sysctl.include-info').map((text) => parseSysctlWish(text, true)),
    ],
    systemBusPath: systemBusPath(),
    systemd: systemdOptions(values),
    textfileDirectories: values.list('collector.textfile.directory'),
    vmstatFields: read.pattern('vmstat.fields') ?? everything,
  };
}
