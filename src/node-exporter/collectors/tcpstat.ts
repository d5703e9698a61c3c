// SPDX-License-Identifier: Apache-2.0
// tcpstat: TCP connections by state.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc, readProcOptional } from '../source.ts';
import { eachLine, fields, hexadecimal, SourceError } from '../text.ts';

const connections = gauge('node_tcp_connection_states', 'Number of connection states.', 'state');

/** In the kernel's numbering, from 1. */
const states = [
  ...['unknown', 'established', 'syn_sent', 'syn_recv', 'fin_wait1', 'fin_wait2', 'time_wait'],
  ...['close', 'close_wait', 'last_ack', 'listen', 'closing'],
];
const STATE = 3;
const QUEUES = 4;

function count(text: string, file: string, counts: Map<string, number>): void {
  const add = (key: string, amount: number): void =>
    void counts.set(key, (counts.get(key) ?? 0) + amount);
  let header = true;
  eachLine(text, (line) => {
    if (header) {
      header = false;
      return;
    }
    const parts = fields(line);
    const queues = parts[QUEUES] ?? '';
    const colon = queues.indexOf(':');
    if (colon < 0) throw new SourceError(`invalid line in ${file}: ${JSON.stringify(line)}`);
    add('tx_queued_bytes', hexadecimal(queues.slice(0, colon), file));
    add('rx_queued_bytes', hexadecimal(queues.slice(colon + 1), file));
    add(states[hexadecimal(parts[STATE], file)] ?? 'unknown', 1);
  });
}

export function tcpstat(context: CollectorContext): Collector {
  return (sink) => {
    const counts = new Map<string, number>();
    count(readProc(context, 'net/tcp'), 'net/tcp', counts);
    // Kernels without IPv6 have no such file.
    const tcp6 = readProcOptional(context, 'net/tcp6');
    if (tcp6 !== undefined) count(tcp6, 'net/tcp6', counts);
    for (const [state, amount] of counts) sink.add(connections, amount, state);
  };
}
