// SPDX-License-Identifier: Apache-2.0
// udp_queues: bytes that wait in the queues of UDP sockets.

import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProcOptional } from '../source.ts';
import { eachLine, fields, hexadecimal, SourceError } from '../text.ts';

const queues = gauge(
  'node_udp_queues',
  'Number of allocated memory in the kernel for UDP datagrams in bytes.',
  'ip',
  'queue',
);
/** Column `tx_queue:rx_queue`, both hexadecimal. */
const QUEUES = 4;

function sums(text: string, file: string): { transmit: number; receive: number } {
  let transmit = 0;
  let receive = 0;
  let header = true;
  eachLine(text, (line) => {
    if (header) {
      header = false;
      return;
    }
    const pair = fields(line)[QUEUES];
    const colon = pair?.indexOf(':') ?? -1;
    if (pair === undefined || colon < 0)
      throw new SourceError(`unexpected line in ${file}: ${JSON.stringify(line)}`);
    transmit += hexadecimal(pair.slice(0, colon), file);
    receive += hexadecimal(pair.slice(colon + 1), file);
  });
  return { transmit, receive };
}

export function udpQueues(context: CollectorContext): Collector {
  return (sink) => {
    let found = false;
    for (const [file, ip] of [
      ['net/udp', 'v4'],
      ['net/udp6', 'v6'],
    ] as const) {
      const text = readProcOptional(context, file);
      if (text === undefined) continue;
      found = true;
      const { transmit, receive } = sums(text, file);
      sink.add(queues, transmit, ip, 'tx');
      sink.add(queues, receive, ip, 'rx');
    }
    if (!found) throw new NoDataError('neither net/udp nor net/udp6 is there');
  };
}
