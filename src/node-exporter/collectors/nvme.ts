// SPDX-License-Identifier: Apache-2.0
// nvme: NVMe controllers and their namespaces.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfThere, readSysLine, sysNumberIfAny } from '../source.ts';

const info = gauge(
  'node_nvme_info',
  'Non-numeric data from /sys/class/nvme/<device>, value is always 1.',
  'cntlid',
  'device',
  'firmware_revision',
  'model',
  'serial',
  'state',
);
const namespaceInfo = gauge(
  'node_nvme_namespace_info',
  'Information about NVMe namespaces. Value is always 1',
  'ana_state',
  'device',
  'nsid',
);
const capacity = gauge(
  'node_nvme_namespace_capacity_bytes',
  'Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size',
  'device',
  'nsid',
);
const size = gauge(
  'node_nvme_namespace_size_bytes',
  'Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size',
  'device',
  'nsid',
);
const used = gauge(
  'node_nvme_namespace_used_bytes',
  'Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse',
  'device',
  'nsid',
);
const blockSize = gauge(
  'node_nvme_namespace_logical_block_size_bytes',
  'Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in /sys/class/nvme/<device>/<namespace>/queue/logical_block_size',
  'device',
  'nsid',
);

/** `nvme0n1`, or `nvme0c0n1` where paths are hidden behind a subsystem: the number after the last `n`. */
const NAMESPACE = /^nvme\d+(?:c\d+)?n(\d+)$/;

function collectNamespace(
  context: CollectorContext,
  sink: MetricSink,
  device: string,
  base: string,
  id: string,
): void {
  const number = (file: string): number => sysNumberIfAny(context, `${base}/${file}`) ?? 0;
  const block = number('queue/logical_block_size');
  const state = readSysLine(context, `${base}/ana_state`) ?? 'unknown';
  sink.add(namespaceInfo, 1, state, device, id);
  sink.add(capacity, number('size') * block, device, id);
  sink.add(size, number('size') * block, device, id);
  sink.add(used, number('nuse') * block, device, id);
  sink.add(blockSize, block, device, id);
}

export function nvme(context: CollectorContext): Collector {
  return (sink) => {
    for (const device of listSysIfThere(context, 'class/nvme')) {
      const base = `class/nvme/${device}`;
      const of = (file: string): string => readSysLine(context, `${base}/${file}`) ?? '';
      sink.add(
        info,
        1,
        of('cntlid'),
        device,
        of('firmware_rev'),
        of('model'),
        of('serial'),
        of('state'),
      );
      for (const name of listSysIfThere(context, base)) {
        const id = NAMESPACE.exec(name)?.[1];
        if (id !== undefined) collectNamespace(context, sink, device, `${base}/${name}`, id);
      }
    }
  };
}
