// SPDX-License-Identifier: Apache-2.0
// The default patterns are compiled for speed as JavaScript's own: they must say what RE2 says.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRegexp } from '../model/index.ts';
import { anchoredPattern, defaultPatterns, flagPattern } from './defaults.ts';

/** Names as they come on machines, near misses, and what trips regular expressions up. */
const corpus = `
sda sda1 sda12 hda1 vda1 xvda1 xvda sdaa1 nvme0n1 nvme0n1p1 nvme10n2p33 ram0 zram0 zram loop0 loop fd0 fda dm-0 md127 sr0
/ /dev /dev/ /dev/shm /device /proc /proc/sys /procs /run /run/credentials /run/credentials/ /run/credentials/x.service
/run/credentials/systemd-tmpfiles-setup.service /sys /sys/fs/cgroup /system /var/lib/docker /var/lib/docker/
/var/lib/docker/overlay2/x/merged /var/lib/containers/storage/overlay /var/lib/containers/storage /home /boot/efi //dev
ext4 xfs btrfs tmpfs autofs binfmt_misc bpf cgroup cgroup2 cgroup3 configfs debugfs devpts devtmpfs fusectl fuse.sshfs
hugetlbfs iso9660 mqueue nsfs overlay overlayfs proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs erofs sysfs tracefs
Icmp_InErrors Icmp_InMsgs Icmp6_InMsgs Icmp6_OutMsgs Icmp_OutErrors Ip_Forwarding Ip_ForwDatagrams IpExt_InOctets
Ip6_OutOctets Ip_InOctets TcpExt_ListenDrops TcpExt_ListenOverflows TcpExt_SyncookiesSent TcpExt_TCPSynRetrans
TcpExt_TCPSynRetransX TcpExt_TCPTimeouts TcpExt_TCPOFOQueue TcpExt_TCPRcvQDrop TcpExt_TW Tcp_ActiveOpens Tcp_CurrEstab
Tcp_InErrs Udp_InDatagrams Udp6_NoPorts Udp_RcvbufErrors UdpLite_InErrors UdpLite6_InErrors _InErrs InErrs X_InErrsY
oom_kill oom_kills pgpgin pgpgout pswpin pswpout pgfault pgmajfault pgfree nr_free_pages pg pgpg allocstall xoom_kill
ssh.service a.automount a.device -.mount session-1.scope user.slice dbus.socket .slice a.slice.service mount a.mounts .
`;

const names: readonly string[] = [
  ...corpus.trim().split(/\s+/),
  ...['', ' ', '\n', 'sda1\n', '\nsda1', 'ext4\n', '/dev\n', '/dev\nx', 'pgfault\n', 'oom_kill\nx'],
  ...[
    'a\u2028.slice',
    '/var/lib/docker/\n',
    '/run/credentials/\nx',
    'Ünit.mount',
    '😀.slice',
    'sdа1',
  ],
  ...['\u0000', 'a\u0000.scope', 'sda\u0661', 'TcpExt_Listen\n', 'ſda1', 'K'],
];

const kinds = Object.entries(defaultPatterns).map(([name, source]) => ({
  name,
  ours: name.startsWith('systemd') ? anchoredPattern(source) : flagPattern(source)!,
  // Not one of the patterns that are known, so that RE2's own program is made of it.
  re2: compileRegexp(
    name.startsWith('systemd') ? `(?-s:${source})` : `(?s:.*?)(?-s:${source})(?s:.*)`,
  ),
}));

test.each(kinds)('$name says what RE2 says, name by name', ({ ours, re2 }) => {
  for (const name of names) expect([name, ours.test(name)]).toEqual([name, re2.test(name)]);
  const judged = names.map((name) => ours.test(name));
  expect(new Set(judged).size).toBe(2);
});

test.each(kinds)('$name says what RE2 says of pieces put together', ({ ours, re2 }) => {
  const piece = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom('.', '/', '_', '1', 'p', 'n', 's', 'x', '-', 'lib', 'proc', 'In', 'Errors'),
    fc.string({ unit: 'grapheme', maxLength: 3 }),
  );
  const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, (name) => ours.test(name) === re2.test(name)),
    { numRuns: 2000, seed: 5 },
  );
});
