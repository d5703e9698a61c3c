// SPDX-License-Identifier: Apache-2.0
// interrupts: hardware interrupts by number and CPU.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import { counter } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

const total = counter(
  'node_interrupts_total',
  'Interrupt details.',
  'cpu',
  'devices',
  'info',
  'type',
);

/** Numbered interrupts name controller and devices, the others have one text. */
function details(type: string, rest: readonly string[]): { info: string; devices: string } {
  if (Number.isNaN(Number(type))) return { info: rest.join(' '), devices: '' };
  return { info: rest[0] ?? '', devices: rest.slice(1).join(' ') };
}

export function interrupts(context: CollectorContext): Collector {
  const { names, includeZeros } = context.options.interrupts;
  return (sink) => {
    let cpus: string[] | undefined;
    eachLine(readProc(context, 'interrupts'), (line) => {
      const parts = fields(line);
      if (cpus === undefined) {
        cpus = parts.map((name) => name.slice('CPU'.length));
        return;
      }
      // ERR and MIS are not counted by CPU.
      if (parts.length < cpus.length + 2) return;
      const type = parts[0]!.replace(':', '');
      const { info, devices } = details(type, parts.slice(cpus.length + 1));
      if (!keepsName(names, `${type};${info};${devices}`)) return;
      for (let i = 0; i < cpus.length; i++) {
        const value = decimal(parts[i + 1], `interrupts ${type}`);
        if (value !== 0 || includeZeros) sink.add(total, value, cpus[i]!, devices, info, type);
      }
    });
  };
}
