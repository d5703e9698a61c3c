// SPDX-License-Identifier: Apache-2.0
// cgroups: control groups by subsystem.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

const groups = gauge(
  'node_cgroups_cgroups',
  'Current cgroup number of the subsystem.',
  'subsys_name',
);
// The text is upstream's.
const enabled = gauge(
  'node_cgroups_enabled',
  'Current cgroup number of the subsystem.',
  'subsys_name',
);

/** `#subsys_name hierarchy num_cgroups enabled`. */
export function cgroups(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProc(context, 'cgroups'), (line) => {
      if (line.startsWith('#')) return;
      const [name, , count, on] = fields(line);
      if (name === undefined || on === undefined)
        throw new SourceError(`unexpected line in cgroups: ${JSON.stringify(line)}`);
      sink.add(groups, decimal(count, `cgroups of ${name}`), name);
      sink.add(enabled, decimal(on, `cgroups of ${name}`), name);
    });
  };
}
