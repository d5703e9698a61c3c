// SPDX-License-Identifier: Apache-2.0
// time: the machine's clock, its zone and what it runs on.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfAny, readSysLine } from '../source.ts';
import { fields } from '../text.ts';

const seconds = gauge('node_time_seconds', 'System time in seconds since epoch (1970).');
const zoneOffset = gauge(
  'node_time_zone_offset_seconds',
  'System time zone offset in seconds.',
  'time_zone',
);
const availableInfo = gauge(
  'node_time_clocksource_available_info',
  "Available clocksources read from '/sys/devices/system/clocksource'.",
  'clocksource',
  'device',
);
const currentInfo = gauge(
  'node_time_clocksource_current_info',
  "Current clocksource read from '/sys/devices/system/clocksource'.",
  'clocksource',
  'device',
);

function collectClockSources(context: CollectorContext, sink: MetricSink): void {
  const directory = 'devices/system/clocksource';
  for (const entry of listSysIfAny(context, directory)) {
    if (!entry.startsWith('clocksource')) continue;
    const device = entry.slice('clocksource'.length);
    const current = readSysLine(context, `${directory}/${entry}/current_clocksource`);
    const available = readSysLine(context, `${directory}/${entry}/available_clocksource`);
    for (const source of fields(available ?? '')) sink.add(availableInfo, 1, source, device);
    if (current !== undefined) sink.add(currentInfo, 1, current, device);
  }
}

export function time(context: CollectorContext): Collector {
  return (sink) => {
    const now = context.clock.now();
    const zone = context.system.timeZone(now);
    sink.add(seconds, now / 1000);
    sink.add(zoneOffset, zone.offsetSeconds, zone.name);
    collectClockSources(context, sink);
  };
}
