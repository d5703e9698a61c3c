// SPDX-License-Identifier: Apache-2.0
// nfs: what the NFS client counts.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter } from '../sink.ts';
import { readProcIfThere } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';
import { version2Methods, version3Methods, version4ClientMethods } from './nfs-methods.ts';

// The first two texts are upstream's: they are about the client here.
const packets = counter(
  'node_nfs_packets_total',
  'Total NFSd network packets (sent+received) by protocol type.',
  'protocol',
);
const connections = counter('node_nfs_connections_total', 'Total number of NFSd TCP connections.');
const rpcs = counter('node_nfs_rpcs_total', 'Total number of RPCs performed.');
const retransmissions = counter(
  'node_nfs_rpc_retransmissions_total',
  'Number of RPC transmissions performed.',
);
const refreshes = counter(
  'node_nfs_rpc_authentication_refreshes_total',
  'Number of RPC authentication refreshes performed.',
);
const requests = counter(
  'node_nfs_requests_total',
  'Number of NFS procedures invoked.',
  'method',
  'proto',
);

const methodsOf: Readonly<Record<string, readonly [proto: string, methods: readonly string[]]>> = {
  proc2: ['2', version2Methods],
  proc3: ['3', version3Methods],
  proc4: ['4', version4ClientMethods],
};

export function nfs(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProcIfThere(context, 'net/rpc/nfs'), (line) => {
      const [key = '', ...numbers] = fields(line);
      const of = (i: number): number => decimal(numbers[i], `net/rpc/nfs ${key}`);
      if (key === 'net') {
        sink.add(packets, of(1), 'udp');
        sink.add(packets, of(2), 'tcp');
        sink.add(connections, of(3));
      } else if (key === 'rpc') {
        sink.add(rpcs, of(0));
        sink.add(retransmissions, of(1));
        sink.add(refreshes, of(2));
      }
      const known = methodsOf[key];
      if (known === undefined) return;
      const [proto, methods] = known;
      // The line starts with how many numbers follow; older kernels know fewer procedures.
      methods.forEach((method, i) => {
        sink.add(requests, numbers[i + 1] === undefined ? 0 : of(i + 1), method, proto);
      });
    });
  };
}
