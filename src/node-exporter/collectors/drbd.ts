// SPDX-License-Identifier: Apache-2.0
// drbd: block devices mirrored over the network.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readProcIfThere } from '../source.ts';
import { decimal, fields } from '../text.ts';

/** By the key in /proc/drbd; sizes are KiB there, except what was received, as upstream has it. */
const numbers: Readonly<Record<string, readonly [Descriptor, factor: number]>> = {
  ns: [
    counter(
      'node_drbd_network_sent_bytes_total',
      'Total number of bytes sent via the network.',
      'device',
    ),
    1024,
  ],
  nr: [
    counter(
      'node_drbd_network_received_bytes_total',
      'Total number of bytes received via the network.',
      'device',
    ),
    1,
  ],
  dw: [
    counter(
      'node_drbd_disk_written_bytes_total',
      'Net data written on local hard disk; in bytes.',
      'device',
    ),
    1024,
  ],
  dr: [
    counter(
      'node_drbd_disk_read_bytes_total',
      'Net data read from local hard disk; in bytes.',
      'device',
    ),
    1024,
  ],
  al: [
    counter(
      'node_drbd_activitylog_writes_total',
      'Number of updates of the activity log area of the meta data.',
      'device',
    ),
    1,
  ],
  bm: [
    counter(
      'node_drbd_bitmap_writes_total',
      'Number of updates of the bitmap area of the meta data.',
      'device',
    ),
    1,
  ],
  lo: [
    gauge(
      'node_drbd_local_pending',
      'Number of open requests to the local I/O sub-system.',
      'device',
    ),
    1,
  ],
  pe: [
    gauge(
      'node_drbd_remote_pending',
      'Number of requests sent to the peer, but that have not yet been answered by the latter.',
      'device',
    ),
    1,
  ],
  ua: [
    gauge(
      'node_drbd_remote_unacknowledged',
      'Number of requests received by the peer via the network connection, but that have not yet been answered.',
      'device',
    ),
    1,
  ],
  ap: [
    gauge(
      'node_drbd_application_pending',
      'Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.',
      'device',
    ),
    1,
  ],
  ep: [gauge('node_drbd_epochs', 'Number of Epochs currently on the fly.', 'device'), 1],
  oos: [
    gauge(
      'node_drbd_out_of_sync_bytes',
      'Amount of data known to be out of sync; in bytes.',
      'device',
    ),
    1024,
  ],
};
const connected = gauge('node_drbd_connected', 'Whether DRBD is connected to the peer.', 'device');
const isPrimary = gauge(
  'node_drbd_node_role_is_primary',
  'Whether the role of the node is in the primary state.',
  'device',
  'node',
);
const isUpToDate = gauge(
  'node_drbd_disk_state_is_up_to_date',
  'Whether the disk of the node is up to date.',
  'device',
  'node',
);

/** `Primary/Secondary`: this node's state and the other's. */
function pair(
  sink: MetricSink,
  to: Descriptor,
  value: string,
  wanted: string,
  device: string,
): void {
  const [local, remote] = value.split('/');
  sink.add(to, local === wanted ? 1 : 0, device, 'local');
  sink.add(to, remote === wanted ? 1 : 0, device, 'remote');
}

/** ` 1: cs:Connected ro:Primary/Primary …` and `key:value` pairs until the next device. */
export function drbd(context: CollectorContext): Collector {
  return (sink) => {
    let device = '';
    for (const word of fields(readProcIfThere(context, 'drbd'))) {
      const colon = word.indexOf(':');
      if (colon < 0) continue;
      const key = word.slice(0, colon);
      const value = word.slice(colon + 1);
      if (value === '') {
        if (!Number.isNaN(Number(key))) device = `drbd${key}`;
        continue;
      }
      if (device === '') continue;
      const number = numbers[key];
      if (number !== undefined)
        sink.add(number[0], decimal(value, `drbd ${key}`) * number[1], device);
      else if (key === 'cs') sink.add(connected, value === 'Connected' ? 1 : 0, device);
      else if (key === 'ro') pair(sink, isPrimary, value, 'Primary', device);
      else if (key === 'ds') pair(sink, isUpToDate, value, 'UpToDate', device);
    }
  };
}
