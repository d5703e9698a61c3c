// SPDX-License-Identifier: Apache-2.0
// Upstream's defaults of the collectors' flags.

import { compileRegexp } from '../model/index.ts';
import type { CollectorOptions, NameFilter, NamePattern } from './collector.ts';
import { ipvsLabels } from './ipvs-labels.ts';

export const defaultPatterns = {
  diskstatsDeviceExclude: '^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$',
  mountPointsExclude:
    '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)',
  fsTypesExclude:
    '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$',
  netstatFields:
    '^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$',
  systemdUnitInclude: '.+',
  systemdUnitExclude: '.+\\.(automount|device|mount|scope|slice)',
  vmstatFields: '^(oom_kill|pgpg|pswp|pg.*fault).*',
} as const;

/** Names that a pattern has already judged are remembered: the same ones come at every scrape. */
const REMEMBERED_MAX = 10_000;

function remembering(pattern: NamePattern): NamePattern {
  const judged = new Map<string, boolean>();
  return {
    test: (name) => {
      const known = judged.get(name);
      if (known !== undefined) return known;
      const result = pattern.test(name);
      if (judged.size < REMEMBERED_MAX) judged.set(name, result);
      return result;
    },
  };
}

/**
 * A flag's pattern: RE2, unanchored as these flags are; the dot does not match newlines. Undefined for
 * the empty pattern, which filters nothing. @throws with RE2's message
 */
export function flagPattern(source: string): NamePattern | undefined {
  return source === '' ? undefined : pattern(source);
}

/** Mean the same to RE2 and to JavaScript; RE2's programs of them would take 4 MB. */
const knownPatterns: ReadonlySet<string> = new Set(Object.values(defaultPatterns));

/** The same pattern for JavaScript, whose dot stops at more than newlines. */
const javascriptPattern = (source: string): string =>
  source.replace(/\\.|\./g, (found) => (found === '.' ? '[^\\n]' : found));

/** Like {@link flagPattern}, for flags that always filter. */
const pattern = (source: string): NamePattern =>
  remembering(
    knownPatterns.has(source)
      ? new RegExp(javascriptPattern(source))
      : compileRegexp(`(?s:.*?)(?-s:${source})(?s:.*)`),
  );

/** A pattern that has to match the whole name, as those of the systemd collector. */
export const anchoredPattern = (source: string): NamePattern =>
  remembering(
    knownPatterns.has(source)
      ? new RegExp(`^(?:${javascriptPattern(source)})$`)
      : compileRegexp(`(?-s:${source})`),
  );

const everything: NameFilter = { include: undefined, exclude: undefined };

export function defaultCollectorOptions(): CollectorOptions {
  return {
    arp: { devices: everything, netlink: true },
    bcachePriorityStats: false,
    cpu: { guest: true, info: false, flagsInclude: undefined, bugsInclude: undefined },
    diskstatsDevices: {
      include: undefined,
      exclude: pattern(defaultPatterns.diskstatsDeviceExclude),
    },
    ethtool: { devices: everything, metricsInclude: undefined },
    filesystem: {
      mountPoints: { include: undefined, exclude: pattern(defaultPatterns.mountPointsExclude) },
      types: { include: undefined, exclude: pattern(defaultPatterns.fsTypesExclude) },
      mountTimeoutMs: 5000,
      statWorkers: 4,
    },
    hwmon: { chips: everything, sensors: everything },
    infinibandDevices: everything,
    interrupts: { names: everything, includeZeros: true },
    ipvsLabels,
    netclass: { ignored: undefined, ignoreInvalidSpeed: false, netlink: false, withStats: false },
    netdev: {
      devices: everything,
      addressInfo: false,
      detailed: false,
      netlink: true,
      labelIfalias: false,
    },
    netstatFields: pattern(defaultPatterns.netstatFields),
    ntp: {
      server: '127.0.0.1',
      port: 123,
      protocolVersion: 4,
      serverIsLocal: false,
      ipTtl: 1,
      maxDistanceSeconds: 3.46608,
      localOffsetToleranceSeconds: 0.001,
    },
    pcidevice: { idsFile: '', names: false },
    perf: {
      cpus: '',
      tracepoints: [],
      hardwareProfilers: undefined,
      softwareProfilers: undefined,
      cacheProfilers: undefined,
    },
    powerSupplyIgnored: undefined,
    qdisc: { devices: everything, fixtures: '' },
    raplZoneLabel: false,
    runitDirectory: '/etc/service',
    slabs: everything,
    softirq: false,
    supervisordUrl: 'http://localhost:9001/RPC2',
    sysctl: [],
    systemBusPath: '/run/dbus/system_bus_socket',
    systemd: {
      units: {
        include: anchoredPattern(defaultPatterns.systemdUnitInclude),
        exclude: anchoredPattern(defaultPatterns.systemdUnitExclude),
      },
      tasks: false,
      restarts: false,
      startTime: false,
      isPrivate: false,
    },
    tapestatsIgnored: undefined,
    textfileDirectories: [],
    vmstatFields: pattern(defaultPatterns.vmstatFields),
    wifiFixtures: '',
  };
}
