// SPDX-License-Identifier: Apache-2.0
// pressure: what processes wait for.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

interface PressureSource {
  readonly file: string;
  readonly waiting?: Descriptor;
  readonly stalled?: Descriptor;
}

const sources: readonly PressureSource[] = [
  {
    file: 'cpu',
    waiting: counter(
      'node_pressure_cpu_waiting_seconds_total',
      'Total time in seconds that processes have waited for CPU time',
    ),
  },
  {
    file: 'io',
    waiting: counter(
      'node_pressure_io_waiting_seconds_total',
      'Total time in seconds that processes have waited due to IO congestion',
    ),
    stalled: counter(
      'node_pressure_io_stalled_seconds_total',
      'Total time in seconds no process could make progress due to IO congestion',
    ),
  },
  {
    file: 'memory',
    waiting: counter(
      'node_pressure_memory_waiting_seconds_total',
      'Total time in seconds that processes have waited for memory',
    ),
    stalled: counter(
      'node_pressure_memory_stalled_seconds_total',
      'Total time in seconds no process could make progress due to memory congestion',
    ),
  },
  {
    file: 'irq',
    stalled: counter(
      'node_pressure_irq_stalled_seconds_total',
      'Total time in seconds no process could make progress due to IRQ congestion',
    ),
  },
];

/** The `total=` microseconds of the `some` and `full` lines of a PSI file. */
function pressureTotals(text: string, file: string): Map<string, number> {
  const totals = new Map<string, number>();
  eachLine(text, (line) => {
    const [kind = '', ...pairs] = fields(line);
    const total = pairs.find((pair) => pair.startsWith('total='));
    if (total === undefined)
      throw new SourceError(`no total in pressure/${file} line ${JSON.stringify(line)}`);
    totals.set(kind, decimal(total.slice(6), `pressure/${file}`));
  });
  return totals;
}

/** Text of a PSI file; undefined when this kernel has no such resource or keeps PSI off. */
function readPressure(context: CollectorContext, file: string): string | undefined {
  try {
    return readProc(context, `pressure/${file}`);
  } catch (error) {
    // A kernel built with PSI and started with psi=0 has the files but refuses to read them.
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Divided twice by 1000, as upstream: the same digits come out. */
export function pressure(context: CollectorContext): Collector {
  return (sink) => {
    let found = false;
    for (const { file, waiting, stalled } of sources) {
      const text = readPressure(context, file);
      if (text === undefined) continue;
      found = true;
      const totals = pressureTotals(text, file);
      const some = totals.get('some');
      const full = totals.get('full');
      if (waiting !== undefined && some !== undefined) sink.add(waiting, some / 1000 / 1000);
      if (stalled !== undefined && full !== undefined) sink.add(stalled, full / 1000 / 1000);
    }
    if (!found)
      throw new NoDataError(
        'pressure information is unavailable: the kernel needs CONFIG_PSI and psi=1',
      );
  };
}
