// SPDX-License-Identifier: Apache-2.0
// cpu_vulnerabilities: what the kernel says of each known flaw of the CPU.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { listSysIfThere, readSys } from '../source.ts';

const info = gauge(
  'node_cpu_vulnerabilities_info',
  'Details of each CPU vulnerability reported by sysfs. The value of the series is an int encoded state of the vulnerability. The same state is stored as a string in the label',
  'codename',
  'mitigation',
  'state',
);

const directory = 'devices/system/cpu/vulnerabilities';

/** `Mitigation: PTI` → state and what stands after the colon. */
function parse(text: string): { state: string; mitigation: string } {
  if (text.startsWith('Not affected')) return { state: 'not affected', mitigation: '' };
  if (text.startsWith('Vulnerable'))
    return { state: 'vulnerable', mitigation: text.slice('Vulnerable'.length).replace(/^: /, '') };
  if (text.startsWith('Mitigation: '))
    return { state: 'mitigation', mitigation: text.slice('Mitigation: '.length) };
  return { state: 'unknown', mitigation: '' };
}

export function cpuVulnerabilities(context: CollectorContext): Collector {
  return (sink) => {
    for (const name of listSysIfThere(context, directory)) {
      const { state, mitigation } = parse(readSys(context, `${directory}/${name}`));
      sink.add(info, 1, name, mitigation, state);
    }
  };
}
