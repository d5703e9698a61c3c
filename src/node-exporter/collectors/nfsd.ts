// SPDX-License-Identifier: Apache-2.0
// nfsd: what the NFS server counts.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { readProcIfThere } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';
import { version2Methods, version3Methods, version4ServerOperations } from './nfs-methods.ts';

const cacheHits = counter(
  'node_nfsd_reply_cache_hits_total',
  'Total number of NFSd Reply Cache hits (client lost server response).',
);
const cacheMisses = counter(
  'node_nfsd_reply_cache_misses_total',
  'Total number of NFSd Reply Cache an operation that requires caching (idempotent).',
);
const cacheNone = counter(
  'node_nfsd_reply_cache_nocache_total',
  'Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).',
);
const stale = counter(
  'node_nfsd_file_handles_stale_total',
  'Total number of NFSd stale file handles',
);
const bytesRead = counter('node_nfsd_disk_bytes_read_total', 'Total NFSd bytes read.');
const bytesWritten = counter('node_nfsd_disk_bytes_written_total', 'Total NFSd bytes written.');
const threads = gauge(
  'node_nfsd_server_threads',
  'Total number of NFSd kernel threads that are running.',
);
const readAheadSize = gauge(
  'node_nfsd_read_ahead_cache_size_blocks',
  'How large the read ahead cache is in blocks.',
);
const readAheadNotFound = counter(
  'node_nfsd_read_ahead_cache_not_found_total',
  'Total number of NFSd read ahead cache not found.',
);
const packets = counter(
  'node_nfsd_packets_total',
  'Total NFSd network packets (sent+received) by protocol type.',
  'proto',
);
const connections = counter('node_nfsd_connections_total', 'Total number of NFSd TCP connections.');
const rpcErrors = counter(
  'node_nfsd_rpc_errors_total',
  'Total number of NFSd RPC errors by error type.',
  'error',
);
const rpcs = counter('node_nfsd_server_rpcs_total', 'Total number of NFSd RPCs.');
const requests = counter(
  'node_nfsd_requests_total',
  'Total number NFSd Requests by method and protocol.',
  'method',
  'proto',
);

type Numbers = (index: number) => number;

/** By the word that a line of /proc/net/rpc/nfsd starts with. */
const lines: Readonly<Record<string, (sink: MetricSink, of: Numbers) => void>> = {
  rc: (sink, of) => {
    sink.add(cacheHits, of(0));
    sink.add(cacheMisses, of(1));
    sink.add(cacheNone, of(2));
  },
  fh: (sink, of) => sink.add(stale, of(0)),
  io: (sink, of) => {
    sink.add(bytesRead, of(0));
    sink.add(bytesWritten, of(1));
  },
  th: (sink, of) => sink.add(threads, of(0)),
  // The size, ten histogram buckets, and what was not found.
  ra: (sink, of) => {
    sink.add(readAheadSize, of(0));
    sink.add(readAheadNotFound, of(11));
  },
  net: (sink, of) => {
    sink.add(packets, of(1), 'udp');
    sink.add(packets, of(2), 'tcp');
    sink.add(connections, of(3));
  },
  // All, bad, and of the bad: format, authentication, client.
  rpc: (sink, of) => {
    sink.add(rpcs, of(0));
    sink.add(rpcErrors, of(2), 'fmt');
    sink.add(rpcErrors, of(3), 'auth');
    sink.add(rpcErrors, of(4), 'cInt');
  },
  wdeleg_getattr: (sink, of) => sink.add(requests, of(0), 'WdelegGetattr', '4'),
};

const methodsOf: Readonly<Record<string, readonly [proto: string, methods: readonly string[]]>> = {
  proc2: ['2', version2Methods],
  proc3: ['3', version3Methods],
  proc4ops: ['4', version4ServerOperations],
};

export function nfsd(context: CollectorContext): Collector {
  return (sink) => {
    eachLine(readProcIfThere(context, 'net/rpc/nfsd'), (line) => {
      const [key = '', ...numbers] = fields(line);
      const of = (i: number): number => decimal(numbers[i], `net/rpc/nfsd ${key}`);
      lines[key]?.(sink, of);
      const known = methodsOf[key];
      if (known === undefined) return;
      const [proto, methods] = known;
      methods.forEach((method, i) => {
        if (method === '-' || method === 'Null') return;
        sink.add(requests, numbers[i + 1] === undefined ? 0 : of(i + 1), method, proto);
      });
    });
  };
}
