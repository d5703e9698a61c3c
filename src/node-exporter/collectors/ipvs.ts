// SPDX-License-Identifier: Apache-2.0
// ipvs: the kernel's load balancer.

import type { Collector, CollectorContext } from '../collector.ts';
import type { IpvsLabel } from '../ipvs-labels.ts';
import { gauge, counter } from '../sink.ts';
import { readProc, readProcIfThere } from '../source.ts';
import { decimal, eachLine, fields, hexadecimal, SourceError } from '../text.ts';

const connections = counter('node_ipvs_connections_total', 'The total number of connections made.');
const incomingPackets = counter(
  'node_ipvs_incoming_packets_total',
  'The total number of incoming packets.',
);
const outgoingPackets = counter(
  'node_ipvs_outgoing_packets_total',
  'The total number of outgoing packets.',
);
const incomingBytes = counter(
  'node_ipvs_incoming_bytes_total',
  'The total amount of incoming data.',
);
const outgoingBytes = counter(
  'node_ipvs_outgoing_bytes_total',
  'The total amount of outgoing data.',
);

type Backend = Readonly<Record<IpvsLabel, string>> & {
  readonly active: number;
  readonly inactive: number;
  readonly weight: number;
};

/** `C0A80016:0CEA` or `[20010DB8…]:0CEA` → address and port as people write them. */
function addressOf(text: string): { address: string; port: string } {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/[[\]]/g, '');
  const port = String(hexadecimal(text.slice(colon + 1), 'ip_vs'));
  if (host.length !== 8) return { address: host.toLowerCase(), port };
  const bytes = [0, 2, 4, 6].map((at) => hexadecimal(host.slice(at, at + 2), 'ip_vs'));
  return { address: bytes.join('.'), port };
}

function parseBackends(text: string): Backend[] {
  const backends: Backend[] = [];
  let service = { local_address: '', local_port: '', local_mark: '', proto: '' };
  eachLine(text, (line) => {
    const parts = fields(line);
    const [kind = '', where = ''] = parts;
    if (kind === 'TCP' || kind === 'UDP') {
      const { address, port } = addressOf(where);
      service = { local_address: address, local_port: port, local_mark: '', proto: kind };
    } else if (kind === 'FWM') {
      service = { local_address: '', local_port: '0', local_mark: where, proto: kind };
    } else if (kind === '->' && where.includes(':') && where !== 'RemoteAddress:Port') {
      if (parts.length < 6)
        throw new SourceError(`unexpected line in net/ip_vs: ${JSON.stringify(line)}`);
      const { address, port } = addressOf(where);
      backends.push({
        ...service,
        remote_address: address,
        remote_port: port,
        weight: decimal(parts[3], 'net/ip_vs'),
        active: decimal(parts[4], 'net/ip_vs'),
        inactive: decimal(parts[5], 'net/ip_vs'),
      });
    }
  });
  return backends;
}

/** Sums over the labels that are not asked for. */
function grouped(backends: readonly Backend[], labels: readonly IpvsLabel[]): Map<string, Backend> {
  const groups = new Map<string, Backend>();
  for (const backend of backends) {
    const key = labels.map((label) => backend[label]).join('-');
    const known = groups.get(key);
    groups.set(key, {
      ...backend,
      active: backend.active + (known?.active ?? 0),
      inactive: backend.inactive + (known?.inactive ?? 0),
      weight: backend.weight + (known?.weight ?? 0),
    });
  }
  return groups;
}

export function ipvs(context: CollectorContext): Collector {
  const labels = [...context.options.ipvsLabels].sort((a, b) => (a < b ? -1 : 1));
  const active = gauge(
    'node_ipvs_backend_connections_active',
    'The current active connections by local and remote address.',
    ...labels,
  );
  const inactive = gauge(
    'node_ipvs_backend_connections_inactive',
    'The current inactive connections by local and remote address.',
    ...labels,
  );
  const weight = gauge(
    'node_ipvs_backend_weight',
    'The current backend weight by local and remote address.',
    ...labels,
  );
  return (sink) => {
    const lines = readProcIfThere(context, 'net/ip_vs_stats').split('\n');
    const [conns, inPackets, outPackets, inBytes, outBytes] = fields(lines[2] ?? '');
    const of = (text: string | undefined): number => hexadecimal(text, 'net/ip_vs_stats');
    sink.add(connections, of(conns));
    sink.add(incomingPackets, of(inPackets));
    sink.add(outgoingPackets, of(outPackets));
    sink.add(incomingBytes, of(inBytes));
    sink.add(outgoingBytes, of(outBytes));
    const backends = parseBackends(readProc(context, 'net/ip_vs'));
    for (const group of grouped(backends, labels).values()) {
      const values = labels.map((label) => group[label]);
      sink.add(active, group.active, ...values);
      sink.add(inactive, group.inactive, ...values);
      sink.add(weight, group.weight, ...values);
    }
  };
}
