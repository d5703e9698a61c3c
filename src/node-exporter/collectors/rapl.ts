// SPDX-License-Identifier: Apache-2.0
// rapl: energy that parts of the CPU have used.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { counter } from '../sink.ts';
import { listSysIfThere, readSysLine, sysNumber } from '../source.ts';
import { metricName } from '../text.ts';

interface Zone {
  readonly name: string;
  readonly index: string;
  readonly path: string;
}

/** `package-0` → package, 0; zones without a number are numbered as they come. */
function zonesOf(context: CollectorContext): Zone[] {
  const counts = new Map<string, number>();
  const zones: Zone[] = [];
  for (const directory of listSysIfThere(context, 'class/powercap')) {
    const fullName = readSysLine(context, `class/powercap/${directory}/name`);
    if (fullName === undefined || fullName === '') continue;
    const match = /^(.+)-(\d+)$/.exec(fullName);
    const name = match?.[1] ?? fullName;
    const next = counts.get(name) ?? 0;
    counts.set(name, next + 1);
    zones.push({
      name,
      index: match?.[2] ?? String(next),
      path: `class/powercap/${directory}`,
    });
  }
  return zones;
}

const MICROJOULES = 1e6;

export function rapl(context: CollectorContext): Collector {
  return (sink) => {
    for (const { name, index, path } of zonesOf(context)) {
      let joules: number;
      try {
        joules = sysNumber(context, `${path}/energy_uj`) / MICROJOULES;
      } catch (error) {
        // Since 2020 only root may read it: the values tell what the CPU works on.
        if (error instanceof FileError && error.code === 'EACCES')
          throw new NoDataError(`no permission to read ${path}/energy_uj`);
        throw error;
      }
      const fullPath = `${context.paths.sysfs}/${path}`;
      if (context.options.raplZoneLabel) {
        const to = counter(
          'node_rapl_joules_total',
          'Current RAPL value in joules',
          'index',
          'path',
          'rapl_zone',
        );
        sink.add(to, joules, index, fullPath, name);
        continue;
      }
      const to = counter(
        `node_rapl_${metricName(name)}_joules_total`,
        `Current RAPL ${name} value in joules`,
        'index',
        'path',
      );
      sink.add(to, joules, index, fullPath);
    }
  };
}
