// SPDX-License-Identifier: Apache-2.0
// sockstat: sockets by protocol and state.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { readProcOptional } from '../source.ts';
import { decimal, eachLine, fields, metricName } from '../text.ts';

const socketsUsed = gauge('node_sockstat_sockets_used', 'Number of IPv4 sockets in use.');

/** `TCP: inuse 4 orphan 0 …` → node_sockstat_TCP_inuse and so on; memory is counted in pages. */
function collectSockets(context: CollectorContext, sink: MetricSink, text: string): void {
  eachLine(text, (line) => {
    const [head = '', ...pairs] = fields(line);
    const protocol = head.replace(':', '');
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const name = pairs[i]!;
      const value = decimal(pairs[i + 1], `sockstat ${protocol} ${name}`);
      if (protocol === 'sockets') {
        if (name === 'used') sink.add(socketsUsed, value);
        continue;
      }
      const add = (suffix: string, amount: number): void => {
        const metric = `node_sockstat_${metricName(protocol)}_${suffix}`;
        sink.add(gauge(metric, `Number of ${protocol} sockets in state ${suffix}.`), amount);
      };
      add(name, value);
      if (name === 'mem') add('mem_bytes', value * context.system.pageBytes);
    }
  });
}

export function sockstat(context: CollectorContext): Collector {
  return (sink) => {
    for (const file of ['net/sockstat', 'net/sockstat6']) {
      const text = readProcOptional(context, file);
      if (text !== undefined) collectSockets(context, sink, text);
    }
  };
}
