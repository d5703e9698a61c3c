// SPDX-License-Identifier: Apache-2.0
// Generic netlink: families of requests that the kernel numbers when their driver is loaded.
//
//   payload: command u8 | version u8 | reserved u16 | attributes

import type { SystemCalls } from '../base/index.ts';
import { SystemCallError } from '../base/index.ts';
import {
  attribute,
  attributes,
  NETLINK_GENERIC,
  netlinkDump,
  netlinkRequest,
  viewOf,
} from './netlink.ts';

const NETLINK_HEADER_BYTES = 16;
const GENERIC_BYTES = 4;
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/** What follows the netlink header of a request. */
export function genericPayload(command: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, GENERIC_BYTES);
  const bytes = new Uint8Array(length);
  bytes[0] = command;
  bytes[1] = 1;
  let at = GENERIC_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Attributes of each message that answers one request. @throws SystemCallError */
export const genericAnswers = (
  calls: SystemCalls,
  family: number,
  payload: Uint8Array,
): Map<number, DataView>[] =>
  calls
    .netlink(NETLINK_GENERIC, netlinkRequest(family, payload, false))
    .map((message) => attributes(viewOf(message.subarray(NETLINK_HEADER_BYTES)), GENERIC_BYTES));

/** Likewise for everything of a kind. @throws SystemCallError */
export const genericDump = (
  calls: SystemCalls,
  family: number,
  payload: Uint8Array,
): Map<number, DataView>[] =>
  netlinkDump(calls, NETLINK_GENERIC, family, payload).map((view) =>
    attributes(view, GENERIC_BYTES),
  );

/** The number of a family; undefined where no driver has registered it. @throws SystemCallError */
export function familyId(calls: SystemCalls, name: string): number | undefined {
  const named = attribute(CTRL_ATTR_FAMILY_NAME, new TextEncoder().encode(`${name}\0`));
  try {
    const payload = genericPayload(CTRL_CMD_GETFAMILY, named);
    const [found] = genericAnswers(calls, GENL_ID_CTRL, payload);
    return found?.get(CTRL_ATTR_FAMILY_ID)?.getUint16(0, true);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
