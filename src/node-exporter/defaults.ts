// SPDX-License-Identifier: Apache-2.0
// Upstream's defaults of the collectors' flags.

import type { CompiledRegexp } from '../model/index.ts';
import { compileRegexp } from '../model/index.ts';
import type { CollectorOptions } from './collector.ts';

export const defaultPatterns = {
  diskstatsDeviceExclude: '^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$',
  mountPointsExclude:
    '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)',
  fsTypesExclude:
    '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$',
  netstatFields:
    '^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$',
  vmstatFields: '^(oom_kill|pgpg|pswp|pg.*fault).*',
} as const;

/**
 * A flag's pattern: RE2, unanchored as these flags are. Undefined for the empty pattern, which filters
 * nothing. @throws with RE2's message
 */
export function flagPattern(source: string): CompiledRegexp | undefined {
  return source === '' ? undefined : compileRegexp(`(?s:.*?)(?:${source})(?s:.*)`);
}

/** Like {@link flagPattern}, for flags that always filter. */
const pattern = (source: string): CompiledRegexp => compileRegexp(`(?s:.*?)(?:${source})(?s:.*)`);

export function defaultCollectorOptions(): CollectorOptions {
  return {
    cpu: { guest: true, info: false, flagsInclude: undefined, bugsInclude: undefined },
    diskstatsDevices: {
      include: undefined,
      exclude: pattern(defaultPatterns.diskstatsDeviceExclude),
    },
    filesystem: {
      mountPoints: { include: undefined, exclude: pattern(defaultPatterns.mountPointsExclude) },
      types: { include: undefined, exclude: pattern(defaultPatterns.fsTypesExclude) },
      mountTimeoutMs: 5000,
      statWorkers: 4,
    },
    netdev: { devices: { include: undefined, exclude: undefined }, detailed: false, netlink: true },
    netstatFields: pattern(defaultPatterns.netstatFields),
    softirq: false,
    textfileDirectories: [],
    vmstatFields: pattern(defaultPatterns.vmstatFields),
  };
}
