// SPDX-License-Identifier: Apache-2.0
// lnstat: counters of the kernel's network caches, by CPU.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter } from '../sink.ts';
import { ifThere, readProc } from '../source.ts';
import { eachLine, fields, hexadecimal } from '../text.ts';

/** Every file of /proc/net/stat: names, then a line of hexadecimal numbers for each CPU. */
export function lnstat(context: CollectorContext): Collector {
  return (sink) => {
    const directory = `${context.paths.procfs}/net/stat`;
    for (const subsystem of ifThere(() => context.files.listSync(directory))) {
      let names: string[] | undefined;
      let cpu = 0;
      eachLine(readProc(context, `net/stat/${subsystem}`), (line) => {
        const parts = fields(line);
        if (names === undefined) {
          names = parts;
          return;
        }
        names.forEach((name, i) => {
          const to = counter(
            `node_lnstat_${name}_total`,
            'linux network cache stats',
            'cpu',
            'subsystem',
          );
          const value = hexadecimal(parts[i], `net/stat/${subsystem} ${name}`);
          sink.add(to, value, String(cpu), subsystem);
        });
        cpu++;
      });
    }
  };
}
