// SPDX-License-Identifier: Apache-2.0
// The flags of `hearth node-exporter`: upstream's names and defaults.

import { collectorNames, defaultPatterns, ipvsLabels } from '../node-exporter/index.ts';
import type { FlagDefinition } from './flags.ts';

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

const list = (name: string, help: string): FlagDefinition => ({ name, kind: 'list', help });
const number = (name: string, byDefault: number, help: string): FlagDefinition => ({
  name,
  kind: 'number',
  byDefault: String(byDefault),
  help,
});

/** The pair of flags that choose things by name. */
const filter = (collector: string, what: string, byDefault = ''): FlagDefinition[] => {
  const noun = what.split(' ').at(-1) ?? what;
  const name = noun.replace(/s$/, '');
  return [
    pattern(
      `${collector}.${name}-include`,
      '',
      `${what} to include (mutually exclusive to ${name}-exclude)`,
    ),
    pattern(
      `${collector}.${name}-exclude`,
      byDefault,
      `${what} to exclude (mutually exclusive to ${name}-include)`,
    ),
  ];
};

const deviceFlags: readonly FlagDefinition[] = [
  ...filter('arp', 'arp devices'),
  onOff('collector.arp.netlink', true, 'Use netlink to gather stats instead of /proc/net/arp.'),
  onOff('collector.bcache.priorityStats', false, 'Expose expensive priority stats.'),
  ...filter('diskstats', 'diskstats devices', defaultPatterns.diskstatsDeviceExclude),
  {
    ...pattern(
      'diskstats.ignored-devices',
      '',
      'devices to ignore, the old name of device-exclude',
    ),
    hidden: true,
  },
  ...filter('ethtool', 'ethtool devices'),
  pattern('ethtool.metrics-include', '.*', 'ethtool stats to include'),
  ...filter('hwmon', 'hwmon chips'),
  ...filter('hwmon', 'hwmon sensors'),
  ...filter('infiniband', 'infiniband devices'),
  pattern('netclass.ignored-devices', '^$', 'net devices to ignore for netclass collector'),
  onOff(
    'collector.netclass.ignore-invalid-speed',
    false,
    'Ignore devices where the speed is invalid. This will be the default behavior in 2.x.',
  ),
  onOff('collector.netclass.netlink', false, 'Use netlink to gather stats instead of sysfs.'),
  onOff(
    'collector.netclass_rtnl.with-stats',
    false,
    'Expose the statistics for each network device, replacing netdev collector.',
  ),
  ...filter('netdev', 'net devices'),
  {
    ...pattern('netdev.device-whitelist', '', 'the old name of device-include'),
    hidden: true,
  },
  {
    ...pattern('netdev.device-blacklist', '', 'the old name of device-exclude'),
    hidden: true,
  },
  onOff('collector.netdev.address-info', false, 'Collect address-info for every device'),
  onOff(
    'collector.netdev.enable-detailed-metrics',
    false,
    'Use (incompatible) metric names that provide more detailed stats on Linux',
  ),
  onOff('collector.netdev.netlink', true, 'Use netlink to gather stats instead of /proc/net/dev.'),
  onOff('collector.netdev.label-ifalias', false, 'Add ifAlias label'),
  pattern(
    'powersupply.ignored-supplies',
    '^$',
    'power supplies to ignore for powersupplyclass collector',
  ),
  ...filter('qdisc', 'qdisc devices'),
  // Upstream once misspelt them, and keeps them.
  ...filter('qdisk', 'qdisc devices').map((flag) => ({ ...flag, hidden: true })),
  text(
    'collector.qdisc.fixtures',
    '',
    'test fixtures to use for qdisc collector end-to-end testing',
  ),
  pattern('tapestats.ignored-devices', '^$', 'devices to ignore for tapestats'),
  text('collector.wifi.fixtures', '', 'test fixtures to use for wifi collector metrics'),
];

const filesystemFlags: readonly FlagDefinition[] = [
  pattern(
    'filesystem.mount-points-exclude',
    defaultPatterns.mountPointsExclude,
    'mount points to exclude for filesystem collector (mutually exclusive to mount-points-include)',
  ),
  pattern(
    'filesystem.mount-points-include',
    '',
    'mount points to include for filesystem collector (mutually exclusive to mount-points-exclude)',
  ),
  pattern(
    'filesystem.fs-types-exclude',
    defaultPatterns.fsTypesExclude,
    'filesystem types to exclude for filesystem collector (mutually exclusive to fs-types-include)',
  ),
  pattern(
    'filesystem.fs-types-include',
    '',
    'filesystem types to include for filesystem collector (mutually exclusive to fs-types-exclude)',
  ),
  {
    ...pattern('filesystem.ignored-mount-points', '', 'the old name of mount-points-exclude'),
    hidden: true,
  },
  {
    ...pattern('filesystem.ignored-fs-types', '', 'the old name of fs-types-exclude'),
    hidden: true,
  },
  {
    ...text('collector.filesystem.mount-timeout', '5s', 'how long to wait for a mount'),
    hidden: true,
  },
  {
    ...number('collector.filesystem.stat-workers', 4, 'how many stat calls to process at a time'),
    hidden: true,
  },
];

const ntpFlags: readonly FlagDefinition[] = [
  text('collector.ntp.server', '127.0.0.1', 'NTP server to use for ntp collector'),
  number('collector.ntp.server-port', 123, 'UDP port number to connect to on NTP server'),
  number('collector.ntp.protocol-version', 4, 'NTP protocol version'),
  onOff(
    'collector.ntp.server-is-local',
    false,
    'Certify that collector.ntp.server address is not a public ntp server',
  ),
  number('collector.ntp.ip-ttl', 1, 'IP TTL to use while sending NTP query'),
  text('collector.ntp.max-distance', '3.46608s', 'Max accumulated distance to the root'),
  text(
    'collector.ntp.local-offset-tolerance',
    '1ms',
    'Offset between local clock and local ntpd time to tolerate',
  ),
];

const perfFlags: readonly FlagDefinition[] = [
  text('collector.perf.cpus', '', 'List of CPUs from which perf metrics should be collected'),
  list('collector.perf.tracepoint', 'perf tracepoint that should be collected'),
  onOff('collector.perf.disable-hardware-profilers', false, 'disable perf hardware profilers'),
  list('collector.perf.hardware-profilers', 'perf hardware profilers that should be collected'),
  onOff('collector.perf.disable-software-profilers', false, 'disable perf software profilers'),
  list('collector.perf.software-profilers', 'perf software profilers that should be collected'),
  onOff('collector.perf.disable-cache-profilers', false, 'disable perf cache profilers'),
  list('collector.perf.cache-profilers', 'perf cache profilers that should be collected'),
];

const systemdFlags: readonly FlagDefinition[] = [
  pattern(
    'systemd.unit-include',
    defaultPatterns.systemdUnitInclude,
    'systemd units to include. Units must both match include and not match exclude to be included',
  ),
  pattern(
    'systemd.unit-exclude',
    defaultPatterns.systemdUnitExclude,
    'systemd units to exclude. Units must both match include and not match exclude to be included',
  ),
  { ...pattern('systemd.unit-whitelist', '', 'the old name of unit-include'), hidden: true },
  { ...pattern('systemd.unit-blacklist', '', 'the old name of unit-exclude'), hidden: true },
  onOff(
    'collector.systemd.enable-task-metrics',
    false,
    'Enables service unit tasks metrics unit_tasks_current and unit_tasks_max',
  ),
  onOff(
    'collector.systemd.enable-restarts-metrics',
    false,
    'Enables service unit metric service_restart_total',
  ),
  onOff(
    'collector.systemd.enable-start-time-metrics',
    false,
    'Enables service unit metric unit_start_time_seconds',
  ),
  {
    ...onOff(
      'collector.systemd.private',
      false,
      'Establish a private, direct connection to systemd without dbus',
    ),
    hidden: true,
  },
];

const collectorFlags: readonly FlagDefinition[] = [
  ...deviceFlags,
  onOff('collector.cpu.guest', true, 'Enables metric node_cpu_guest_seconds_total'),
  onOff('collector.cpu.info', false, 'Enables metric cpu_info'),
  pattern('cpu.info.flags-include', '', 'the `flags` field in cpuInfo to include'),
  pattern('cpu.info.bugs-include', '', 'the `bugs` field in cpuInfo to include'),
  ...filesystemFlags,
  pattern('interrupts.name-include', '', 'interrupts name to include'),
  pattern('interrupts.name-exclude', '', 'interrupts name to exclude'),
  onOff('collector.interrupts.include-zeros', true, 'Include interrupts that have a zero value'),
  text(
    'collector.ipvs.backend-labels',
    ipvsLabels.join(','),
    'Comma separated list for IPVS backend stats labels.',
  ),
  pattern(
    'netstat.fields',
    defaultPatterns.netstatFields,
    'fields to return for netstat collector',
  ),
  ...ntpFlags,
  text(
    'collector.pcidevice.idsfile',
    '',
    'Path to pci.ids file to use for PCI device identification.',
  ),
  onOff(
    'collector.pcidevice.names',
    false,
    'Enable PCI device name resolution (requires pci.ids file).',
  ),
  ...perfFlags,
  onOff('collector.rapl.enable-zone-label', false, 'Enables the label rapl_zone of joules_total'),
  text('collector.runit.servicedir', '/etc/service', 'Path to runit service directory.'),
  pattern('slabinfo.slabs-include', '.*', 'slabs to include in slabinfo collector'),
  pattern('slabinfo.slabs-exclude', '', 'slabs to exclude in slabinfo collector'),
  onOff('collector.stat.softirq', false, 'Export softirq calls per vector'),
  text(
    'collector.supervisord.url',
    process.env.SUPERVISORD_URL ?? 'http://localhost:9001/RPC2',
    'XML RPC endpoint.',
  ),
  list('collector.sysctl.include', 'Select sysctl metrics to include'),
  list('collector.sysctl.include-info', 'Select sysctl metrics to include as info metrics'),
  ...systemdFlags,
  list(
    'collector.textfile.directory',
    'Directory to read text files with metrics from, supports glob matching. (repeatable)',
  ),
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
  onOff(
    'web.systemd-socket',
    false,
    'Use systemd socket activation listeners instead of port listeners (Linux only).',
  ),
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
