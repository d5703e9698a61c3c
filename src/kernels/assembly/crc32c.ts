// SPDX-License-Identifier: Apache-2.0
import { CRC_TABLE } from './lib/layout';

/** CRC-32C of [address, address+length), continuing from `crc` (0 to start). */
export function crc32c(crc: u32, address: usize, length: u32): u32 {
  let c: u32 = ~crc;
  let p = address;
  let n = length;
  while (n >= 8) {
    const low = load<u32>(p) ^ c;
    const high = load<u32>(p + 4);
    c =
      load<u32>(CRC_TABLE + 7168 + ((low & 0xff) << 2)) ^
      load<u32>(CRC_TABLE + 6144 + (((low >> 8) & 0xff) << 2)) ^
      load<u32>(CRC_TABLE + 5120 + (((low >> 16) & 0xff) << 2)) ^
      load<u32>(CRC_TABLE + 4096 + ((low >> 24) << 2)) ^
      load<u32>(CRC_TABLE + 3072 + ((high & 0xff) << 2)) ^
      load<u32>(CRC_TABLE + 2048 + (((high >> 8) & 0xff) << 2)) ^
      load<u32>(CRC_TABLE + 1024 + (((high >> 16) & 0xff) << 2)) ^
      load<u32>(CRC_TABLE + ((high >> 24) << 2));
    p += 8;
    n -= 8;
  }
  while (n > 0) {
    c = load<u32>(CRC_TABLE + (((c ^ load<u8>(p)) & 0xff) << 2)) ^ (c >> 8);
    p++;
    n--;
  }
  return ~c;
}
