// SPDX-License-Identifier: Apache-2.0
// ethtool: what drivers of network devices count, and what their links can do.

import type { SystemCalls } from '../../base/index.ts';
import { SystemCallError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName, NoDataError } from '../collector.ts';
import { textOf, unsigned64 } from '../netlink.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { gauge, untyped } from '../sink.ts';
import { listSysIfThere } from '../source.ts';
import { collectLinkSettings, readLinkSettings } from './ethtool-link.ts';

const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 0x3;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
/** Set of strings that names the statistics. */
const STRINGS_OF_STATISTICS = 1;
const STRING_BYTES = 32;
const DRIVER_INFO_BYTES = 196;

const info = gauge(
  'node_ethtool_info',
  "A metric with a constant '1' value labeled by bus_info, device, driver, expansion_rom_version, firmware_version, version.",
  'bus_info',
  'device',
  'driver',
  'expansion_rom_version',
  'firmware_version',
  'version',
);

const known = (name: string, help: string): Descriptor =>
  untyped(`node_ethtool_${name}`, help, 'device');
/** Statistics that most drivers have, with names of their own. */
const knownStatistics: Readonly<Record<string, Descriptor>> = {
  rx_bytes: known('received_bytes_total', 'Network interface bytes received'),
  rx_dropped: known('received_dropped_total', 'Number of received frames dropped'),
  rx_errors: known('received_errors_total', 'Number of received frames with errors'),
  rx_packets: known('received_packets_total', 'Network interface packets received'),
  tx_bytes: known('transmitted_bytes_total', 'Network interface bytes sent'),
  tx_errors: known('transmitted_errors_total', 'Number of sent frames with errors'),
  tx_packets: known('transmitted_packets_total', 'Network interface packets sent'),
};

/** `port.rx_dropped` → port_rx_dropped. */
const sanitized = (statistic: string): string => statistic.replace(/_*[^0-9A-Za-z_]+_*/g, '_');

/** `port_rx_dropped` → port_received_dropped. */
function metricPart(name: string): string {
  return name
    .toLowerCase()
    .replace(/^_+/, '')
    .replace(/(^|_)rx(_|$)/g, '$1received$2')
    .replace(/(^|_)tx(_|$)/g, '$1transmitted$2');
}

/** One ethtool command, in place; undefined when the driver does not know it. */
function ask(calls: SystemCalls, device: string, buffer: Uint8Array): Uint8Array | undefined {
  try {
    calls.interfaceIoctl(device, SIOCETHTOOL, buffer);
    return buffer;
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

function command(code: number, sizeBytes: number): Uint8Array {
  const buffer = new Uint8Array(sizeBytes);
  new DataView(buffer.buffer).setUint32(0, code, true);
  return buffer;
}

function collectDriver(calls: SystemCalls, sink: MetricSink, device: string): number {
  const answer = ask(calls, device, command(ETHTOOL_GDRVINFO, DRIVER_INFO_BYTES));
  if (answer === undefined) return 0;
  const text = (at: number): string => {
    const bytes = answer.subarray(at, at + STRING_BYTES);
    const end = bytes.indexOf(0);
    return textOf(new DataView(answer.buffer, at, end < 0 ? STRING_BYTES : end));
  };
  const [driver, version, firmware, bus, rom] = [text(4), text(36), text(68), text(100), text(132)];
  sink.add(info, 1, bus, device, driver, rom, firmware, version);
  return new DataView(answer.buffer).getUint32(180, true);
}

/** Statistics by name. The driver said how many there are. */
function readStatistics(calls: SystemCalls, device: string, count: number): Map<string, number> {
  const found = new Map<string, number>();
  if (count === 0) return found;
  const request = command(ETHTOOL_GSTRINGS, 12 + count * STRING_BYTES);
  const view = new DataView(request.buffer);
  view.setUint32(4, STRINGS_OF_STATISTICS, true);
  view.setUint32(8, count, true);
  const names = ask(calls, device, request);
  const valuesRequest = command(ETHTOOL_GSTATS, 8 + count * 8);
  new DataView(valuesRequest.buffer).setUint32(4, count, true);
  const values = ask(calls, device, valuesRequest);
  if (names === undefined || values === undefined) return found;
  const numbers = new DataView(values.buffer);
  for (let i = 0; i < count; i++) {
    const bytes = names.subarray(12 + i * STRING_BYTES, 12 + (i + 1) * STRING_BYTES);
    const end = bytes.indexOf(0);
    const name = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    if (name !== '') found.set(name, unsigned64(numbers, 8 + i * 8));
  }
  return found;
}

function collectStatistics(
  context: CollectorContext,
  sink: MetricSink,
  device: string,
  statistics: ReadonlyMap<string, number>,
): void {
  const { metricsInclude } = context.options.ethtool;
  /** By metric; undefined where two statistics would become the same one: neither is given then. */
  const chosen = new Map<string, { readonly to: Descriptor; readonly value: number } | undefined>();
  for (const [statistic, value] of statistics) {
    const name = sanitized(statistic);
    if (metricsInclude?.test(name) === false) continue;
    const to =
      knownStatistics[name] ??
      untyped(`node_ethtool_${metricPart(name)}`, `Network interface ${name}`, 'device');
    if (chosen.has(to.name)) {
      context.logger.debug('dropping duplicate metric name', { device, metric: name });
      chosen.set(to.name, undefined);
    } else chosen.set(to.name, { to, value });
  }
  for (const entry of chosen.values())
    if (entry !== undefined) sink.add(entry.to, entry.value, device);
}

export function ethtool(context: CollectorContext): Collector {
  return (sink) => {
    const { calls } = context.system;
    if (calls === undefined)
      throw new NoDataError('ioctl needs the optional package koffi, which is not installed');
    for (const device of listSysIfThere(context, 'class/net')) {
      if (!keepsName(context.options.ethtool.devices, device)) continue;
      const settings = readLinkSettings((buffer) => ask(calls, device, buffer));
      if (settings !== undefined) collectLinkSettings(sink, device, settings);
      const count = collectDriver(calls, sink, device);
      collectStatistics(context, sink, device, readStatistics(calls, device, count));
    }
  };
}
