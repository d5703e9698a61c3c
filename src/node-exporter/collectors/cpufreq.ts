// SPDX-License-Identifier: Apache-2.0
// cpufreq: clock rates of the CPUs and who decides on them.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfAny, readSysLine, sysNumberIfAny } from '../source.ts';
import { fields } from '../text.ts';

/** File of `cpufreq/`, in kHz, and what it becomes. */
const frequencies: readonly (readonly [file: string, Descriptor])[] = [
  [
    'cpuinfo_cur_freq',
    gauge('node_cpu_frequency_hertz', 'Current CPU thread frequency in hertz.', 'cpu'),
  ],
  [
    'cpuinfo_avg_freq',
    gauge('node_cpu_frequency_avg_hertz', 'Average CPU thread frequency in hertz.', 'cpu'),
  ],
  [
    'cpuinfo_min_freq',
    gauge('node_cpu_frequency_min_hertz', 'Minimum CPU thread frequency in hertz.', 'cpu'),
  ],
  [
    'cpuinfo_max_freq',
    gauge('node_cpu_frequency_max_hertz', 'Maximum CPU thread frequency in hertz.', 'cpu'),
  ],
  [
    'scaling_cur_freq',
    gauge(
      'node_cpu_scaling_frequency_hertz',
      'Current scaled CPU thread frequency in hertz.',
      'cpu',
    ),
  ],
  [
    'scaling_min_freq',
    gauge(
      'node_cpu_scaling_frequency_min_hertz',
      'Minimum scaled CPU thread frequency in hertz.',
      'cpu',
    ),
  ],
  [
    'scaling_max_freq',
    gauge(
      'node_cpu_scaling_frequency_max_hertz',
      'Maximum scaled CPU thread frequency in hertz.',
      'cpu',
    ),
  ],
];
const governors = gauge(
  'node_cpu_scaling_governor',
  'Current enabled CPU frequency governor.',
  'cpu',
  'governor',
);

export function cpufreq(context: CollectorContext): Collector {
  return (sink) => {
    for (const name of listSysIfAny(context, 'devices/system/cpu')) {
      const cpu = name.startsWith('cpu') ? name.slice(3) : '';
      if (cpu === '' || !isNumber(cpu)) continue;
      const base = `devices/system/cpu/${name}/cpufreq`;
      if (listSysIfAny(context, base).length === 0) continue;
      for (const [file, to] of frequencies) {
        const kilohertz = sysNumberIfAny(context, `${base}/${file}`);
        if (kilohertz !== undefined) sink.add(to, kilohertz * 1000, cpu);
      }
      const current = readSysLine(context, `${base}/scaling_governor`) ?? '';
      if (current === '') continue;
      const available = readSysLine(context, `${base}/scaling_available_governors`) ?? '';
      for (const governor of fields(available))
        sink.add(governors, governor === current ? 1 : 0, cpu, governor);
    }
  };
}

const isNumber = (text: string): boolean => {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) < 48 || text.charCodeAt(i) > 57) return false;
  return true;
};
