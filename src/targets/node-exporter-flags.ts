// SPDX-License-Identifier: Apache-2.0
// The flags of `hearth node-exporter`: upstream's names and defaults.

import { collectorNames, defaultPatterns } from '../node-exporter/index.ts';
import type { FlagDefinition } from './flags.ts';

/** Upstream's collectors that we don't have: their switches are taken, and warned about when on. */
const otherCollectors: readonly string[] = [
  ...['arp', 'bcache', 'bcachefs', 'bonding', 'btrfs', 'buddyinfo', 'cgroups', 'conntrack'],
  ...['cpu_vulnerabilities', 'cpufreq', 'dmi', 'dmmultipath', 'drbd', 'drm', 'edac', 'entropy'],
  ...['ethtool', 'fibrechannel', 'hwmon', 'infiniband', 'interrupts', 'ipvs', 'kernel_hung'],
  ...['ksmd', 'lnstat', 'logind', 'mdadm', 'meminfo_numa', 'mountstats', 'netclass'],
  ...['network_route', 'nfs', 'nfsd', 'ntp', 'nvme', 'nvmesubsystem', 'os', 'pcidevice', 'perf'],
  ...['powersupplyclass', 'processes', 'qdisc', 'rapl', 'runit', 'schedstat', 'selinux'],
  ...['slabinfo', 'softirqs', 'softnet', 'supervisord', 'swap', 'sysctl', 'systemd', 'tapestats'],
  ...['tcpstat', 'thermal_zone', 'timex', 'udp_queues', 'watchdog', 'wifi', 'xfrm', 'xfs', 'zfs'],
  ...['zoneinfo'],
];

const pattern = (name: string, byDefault: string, what: string): FlagDefinition => ({
  name: `collector.${name}`,
  kind: 'text',
  byDefault,
  help: `Regexp of ${what}.`,
});
const onOff = (name: string, byDefault: boolean, help: string): FlagDefinition => ({
  name,
  kind: 'switch',
  byDefault: String(byDefault),
  help,
});
const text = (name: string, byDefault: string, help: string): FlagDefinition => ({
  name,
  kind: 'text',
  byDefault,
  help,
});

const collectorFlags: readonly FlagDefinition[] = [
  onOff('collector.cpu.guest', true, 'Enables metric node_cpu_guest_seconds_total'),
  onOff('collector.cpu.info', false, 'Enables metric cpu_info'),
  pattern('cpu.info.flags-include', '', 'the `flags` field in cpuInfo to include'),
  pattern('cpu.info.bugs-include', '', 'the `bugs` field in cpuInfo to include'),
  pattern(
    'diskstats.device-exclude',
    defaultPatterns.diskstatsDeviceExclude,
    'diskstats devices to exclude (mutually exclusive to device-include)',
  ),
  pattern(
    'diskstats.device-include',
    '',
    'diskstats devices to include (mutually exclusive to device-exclude)',
  ),
  pattern(
    'filesystem.mount-points-exclude',
    defaultPatterns.mountPointsExclude,
    'mount points to exclude for filesystem collector',
  ),
  pattern(
    'filesystem.mount-points-include',
    '',
    'mount points to include for filesystem collector',
  ),
  pattern(
    'filesystem.fs-types-exclude',
    defaultPatterns.fsTypesExclude,
    'filesystem types to exclude for filesystem collector',
  ),
  pattern(
    'filesystem.fs-types-include',
    '',
    'filesystem types to include for filesystem collector',
  ),
  {
    ...text('collector.filesystem.mount-timeout', '5s', 'how long to wait for a mount'),
    hidden: true,
  },
  {
    name: 'collector.filesystem.stat-workers',
    kind: 'number',
    byDefault: '4',
    help: 'how many stat calls to process simultaneously',
    hidden: true,
  },
  pattern('netdev.device-include', '', 'net devices to include'),
  pattern('netdev.device-exclude', '', 'net devices to exclude'),
  onOff(
    'collector.netdev.enable-detailed-metrics',
    false,
    'Use (incompatible) metric names that provide more detailed stats on Linux',
  ),
  onOff('collector.netdev.netlink', true, 'Use netlink to gather stats instead of /proc/net/dev.'),
  pattern(
    'netstat.fields',
    defaultPatterns.netstatFields,
    'fields to return for netstat collector',
  ),
  onOff('collector.stat.softirq', false, 'Export softirq calls per vector'),
  {
    name: 'collector.textfile.directory',
    kind: 'list',
    help: 'Directory to read text files with metrics from, supports glob matching. (repeatable)',
  },
  pattern('vmstat.fields', defaultPatterns.vmstatFields, 'fields to return for vmstat collector'),
];

export const nodeExporterFlags: readonly FlagDefinition[] = [
  ...collectorFlags,
  ...collectorNames.map(({ name, enabledByDefault }) =>
    onOff(
      `collector.${name}`,
      enabledByDefault,
      `Enable the ${name} collector (default: ${enabledByDefault ? 'enabled' : 'disabled'}).`,
    ),
  ),
  ...otherCollectors.map((name) => ({
    ...onOff(`collector.${name}`, false, `Enable the ${name} collector.`),
    hidden: true,
    unsupported: true,
  })),
  onOff('collector.disable-defaults', false, 'Set all collectors to disabled by default.'),
  text('path.procfs', '/proc', 'procfs mountpoint.'),
  text('path.sysfs', '/sys', 'sysfs mountpoint.'),
  text('path.rootfs', '/', 'rootfs mountpoint.'),
  text('path.udev.data', '/run/udev/data', 'udev data path.'),
  text('web.telemetry-path', '/metrics', 'Path under which to expose metrics.'),
  onOff(
    'web.disable-exporter-metrics',
    false,
    'Exclude metrics about the exporter itself (promhttp_*, process_*, go_*).',
  ),
  {
    name: 'web.max-requests',
    kind: 'number',
    byDefault: '40',
    help: 'Maximum number of parallel scrape requests. Use 0 to disable.',
  },
  {
    name: 'runtime.gomaxprocs',
    kind: 'number',
    byDefault: '1',
    help: 'The target number of CPUs Go will run on (GOMAXPROCS). Has no effect here.',
  },
  {
    name: 'web.listen-address',
    kind: 'list',
    byDefault: ':9100',
    help: 'Addresses on which to expose metrics and web interface. Repeatable for multiple addresses.',
  },
  text('web.config.file', '', 'Path to configuration file that can enable TLS or authentication.'),
  {
    name: 'log.level',
    kind: 'choice',
    byDefault: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    help: 'Only log messages with the given severity or above. One of: [debug, info, warn, error]',
  },
  {
    name: 'log.format',
    kind: 'choice',
    byDefault: 'logfmt',
    choices: ['logfmt', 'json'],
    help: 'Output format of log messages. One of: [logfmt, json]',
  },
];
