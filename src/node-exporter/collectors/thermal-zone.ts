// SPDX-License-Identifier: Apache-2.0
// thermal_zone: temperatures and what is done against heat.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { listSysIfAny, readSysLine, sysNumberIfAny } from '../source.ts';

const temperature = gauge('node_thermal_zone_temp', 'Zone temperature in Celsius', 'type', 'zone');
const currentState = gauge(
  'node_cooling_device_cur_state',
  'Current throttle state of the cooling device',
  'name',
  'type',
);
const maxState = gauge(
  'node_cooling_device_max_state',
  'Maximum throttle state of the cooling device',
  'name',
  'type',
);

export function thermalZone(context: CollectorContext): Collector {
  return (sink) => {
    const names = listSysIfAny(context, 'class/thermal');
    const numbered = (prefix: string): string[] => names.filter((name) => name.startsWith(prefix));
    const zones = numbered('thermal_zone');
    const devices = numbered('cooling_device');
    for (const zone of zones) {
      // A zone whose sensor is off answers the read with an error.
      const millidegrees = sysNumberIfAny(context, `class/thermal/${zone}/temp`);
      if (millidegrees === undefined) continue;
      const type = readSysLine(context, `class/thermal/${zone}/type`) ?? '';
      sink.add(temperature, millidegrees / 1000, type, zone.slice('thermal_zone'.length));
    }
    for (const device of devices) {
      const of = (file: string): number | undefined =>
        sysNumberIfAny(context, `class/thermal/${device}/${file}`);
      const type = readSysLine(context, `class/thermal/${device}/type`) ?? '';
      const name = device.slice('cooling_device'.length);
      const [current, max] = [of('cur_state'), of('max_state')];
      if (current !== undefined) sink.add(currentState, current, name, type);
      if (max !== undefined) sink.add(maxState, max, name, type);
    }
  };
}
