// SPDX-License-Identifier: Apache-2.0
// The first 64 KiB of the shared memory: constant tables and control blocks at fixed addresses, so that
// every thread and every kernel finds them without being told. Kernels carry no data of their own.
//
//   0x0000  never used: address 0 means "none"
//   0x1000  CRC-32C tables, 8 × 256 × u32 (slicing by 8)
//   0x3000  powers of ten 1e0 … 1e22 as f64
//   0x4000  head control block (tsdb/head/control.ts)
//   0x6000  query control block: one slot a worker (stop flags, counters)
//   0x7000  block control block (tsdb/block/block-list.ts)
//   0x8000  fan-out control block: a word that tells idle query workers that there is something to do
//   0x10000 the heap

export const CRC_TABLE_ADDRESS = 0x1000;
export const POWERS_ADDRESS = 0x3000;
export const HEAD_CONTROL_ADDRESS = 0x4000;
export const QUERY_CONTROL_ADDRESS = 0x6000;
export const BLOCK_CONTROL_ADDRESS = 0x7000;
export const FAN_CONTROL_ADDRESS = 0x8000;
export const HEAP_START = 0x10000;
