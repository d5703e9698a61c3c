// SPDX-License-Identifier: Apache-2.0
// nvmesubsystem: NVMe subsystems and the paths to them.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfThere, readSysLine } from '../source.ts';

const info = gauge(
  'node_nvmesubsystem_info',
  'Non-numeric information about an NVMe subsystem.',
  'iopolicy',
  'model',
  'nqn',
  'serial',
  'subsystem',
);
const namespaceInfo = gauge(
  'node_nvmesubsystem_namespace_info',
  'Maps an NVMe namespace block device to its subsystem.',
  'device',
  'subsystem',
);
const paths = gauge(
  'node_nvmesubsystem_paths',
  'Number of controller paths for an NVMe subsystem.',
  'subsystem',
);
const pathsLive = gauge(
  'node_nvmesubsystem_paths_live',
  'Number of controller paths in live state for an NVMe subsystem.',
  'subsystem',
);
const pathState = gauge(
  'node_nvmesubsystem_path_state',
  'Current NVMe controller path state (1 for the current state, 0 for all others).',
  'controller',
  'state',
  'subsystem',
  'transport',
);

const states = ['live', 'connecting', 'resetting', 'dead', 'unknown'];
/** Known, but without a series of their own. */
const otherStates = ['deleting', 'deleting (no IO)', 'new'];

const CONTROLLER = /^nvme\d+$/;
const NAMESPACE = /^nvme\d+n\d+$/;

function collectSubsystem(context: CollectorContext, sink: MetricSink, name: string): void {
  const base = `class/nvme-subsystem/${name}`;
  const of = (file: string): string => readSysLine(context, `${base}/${file}`) ?? '';
  sink.add(info, 1, of('iopolicy'), of('model'), of('subsysnqn'), of('serial'), name);
  let [total, live] = [0, 0];
  for (const entry of listSysIfThere(context, base)) {
    if (NAMESPACE.test(entry)) sink.add(namespaceInfo, 1, entry, name);
    if (!CONTROLLER.test(entry)) continue;
    const raw = of(`${entry}/state`);
    const state = states.includes(raw) || otherStates.includes(raw) ? raw : 'unknown';
    total++;
    if (state === 'live') live++;
    for (const each of states)
      sink.add(pathState, each === state ? 1 : 0, entry, each, name, of(`${entry}/transport`));
  }
  sink.add(paths, total, name);
  sink.add(pathsLive, live, name);
}

export function nvmesubsystem(context: CollectorContext): Collector {
  return (sink) => {
    for (const name of listSysIfThere(context, 'class/nvme-subsystem'))
      collectSubsystem(context, sink, name);
  };
}
