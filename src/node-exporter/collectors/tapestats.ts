// SPDX-License-Identifier: Apache-2.0
// tapestats: what tape drives count.

import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { listSysIfThere, sysNumber } from '../source.ts';

const NANOSECONDS = 1e9;

/** File of `stats/`, what it becomes, and what it is divided by. */
const statistics: readonly (readonly [file: string, Descriptor, divisor: number])[] = [
  [
    'in_flight',
    gauge('node_tape_io_now', 'The number of I/Os currently outstanding to this device.', 'device'),
    1,
  ],
  [
    'io_ns',
    counter(
      'node_tape_io_time_seconds_total',
      'The amount of time spent waiting for all I/O to complete (including read and write). This includes tape movement commands such as seeking between file or set marks and implicit tape movement such as when rewind on close tape devices are used.',
      'device',
    ),
    NANOSECONDS,
  ],
  [
    'other_cnt',
    counter(
      'node_tape_io_others_total',
      'The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these commands uses the following calculation io_time_seconds_total-read_time_seconds_total-write_time_seconds_total',
      'device',
    ),
    1,
  ],
  [
    'read_byte_cnt',
    counter(
      'node_tape_read_bytes_total',
      'The number of bytes read from the tape drive.',
      'device',
    ),
    1,
  ],
  [
    'read_cnt',
    counter(
      'node_tape_reads_completed_total',
      'The number of read requests issued to the tape drive.',
      'device',
    ),
    1,
  ],
  [
    'read_ns',
    counter(
      'node_tape_read_time_seconds_total',
      'The amount of time spent waiting for read requests to complete.',
      'device',
    ),
    NANOSECONDS,
  ],
  [
    'resid_cnt',
    counter(
      'node_tape_residual_total',
      'The number of times during a read or write we found the residual amount to be non-zero. This should mean that a program is issuing a read larger thean the block size on tape. For write not all data made it to tape.',
      'device',
    ),
    1,
  ],
  [
    'write_byte_cnt',
    counter(
      'node_tape_written_bytes_total',
      'The number of bytes written to the tape drive.',
      'device',
    ),
    1,
  ],
  [
    'write_cnt',
    counter(
      'node_tape_writes_completed_total',
      'The number of write requests issued to the tape drive.',
      'device',
    ),
    1,
  ],
  [
    'write_ns',
    counter(
      'node_tape_write_time_seconds_total',
      'The amount of time spent waiting for write requests to complete.',
      'device',
    ),
    NANOSECONDS,
  ],
];

/** `st0`: the drive itself; `nst0`, `st0a` and the like are other ways to open it. */
function isDrive(name: string): boolean {
  if (!name.startsWith('st') || name.length === 2) return false;
  for (let i = 2; i < name.length; i++)
    if (name.charCodeAt(i) < 48 || name.charCodeAt(i) > 57) return false;
  return true;
}

export function tapestats(context: CollectorContext): Collector {
  const { tapestatsIgnored } = context.options;
  return (sink) => {
    const drives = listSysIfThere(context, 'class/scsi_tape').filter(isDrive);
    if (drives.length === 0) throw new NoDataError('there is no tape drive');
    for (const drive of drives) {
      if (tapestatsIgnored?.test(drive) === true) continue;
      for (const [file, to, divisor] of statistics)
        sink.add(to, sysNumber(context, `class/scsi_tape/${drive}/stats/${file}`) / divisor, drive);
    }
  };
}
