// SPDX-License-Identifier: Apache-2.0
// What there is to know of wireless devices, wherever it is read from.

export interface WifiInterface {
  /** Empty for devices that are no network interface. */
  readonly name: string;
  readonly type: number;
  /** MHz */
  readonly frequency: number;
}

export interface WifiStation {
  readonly address: string;
  readonly connectedSeconds: number;
  readonly inactiveSeconds: number;
  readonly receiveBits: number;
  readonly transmitBits: number;
  readonly receiveBytes: number;
  readonly transmitBytes: number;
  readonly receivedPackets: number;
  readonly transmittedPackets: number;
  readonly signal: number;
  readonly transmitRetries: number;
  readonly transmitFailed: number;
  readonly beaconLoss: number;
}

export interface WifiNetwork {
  readonly ssid: string;
  readonly bssid: string;
}

export interface WifiSource {
  interfaces(): readonly (WifiInterface & { readonly index: number })[];
  network(index: number): WifiNetwork | undefined;
  stations(index: number): readonly WifiStation[];
}
