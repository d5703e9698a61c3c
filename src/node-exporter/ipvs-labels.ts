// SPDX-License-Identifier: Apache-2.0

/** What a backend may be told apart by, in upstream's order of the flag's default. */
export const ipvsLabels = [
  'local_address',
  'local_port',
  'remote_address',
  'remote_port',
  'proto',
  'local_mark',
] as const;
export type IpvsLabel = (typeof ipvsLabels)[number];
