// SPDX-License-Identifier: Apache-2.0
// watchdog: hardware that restarts a machine that hangs.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfThere, readSysLine, sysNumberIfAny } from '../source.ts';

const number = (file: string, suffix = ''): readonly [string, Descriptor] => [
  file,
  gauge(
    `node_watchdog_${file}${suffix}`,
    `Value of /sys/class/watchdog/<watchdog>/${file}`,
    'name',
  ),
];
const numbers = [
  number('bootstatus'),
  number('fw_version'),
  number('nowayout'),
  number('timeleft', '_seconds'),
  number('timeout', '_seconds'),
  number('pretimeout', '_seconds'),
  number('access_cs0'),
];
const info = gauge(
  'node_watchdog_info',
  'Info of /sys/class/watchdog/<watchdog>',
  'identity',
  'name',
  'options',
  'pretimeout_governor',
  'state',
  'status',
);

export function watchdog(context: CollectorContext): Collector {
  return (sink) => {
    for (const name of listSysIfThere(context, 'class/watchdog')) {
      const base = `class/watchdog/${name}`;
      for (const [file, to] of numbers) {
        const value = sysNumberIfAny(context, `${base}/${file}`);
        if (value !== undefined) sink.add(to, value, name);
      }
      const of = (file: string): string => readSysLine(context, `${base}/${file}`) ?? '';
      const [options, governor] = [of('options'), of('pretimeout_governor')];
      sink.add(info, 1, of('identity'), name, options, governor, of('state'), of('status'));
    }
  };
}
