// SPDX-License-Identifier: Apache-2.0
// infiniband: ports of InfiniBand and RDMA adapters.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { listSysIfAny, listSysIfThere, readSysLine } from '../source.ts';
import { decimal, decimalIfAny } from '../text.ts';

const info = gauge(
  'node_infiniband_info',
  'Non-numeric data from /sys/class/infiniband/<device>, value is always 1.',
  'board_id',
  'device',
  'firmware_version',
  'hca_type',
);
const state = gauge(
  'node_infiniband_state_id',
  'State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)',
  'device',
  'port',
);
const physicalState = gauge(
  'node_infiniband_physical_state_id',
  'Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link up, 6: link error recover, 7: phytest)',
  'device',
  'port',
);
const rate = gauge(
  'node_infiniband_rate_bytes_per_second',
  'Maximum signal transfer rate',
  'device',
  'port',
);

type Row = readonly [file: string, to: Descriptor, factor: number];
const row = (file: string, name: string, help: string, factor = 1): Row => [
  file,
  counter(`node_infiniband_${name}_total`, help, 'device', 'port'),
  factor,
];
/** Data is counted in words of four bytes. */
const WORD_BYTES = 4;
const octetsReceived = 'Number of data octets received on all links';
const octetsTransmitted = 'Number of data octets transmitted on all links';

/** Files below a port; drivers have different ones of them. */
const counters: readonly Row[] = [
  row(
    'counters/link_downed',
    'link_downed',
    'Number of times the link failed to recover from an error state and went down',
  ),
  row(
    'counters/link_error_recovery',
    'link_error_recovery',
    'Number of times the link successfully recovered from an error state',
  ),
  row(
    'counters/multicast_rcv_packets',
    'multicast_packets_received',
    'Number of multicast packets received (including errors)',
  ),
  row(
    'counters/multicast_xmit_packets',
    'multicast_packets_transmitted',
    'Number of multicast packets transmitted (including errors)',
  ),
  row(
    'counters/port_rcv_constraint_errors',
    'port_constraint_errors_received',
    'Number of packets received on the switch physical port that are discarded',
  ),
  row(
    'counters/port_xmit_constraint_errors',
    'port_constraint_errors_transmitted',
    'Number of packets not transmitted from the switch physical port',
  ),
  row('counters/port_rcv_data', 'port_data_received_bytes', octetsReceived, WORD_BYTES),
  row('counters/port_xmit_data', 'port_data_transmitted_bytes', octetsTransmitted, WORD_BYTES),
  row(
    'counters/port_rcv_discards',
    'port_discards_received',
    'Number of inbound packets discarded by the port because the port is down or congested',
  ),
  row(
    'counters/port_xmit_discards',
    'port_discards_transmitted',
    'Number of outbound packets discarded by the port because the port is down or congested',
  ),
  row(
    'counters/port_rcv_errors',
    'port_errors_received',
    'Number of packets containing an error that were received on this port',
  ),
  row(
    'counters/port_rcv_packets',
    'port_packets_received',
    'Number of packets received on all VLs by this port (including errors)',
  ),
  row(
    'counters/port_xmit_packets',
    'port_packets_transmitted',
    'Number of packets transmitted on all VLs from this port (including errors)',
  ),
  row(
    'counters/port_xmit_wait',
    'port_transmit_wait',
    'Number of ticks during which the port had data to transmit but no data was sent during the entire tick',
  ),
  row(
    'counters/unicast_rcv_packets',
    'unicast_packets_received',
    'Number of unicast packets received (including errors)',
  ),
  row(
    'counters/unicast_xmit_packets',
    'unicast_packets_transmitted',
    'Number of unicast packets transmitted (including errors)',
  ),
  row(
    'counters_ext/port_multicast_rcv_packets',
    'legacy_multicast_packets_received',
    'Number of multicast packets received',
  ),
  row(
    'counters_ext/port_multicast_xmit_packets',
    'legacy_multicast_packets_transmitted',
    'Number of multicast packets transmitted',
  ),
  row('counters_ext/port_rcv_data_64', 'legacy_data_received_bytes', octetsReceived, WORD_BYTES),
  row(
    'counters_ext/port_xmit_data_64',
    'legacy_data_transmitted_bytes',
    octetsTransmitted,
    WORD_BYTES,
  ),
  row(
    'counters_ext/port_rcv_packets_64',
    'legacy_packets_received',
    'Number of data packets received on all links',
  ),
  // The text is upstream's.
  row(
    'counters_ext/port_xmit_packets_64',
    'legacy_packets_transmitted',
    'Number of data packets received on all links',
  ),
  row(
    'counters_ext/port_unicast_rcv_packets',
    'legacy_unicast_packets_received',
    'Number of unicast packets received',
  ),
  row(
    'counters_ext/port_unicast_xmit_packets',
    'legacy_unicast_packets_transmitted',
    'Number of unicast packets transmitted',
  ),
];

/** The number before the colon of `4: ACTIVE`. */
const stateId = (text: string, what: string): number => decimal(text.split(':')[0]!.trim(), what);

function collectPort(
  context: CollectorContext,
  sink: MetricSink,
  device: string,
  port: string,
): void {
  const base = `class/infiniband/${device}/ports/${port}`;
  const of = (file: string): string | undefined => readSysLine(context, `${base}/${file}`);
  const stateText = of('state');
  if (stateText !== undefined) sink.add(state, stateId(stateText, 'state'), device, port);
  const physical = of('phys_state');
  if (physical !== undefined)
    sink.add(physicalState, stateId(physical, 'phys_state'), device, port);
  const gigabits = decimalIfAny(of('rate')?.split(' ')[0]);
  if (gigabits !== undefined) sink.add(rate, (gigabits * 1e9) / 8, device, port);
  for (const [file, to, factor] of counters) {
    const text = of(file);
    // Drivers say so when the hardware does not count this.
    if (text === undefined || text.startsWith('N/A')) continue;
    sink.add(to, decimal(text, `${base}/${file}`) * factor, device, port);
  }
}

export function infiniband(context: CollectorContext): Collector {
  return (sink) => {
    for (const device of listSysIfThere(context, 'class/infiniband')) {
      if (!keepsName(context.options.infinibandDevices, device)) continue;
      const of = (file: string): string =>
        readSysLine(context, `class/infiniband/${device}/${file}`) ?? '';
      sink.add(info, 1, of('board_id'), device, of('fw_ver'), of('hca_type'));
      for (const port of listSysIfAny(context, `class/infiniband/${device}/ports`))
        collectPort(context, sink, device, port);
    }
  };
}
