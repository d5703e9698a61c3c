// SPDX-License-Identifier: Apache-2.0
// The fixed addresses of src/kernels/layout.ts, as kernels need them.
export const CRC_TABLE: usize = 0x1000;
export const POWERS: usize = 0x3000;
export const HEAD_CONTROL: usize = 0x4000;
