// SPDX-License-Identifier: Apache-2.0
// wifi: wireless devices and the stations they talk to.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { openWifi } from './wifi-netlink.ts';
import type { WifiSource, WifiStation } from './wifi-source.ts';

const frequency = gauge(
  'node_wifi_interface_frequency_hertz',
  'The current frequency a WiFi interface is operating at, in hertz.',
  'device',
);
const info = gauge(
  'node_wifi_station_info',
  'Labeled WiFi interface station information as provided by the operating system.',
  'bssid',
  'device',
  'mode',
  'ssid',
);
const stationGauge = (name: string, help: string) =>
  gauge(`node_wifi_station_${name}`, help, 'device', 'mac_address');
const stationCounter = (name: string, help: string) =>
  counter(`node_wifi_station_${name}`, help, 'device', 'mac_address');
const connected = stationCounter(
  'connected_seconds_total',
  'The total number of seconds a station has been connected to an access point.',
);
const inactive = stationGauge(
  'inactive_seconds',
  'The number of seconds since any wireless activity has occurred on a station.',
);
const receiveBits = stationGauge(
  'receive_bits_per_second',
  'The current WiFi receive bitrate of a station, in bits per second.',
);
const transmitBits = stationGauge(
  'transmit_bits_per_second',
  'The current WiFi transmit bitrate of a station, in bits per second.',
);
const receiveBytes = stationCounter(
  'receive_bytes_total',
  'The total number of bytes received by a WiFi station.',
);
const transmitBytes = stationCounter(
  'transmit_bytes_total',
  'The total number of bytes transmitted by a WiFi station.',
);
const receivedPackets = stationCounter(
  'received_packets_total',
  'The total number of packets received by a station.',
);
const transmittedPackets = stationCounter(
  'transmitted_packets_total',
  'The total number of packets transmitted by a station.',
);
const signal = stationGauge(
  'signal_dbm',
  'The current WiFi signal strength, in decibel-milliwatts (dBm).',
);
const retries = stationCounter(
  'transmit_retries_total',
  'The total number of times a station has had to retry while sending a packet.',
);
const failures = stationCounter(
  'transmit_failed_total',
  'The total number of times a station has failed to send a packet.',
);
const beaconLoss = stationCounter(
  'beacon_loss_total',
  'The total number of times a station has detected a beacon loss.',
);

/** Interface types of nl80211 that upstream exports, and their label. */
const modes: Readonly<Record<number, string>> = { 2: 'client', 3: 'ap' };
const STATION = 2;

/** An object of Go's JSON. */
type FixtureObject = Readonly<Record<string, unknown>>;

const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** `AQIDBAUG` → 01:02:03:04:05:06. */
function hardwareAddress(text: string): string {
  const bytes: string[] = [];
  let bits = 0;
  let count = 0;
  for (const c of text) {
    const digit = base64Digits.indexOf(c);
    if (digit < 0) continue;
    bits = (bits << 6) | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push(((bits >> count) & 0xff).toString(16).padStart(2, '0'));
    bits &= (1 << count) - 1;
  }
  return bytes.join(':');
}

function collectStation(sink: MetricSink, device: string, station: WifiStation): void {
  const labels = [device, station.address] as const;
  sink.add(connected, station.connectedSeconds, ...labels);
  sink.add(inactive, station.inactiveSeconds, ...labels);
  sink.add(receiveBits, station.receiveBits, ...labels);
  sink.add(transmitBits, station.transmitBits, ...labels);
  sink.add(receiveBytes, station.receiveBytes, ...labels);
  sink.add(transmitBytes, station.transmitBytes, ...labels);
  sink.add(receivedPackets, station.receivedPackets, ...labels);
  sink.add(transmittedPackets, station.transmittedPackets, ...labels);
  sink.add(signal, station.signal, ...labels);
  sink.add(retries, station.transmitRetries, ...labels);
  sink.add(failures, station.transmitFailed, ...labels);
  sink.add(beaconLoss, station.beaconLoss, ...labels);
}

/** A fixture's JSON; undefined where there is no such file. */
function readFixture<Value>(context: CollectorContext, path: string): Value | undefined {
  try {
    return JSON.parse(context.files.readTextSync(path)) as Value;
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Durations in the fixture are nanoseconds, addresses base64. */
function fixtureStation(entry: FixtureObject): WifiStation {
  const number = (key: string): number => Number(entry[key] ?? 0);
  return {
    address: hardwareAddress(String(entry.hardwareaddr ?? '')),
    connectedSeconds: number('connected') / 1e9,
    inactiveSeconds: number('inactive') / 1e9,
    receiveBits: number('receivebitrate'),
    transmitBits: number('transmitbitrate'),
    receiveBytes: number('receivebytes'),
    transmitBytes: number('transmitbytes'),
    receivedPackets: number('receivedpackets'),
    transmittedPackets: number('transmittedpackets'),
    signal: number('signal'),
    transmitRetries: number('transmitretries'),
    transmitFailed: number('transmitfailed'),
    beaconLoss: number('beaconloss'),
  };
}

/** Upstream's fixture as a source. */
function openFixture(context: CollectorContext, directory: string): WifiSource {
  const path = `${directory}/interfaces.json`;
  const devices = (readFixture<FixtureObject[]>(context, path) ?? []).map((entry, index) => ({
    index,
    name: String(entry.name ?? ''),
    type: Number(entry.type ?? 0),
    frequency: Number(entry.frequency ?? 0),
  }));
  const nameOf = (index: number): string => devices[index]?.name ?? '';
  return {
    interfaces: () => devices,
    network: (index) => {
      const entry = readFixture<FixtureObject>(context, `${directory}/${nameOf(index)}/bss.json`);
      if (entry === undefined) return undefined;
      return {
        ssid: String(entry.ssid ?? ''),
        bssid: hardwareAddress(String(entry.bssid ?? '')),
      };
    },
    stations: (index) => {
      const file = `${directory}/${nameOf(index)}/stationinfo.json`;
      return (readFixture<FixtureObject[]>(context, file) ?? []).map(fixtureStation);
    },
  };
}

function openSource(context: CollectorContext): WifiSource {
  const { wifiFixtures } = context.options;
  if (wifiFixtures !== '') return openFixture(context, wifiFixtures);
  const { calls } = context.system;
  if (calls === undefined)
    throw new NoDataError('netlink needs the optional package koffi, which is not installed');
  return openWifi(calls);
}

export function wifi(context: CollectorContext): Collector {
  return (sink) => {
    const source = openSource(context);
    for (const { index, name, type, frequency: megahertz } of source.interfaces()) {
      const mode = modes[type];
      if (name === '' || mode === undefined) continue;
      sink.add(frequency, megahertz * 1e6, name);
      const network = type === STATION ? source.network(index) : undefined;
      if (network !== undefined) sink.add(info, 1, network.bssid, name, mode, network.ssid);
      for (const station of source.stations(index)) collectStation(sink, name, station);
    }
  };
}
