// SPDX-License-Identifier: Apache-2.0
// Times (i64) in the shared memory, whose words are little-endian.

export const timeAt = (view: DataView, address: number): number =>
  view.getUint32(address, true) + view.getInt32(address + 4, true) * 4294967296;

export function setTimeAt(view: DataView, address: number, time: number): void {
  const high = Math.floor(time / 4294967296);
  view.setUint32(address, time - high * 4294967296, true);
  view.setInt32(address + 4, high, true);
}
