// SPDX-License-Identifier: Apache-2.0
// What a network device's port can do: ethtool's old command for it, whose link modes have 32 bits.

import type { Descriptor, MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';

const portInfo = gauge(
  'node_network_supported_port_info',
  'Type of ports or PHYs supported by network device',
  'device',
  'type',
);
const autonegotiate = gauge(
  'node_network_autonegotiate',
  'If this port is using autonegotiate',
  'device',
);
const deviceGauge = (name: string, help: string): Descriptor =>
  gauge(`node_network_${name}`, help, 'device');
const speedGauge = (name: string, help: string): Descriptor =>
  gauge(`node_network_${name}`, help, 'device', 'duplex', 'mode');

/** One set of link modes: what the port could do, and what it offers to the other end. */
interface ModeMetrics {
  readonly speed: Descriptor;
  readonly autonegotiate: Descriptor;
  readonly pause: Descriptor;
  readonly asymmetricPause: Descriptor;
}
const supported: ModeMetrics = {
  speed: speedGauge(
    'supported_speed_bytes',
    'Combination of speeds and features supported by network device',
  ),
  autonegotiate: deviceGauge(
    'autonegotiate_supported',
    'If this port device supports autonegotiate',
  ),
  pause: deviceGauge('pause_supported', 'If this port device supports pause frames'),
  asymmetricPause: deviceGauge(
    'asymmetricpause_supported',
    'If this port device supports asymmetric pause frames',
  ),
};
const advertised: ModeMetrics = {
  speed: speedGauge(
    'advertised_speed_bytes',
    'Combination of speeds and features offered by network device',
  ),
  autonegotiate: deviceGauge(
    'autonegotiate_advertised',
    'If this port device offers autonegotiate',
  ),
  pause: deviceGauge('pause_advertised', 'If this port device offers pause capability'),
  asymmetricPause: deviceGauge(
    'asymmetricpause_advertised',
    'If this port device offers asymmetric pause capability',
  ),
};

/** Bits of <linux/ethtool.h>'s link modes. */
const BIT_AUTONEGOTIATE = 6;
const BIT_PAUSE = 13;
const BIT_ASYMMETRIC_PAUSE = 14;
const ports: readonly (readonly [bit: number, type: string])[] = [
  [7, 'TP'],
  [8, 'AUI'],
  [9, 'MII'],
  [10, 'FIBRE'],
  [11, 'BNC'],
  [16, 'Backplane'],
];
const speeds: readonly (readonly [bit: number, megabits: number, medium: string])[] = [
  [0, 10, 'T'],
  [1, 10, 'T'],
  [2, 100, 'T'],
  [3, 100, 'T'],
  [4, 1000, 'T'],
  [5, 1000, 'T'],
  [12, 10_000, 'T'],
  [17, 1000, 'KX'],
  [18, 10_000, 'KX4'],
  [19, 10_000, 'KR'],
  [20, 10_000, 'R_FEC'],
  [21, 20_000, 'MLD2'],
  [22, 20_000, 'KR2'],
  [23, 40_000, 'KR4'],
  [24, 40_000, 'CR4'],
  [25, 40_000, 'SR4'],
  [26, 40_000, 'LR4'],
  [27, 56_000, 'KR4'],
  [28, 56_000, 'CR4'],
  [29, 56_000, 'SR4'],
  [30, 56_000, 'LR4'],
  [31, 25_000, 'CR'],
];
const halfDuplexBits: ReadonlySet<number> = new Set([0, 2, 4]);
const BYTES_PER_MEGABIT = 1e6 / 8;

const ETHTOOL_GSET = 1;
const SETTINGS_BYTES = 44;

export interface LinkSettings {
  readonly supported: number;
  readonly advertised: number;
  readonly autonegotiate: number;
}

/** Asks for `struct ethtool_cmd`; undefined when the driver has no link settings. */
export function readLinkSettings(
  ask: (buffer: Uint8Array) => Uint8Array | undefined,
): LinkSettings | undefined {
  const buffer = new Uint8Array(SETTINGS_BYTES);
  new DataView(buffer.buffer).setUint32(0, ETHTOOL_GSET, true);
  const answer = ask(buffer);
  if (answer === undefined) return undefined;
  const view = new DataView(answer.buffer);
  return {
    supported: view.getUint32(4, true),
    advertised: view.getUint32(8, true),
    autonegotiate: view.getUint8(18),
  };
}

const hasBit = (modes: number, bit: number): boolean => (modes & (1 << bit)) !== 0;

function collectModes(sink: MetricSink, metrics: ModeMetrics, device: string, modes: number): void {
  for (const [bit, megabits, medium] of speeds) {
    if (!hasBit(modes, bit)) continue;
    const duplex = halfDuplexBits.has(bit) ? 'half' : 'full';
    const mode = `${megabits}base${medium}`;
    sink.add(metrics.speed, megabits * BYTES_PER_MEGABIT, device, duplex, mode);
  }
  sink.add(metrics.autonegotiate, hasBit(modes, BIT_AUTONEGOTIATE) ? 1 : 0, device);
  sink.add(metrics.pause, hasBit(modes, BIT_PAUSE) ? 1 : 0, device);
  sink.add(metrics.asymmetricPause, hasBit(modes, BIT_ASYMMETRIC_PAUSE) ? 1 : 0, device);
}

export function collectLinkSettings(
  sink: MetricSink,
  device: string,
  settings: LinkSettings,
): void {
  collectModes(sink, supported, device, settings.supported);
  for (const [bit, type] of ports)
    if (hasBit(settings.supported, bit)) sink.add(portInfo, 1, device, type);
  collectModes(sink, advertised, device, settings.advertised);
  sink.add(autonegotiate, settings.autonegotiate, device);
}
