// SPDX-License-Identifier: Apache-2.0
// uname, time, filefd: the machine's name, clock and file table.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { decimal, fields, readProc, readSysLine, SourceError } from '../text.ts';

function domainName(context: CollectorContext): string {
  try {
    return readProc(context, 'sys/kernel/domainname').trim();
  } catch (error) {
    if (error instanceof FileError) return '(none)';
    throw error;
  }
}

export function uname(context: CollectorContext): Collector {
  return (sink) => {
    const name = context.system.systemName();
    sink.gauge(
      'node_uname_info',
      'Labeled system information as provided by the uname system call.',
      1,
      [
        ['domainname', domainName(context)],
        ['machine', name.machine],
        ['nodename', name.nodename],
        ['release', name.release],
        ['sysname', name.sysname],
        ['version', name.version],
      ],
    );
  };
}

function collectClockSources(context: CollectorContext, sink: MetricSink): void {
  const directory = 'devices/system/clocksource';
  if (!context.files.existsSync(`${context.paths.sysfs}/${directory}`)) return;
  for (const entry of context.files.listSync(`${context.paths.sysfs}/${directory}`)) {
    if (!entry.startsWith('clocksource')) continue;
    const device = entry.slice('clocksource'.length);
    const current = readSysLine(context, `${directory}/${entry}/current_clocksource`);
    const available = readSysLine(context, `${directory}/${entry}/available_clocksource`);
    for (const clocksource of fields(available ?? '')) {
      sink.gauge(
        'node_time_clocksource_available_info',
        "Available clocksources read from '/sys/devices/system/clocksource'.",
        1,
        [
          ['clocksource', clocksource],
          ['device', device],
        ],
      );
    }
    if (current === undefined) continue;
    sink.gauge(
      'node_time_clocksource_current_info',
      "Current clocksource read from '/sys/devices/system/clocksource'.",
      1,
      [
        ['clocksource', current],
        ['device', device],
      ],
    );
  }
}

export function time(context: CollectorContext): Collector {
  return (sink) => {
    const now = context.clock.now();
    const zone = context.system.timeZone(now);
    sink.gauge('node_time_seconds', 'System time in seconds since epoch (1970).', now / 1000);
    sink.gauge(
      'node_time_zone_offset_seconds',
      'System time zone offset in seconds.',
      zone.offsetSeconds,
      [['time_zone', zone.name]],
    );
    collectClockSources(context, sink);
  };
}

export function filefd(context: CollectorContext): Collector {
  return (sink) => {
    const parts = fields(readProc(context, 'sys/fs/file-nr'));
    if (parts.length < 3) throw new SourceError('unexpected content in sys/fs/file-nr');
    sink.gauge(
      'node_filefd_allocated',
      'File descriptor statistics: allocated.',
      decimal(parts[0], 'sys/fs/file-nr'),
    );
    sink.gauge(
      'node_filefd_maximum',
      'File descriptor statistics: maximum.',
      decimal(parts[2], 'sys/fs/file-nr'),
    );
  };
}
