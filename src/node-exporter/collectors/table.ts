// SPDX-License-Identifier: Apache-2.0
// Every collector, by upstream's name.

import type { CollectorEntry } from '../collector.ts';
import { cpu, loadavg, stat } from './cpu.ts';
import { diskstats } from './disk.ts';
import { filesystem } from './filesystem.ts';
import { meminfo, pressure, vmstat } from './memory.ts';
import { netdev, netstat, sockstat } from './network.ts';
import { filefd, time, uname } from './system.ts';
import { textfile } from './textfile.ts';

export const collectorTable: readonly CollectorEntry[] = [
  { name: 'cpu', enabledByDefault: true, create: cpu },
  { name: 'diskstats', enabledByDefault: true, create: diskstats },
  { name: 'filefd', enabledByDefault: true, create: filefd },
  { name: 'filesystem', enabledByDefault: true, create: filesystem },
  { name: 'loadavg', enabledByDefault: true, create: loadavg },
  { name: 'meminfo', enabledByDefault: true, create: meminfo },
  { name: 'netdev', enabledByDefault: true, create: netdev },
  { name: 'netstat', enabledByDefault: true, create: netstat },
  { name: 'pressure', enabledByDefault: true, create: pressure },
  { name: 'sockstat', enabledByDefault: true, create: sockstat },
  { name: 'stat', enabledByDefault: true, create: stat },
  { name: 'textfile', enabledByDefault: true, create: textfile },
  { name: 'time', enabledByDefault: true, create: time },
  { name: 'uname', enabledByDefault: true, create: uname },
  { name: 'vmstat', enabledByDefault: true, create: vmstat },
];
