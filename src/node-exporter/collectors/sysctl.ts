// SPDX-License-Identifier: Apache-2.0
// sysctl: any value of /proc/sys that one asks for.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import type { SysctlWish } from '../sysctl-wish.ts';
import { gauge, untyped } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, fields, metricName, SourceError } from '../text.ts';

const infoMetric = gauge('node_sysctl_info', 'sysctl info', 'index', 'name', 'value');

/** `kernel.random.poolsize` → `kernel/random/poolsize`; in names with a slash the two are swapped. */
function pathOf(name: string): string {
  const slash = name.indexOf('/');
  const dot = name.indexOf('.');
  if (slash >= 0 && (dot < 0 || slash < dot)) return name;
  return [...name].map((c) => (c === '.' ? '/' : c === '/' ? '.' : c)).join('');
}

function collectNumbers(sink: MetricSink, wish: SysctlWish, values: readonly string[]): void {
  const base = `node_sysctl_${metricName(wish.name)}`;
  values.forEach((text, i) => {
    const value = decimal(text, `sysctl ${wish.name}`);
    if (wish.keys.length > 0) {
      const key = wish.keys[i]!;
      if (key !== '')
        sink.add(untyped(`${base}_${metricName(key)}`, `sysctl ${wish.name}, field ${i}`), value);
    } else if (values.length === 1) sink.add(untyped(base, `sysctl ${wish.name}`), value);
    else sink.add(untyped(base, `sysctl ${wish.name}`, 'index'), value, String(i));
  });
}

function collectText(sink: MetricSink, wish: SysctlWish, values: readonly string[]): void {
  values.forEach((text, i) => {
    if (wish.keys.length === 0) sink.add(infoMetric, 1, String(i), wish.name, text);
    else if (wish.keys[i] !== '')
      sink.add(infoMetric, 1, String(i), `${wish.name}.${wish.keys[i]}`, text);
  });
}

export function sysctl(context: CollectorContext): Collector {
  return (sink) => {
    for (const wish of context.options.sysctl) {
      const values = fields(readProc(context, `sys/${pathOf(wish.name)}`));
      if (wish.keys.length > 0 && wish.keys.length !== values.length) {
        throw new SourceError(
          `expected ${wish.keys.length} keys for sysctl ${wish.name}, got ${values.length} values`,
        );
      }
      if (wish.isText) collectText(sink, wish, values);
      else collectNumbers(sink, wish, values);
    }
  };
}
