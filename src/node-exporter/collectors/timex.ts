// SPDX-License-Identifier: Apache-2.0
// timex: how the kernel disciplines its clock.

import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { counter, gauge } from '../sink.ts';

const metrics = {
  offset: gauge(
    'node_timex_offset_seconds',
    'Time offset in between local system and reference clock.',
  ),
  frequency: gauge('node_timex_frequency_adjustment_ratio', 'Local clock frequency adjustment.'),
  maxError: gauge('node_timex_maxerror_seconds', 'Maximum error in seconds.'),
  estimatedError: gauge('node_timex_estimated_error_seconds', 'Estimated error in seconds.'),
  status: gauge('node_timex_status', 'Value of the status array bits.'),
  constant: gauge('node_timex_loop_time_constant', 'Phase-locked loop time constant.'),
  tick: gauge('node_timex_tick_seconds', 'Seconds between clock ticks.'),
  ppsFrequency: gauge('node_timex_pps_frequency_hertz', 'Pulse per second frequency.'),
  jitter: gauge('node_timex_pps_jitter_seconds', 'Pulse per second jitter.'),
  shift: gauge('node_timex_pps_shift_seconds', 'Pulse per second interval duration.'),
  stability: gauge(
    'node_timex_pps_stability_hertz',
    'Pulse per second stability, average of recent frequency changes.',
  ),
  jitterCount: counter(
    'node_timex_pps_jitter_total',
    'Pulse per second count of jitter limit exceeded events.',
  ),
  calibrationCount: counter(
    'node_timex_pps_calibration_total',
    'Pulse per second count of calibration intervals.',
  ),
  errorCount: counter(
    'node_timex_pps_error_total',
    'Pulse per second count of calibration errors.',
  ),
  stabilityCount: counter(
    'node_timex_pps_stability_exceeded_total',
    'Pulse per second count of stability limit exceeded events.',
  ),
  tai: gauge('node_timex_tai_offset_seconds', 'International Atomic Time (TAI) offset.'),
  sync: gauge(
    'node_timex_sync_status',
    'Is clock synchronized to a reliable server (1 = yes, 0 = no).',
  ),
} as const;

/** STA_NANO of <linux/timex.h>: offset and jitter are nanoseconds. */
const STATUS_NANO = 0x2000;
/** TIME_ERROR: the clock is not synchronised. */
const STATE_ERROR = 5;
/** Frequencies are parts per million with 16 bits of fraction. */
const FREQUENCY_UNIT = 1e6 * 65_536;
const MICROSECONDS = 1e6;

export function timex(context: CollectorContext): Collector {
  return (sink) => {
    const clock = context.system.calls?.adjustTime();
    if (clock === undefined)
      throw new NoDataError('adjtimex needs the optional package koffi, which is not installed');
    const divisor = (clock.status & STATUS_NANO) === 0 ? MICROSECONDS : 1e9;
    const m = metrics;
    sink.add(m.sync, clock.state === STATE_ERROR ? 0 : 1);
    sink.add(m.offset, clock.offset / divisor);
    sink.add(m.frequency, 1 + clock.frequency / FREQUENCY_UNIT);
    sink.add(m.maxError, clock.maxError / MICROSECONDS);
    sink.add(m.estimatedError, clock.estimatedError / MICROSECONDS);
    sink.add(m.status, clock.status);
    sink.add(m.constant, clock.constant);
    sink.add(m.tick, clock.tick / MICROSECONDS);
    sink.add(m.ppsFrequency, clock.ppsFrequency / FREQUENCY_UNIT);
    sink.add(m.jitter, clock.jitter / divisor);
    sink.add(m.shift, clock.shift);
    sink.add(m.stability, clock.stability / FREQUENCY_UNIT);
    sink.add(m.jitterCount, clock.jitterCount);
    sink.add(m.calibrationCount, clock.calibrationCount);
    sink.add(m.errorCount, clock.errorCount);
    sink.add(m.stabilityCount, clock.stabilityCount);
    sink.add(m.tai, clock.taiOffset);
  };
}
