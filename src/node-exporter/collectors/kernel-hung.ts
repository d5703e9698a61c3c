// SPDX-License-Identifier: Apache-2.0
// kernel_hung: tasks that the kernel found hanging.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter } from '../sink.ts';
import { readProcIfThere } from '../source.ts';
import { decimal } from '../text.ts';

const hung = counter(
  'node_kernel_hung_tasks_total',
  'Total number of tasks that have been detected as hung since the system booted.',
);

/** Kernels before 6.13 do not count them. */
export function kernelHung(context: CollectorContext): Collector {
  return (sink) => {
    const text = readProcIfThere(context, 'sys/kernel/hung_task_detect_count');
    sink.add(hung, decimal(text.trim(), 'hung_task_detect_count'));
  };
}
