// SPDX-License-Identifier: Apache-2.0
// wifi: wireless devices and the stations they talk to.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';

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

interface WifiInterface {
  readonly name?: string;
  readonly type?: number;
  /** MHz */
  readonly frequency?: number;
}

/** Durations are nanoseconds, addresses base64, as Go's JSON has them. */
interface WifiStation {
  readonly hardwareaddr?: string;
  readonly connected?: number;
  readonly inactive?: number;
  readonly receivebitrate?: number;
  readonly transmitbitrate?: number;
  readonly receivebytes?: number;
  readonly transmitbytes?: number;
  readonly receivedpackets?: number;
  readonly transmittedpackets?: number;
  readonly signal?: number;
  readonly transmitretries?: number;
  readonly transmitfailed?: number;
  readonly beaconloss?: number;
}

interface WifiNetwork {
  readonly ssid?: string;
  readonly bssid?: string;
}

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
  const labels = [device, hardwareAddress(station.hardwareaddr ?? '')] as const;
  sink.add(connected, (station.connected ?? 0) / 1e9, ...labels);
  sink.add(inactive, (station.inactive ?? 0) / 1e9, ...labels);
  sink.add(receiveBits, station.receivebitrate ?? 0, ...labels);
  sink.add(transmitBits, station.transmitbitrate ?? 0, ...labels);
  sink.add(receiveBytes, station.receivebytes ?? 0, ...labels);
  sink.add(transmitBytes, station.transmitbytes ?? 0, ...labels);
  sink.add(receivedPackets, station.receivedpackets ?? 0, ...labels);
  sink.add(transmittedPackets, station.transmittedpackets ?? 0, ...labels);
  sink.add(signal, station.signal ?? 0, ...labels);
  sink.add(retries, station.transmitretries ?? 0, ...labels);
  sink.add(failures, station.transmitfailed ?? 0, ...labels);
  sink.add(beaconLoss, station.beaconloss ?? 0, ...labels);
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

export function wifi(context: CollectorContext): Collector {
  const { wifiFixtures } = context.options;
  return (sink) => {
    if (wifiFixtures === '') throw new NoDataError('wireless devices need generic netlink');
    const path = `${wifiFixtures}/interfaces.json`;
    for (const device of readFixture<WifiInterface[]>(context, path) ?? []) {
      const mode = modes[device.type ?? 0];
      if (device.name === undefined || mode === undefined) continue;
      sink.add(frequency, (device.frequency ?? 0) * 1e6, device.name);
      const base = `${wifiFixtures}/${device.name}`;
      const network = readFixture<WifiNetwork>(context, `${base}/bss.json`);
      if (device.type === STATION && network !== undefined)
        sink.add(
          info,
          1,
          hardwareAddress(network.bssid ?? ''),
          device.name,
          mode,
          network.ssid ?? '',
        );
      for (const station of readFixture<WifiStation[]>(context, `${base}/stationinfo.json`) ?? [])
        collectStation(sink, device.name, station);
    }
  };
}
