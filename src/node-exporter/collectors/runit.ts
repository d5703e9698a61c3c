// SPDX-License-Identifier: Apache-2.0
// runit: services that runit supervises, from the status files of their `supervise` directories.
//
// A status file is 20 bytes: TAI64N time (8 bytes seconds, 4 nanoseconds), pid (little endian), paused,
// want ('u' or 'd'), terminated, state (0 down, 1 run, 2 finish).

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { ifReadable } from '../source.ts';

const labels = ['service', 'supervisor'] as const;
const state = gauge('node_service_state', 'State of runit service.', ...labels);
const desired = gauge('node_service_desired_state', 'Desired state of runit service.', ...labels);
const normal = gauge('node_service_normal_state', 'Normal state of runit service.', ...labels);
const changed = gauge(
  'node_service_state_last_change_timestamp_seconds',
  'Unix timestamp of the last runit service state change.',
  ...labels,
);

const STATUS_BYTES = 20;
/** TAI64 counts from 2^62, ten seconds ahead of Unix time at the epoch. */
const TAI_EPOCH_HIGH = 0x40000000;
const TAI_AHEAD_SECONDS = 10;
const WANT_UP = 'u'.charCodeAt(0);

export function runit(context: CollectorContext): Collector {
  const directory = context.options.runitDirectory;
  return (sink) => {
    for (const service of context.files.listSync(directory).sort((a, b) => (a < b ? -1 : 1))) {
      const status = ifReadable(() =>
        context.files.readFileSync(`${directory}/${service}/supervise/status`),
      );
      if (status === undefined || status.length !== STATUS_BYTES) {
        context.logger.debug("Couldn't get status", { service });
        continue;
      }
      const view = new DataView(status.buffer, status.byteOffset, status.byteLength);
      const high = view.getUint32(0) - TAI_EPOCH_HIGH;
      const seconds = high * 2 ** 32 + view.getUint32(4) - TAI_AHEAD_SECONDS;
      const isNormallyUp = !context.files.existsSync(`${directory}/${service}/down`);
      sink.add(state, status[19]!, service, 'runit');
      sink.add(desired, status[17] === WANT_UP ? 1 : 0, service, 'runit');
      sink.add(changed, seconds, service, 'runit');
      sink.add(normal, isNormallyUp ? 1 : 0, service, 'runit');
    }
  };
}
