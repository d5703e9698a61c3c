// SPDX-License-Identifier: Apache-2.0
// vmstat: counters of the memory management.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { untyped } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine } from '../text.ts';

export function vmstat(context: CollectorContext): Collector {
  /** By the kernel's name: what to export, undefined for what the pattern leaves out. */
  const known = new Map<string, Descriptor | undefined>();
  return (sink) => {
    eachLine(readProc(context, 'vmstat'), (line) => {
      const blank = line.indexOf(' ');
      const name = line.slice(0, blank);
      if (!known.has(name)) {
        const to = untyped(`node_vmstat_${name}`, `/proc/vmstat information field ${name}.`);
        known.set(name, context.options.vmstatFields.test(name) ? to : undefined);
      }
      const to = known.get(name);
      if (to !== undefined)
        sink.add(to, decimal(line.slice(blank + 1).trim(), `vmstat field ${name}`));
    });
  };
}
