// SPDX-License-Identifier: Apache-2.0
// System calls that Node has no door to, through koffi: an optional package, loaded at first use.

import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import type { ClockAdjustment, SystemCalls } from '../base/index.ts';
import { SystemCallError } from '../base/index.ts';
import { fileError } from './files.ts';

type Koffi = typeof import('koffi');
type Foreign = (...parameters: readonly unknown[]) => number;

const AF_NETLINK = 16;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
/** The kernel answers at once; this is for a kernel that does not. */
const NETLINK_TIMEOUT_SECONDS = 2;
const NETLINK_BUFFER_BYTES = 65_536;
/** No dump has more parts than this: what comes after is not an answer to us. */
const NETLINK_READS_MAX = 10_000;

const NLMSG_HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_MULTI = 2;

const TIMEX_BYTES = 208;
const INTERFACE_NAME_BYTES = 16;
const PERF_FLAG_FD_CLOEXEC = 8;
/** Number of perf_event_open by architecture. */
const perfOpenNumbers: Readonly<Record<string, number>> = {
  x64: 298,
  arm64: 241,
  riscv64: 241,
  loong64: 241,
  ppc64: 319,
};

interface Libc {
  readonly koffi: Koffi;
  readonly library: ReturnType<Koffi['load']>;
  call(name: string, prototype: string, ...parameters: readonly unknown[]): number;
}

/** Our arguments are numbers and pointers to our own buffers: koffi's own three megabytes are not needed. */
const callMemory = {
  sync_stack_size: 131_072,
  sync_heap_size: 65_536,
  async_stack_size: 65_536,
  async_heap_size: 65_536,
  resident_async_pools: 1,
  max_async_calls: 64,
};

/** The C library's functions, each declared when first called. */
function openLibc(koffi: Koffi): Libc {
  koffi.config(callMemory);
  const library = koffi.load('libc.so.6');
  const functions = new Map<string, Foreign>();
  return {
    koffi,
    library,
    call: (name, prototype, ...parameters) => {
      let foreign = functions.get(prototype);
      if (foreign === undefined) {
        foreign = library.func(prototype) as Foreign;
        functions.set(prototype, foreign);
      }
      const result = Number(foreign(...parameters));
      if (result < 0) throw new SystemCallError(name, koffi.errno());
      return result;
    },
  };
}

/** A 64-bit integer as a number: exact up to 2^53. */
const int64 = (view: DataView, at: number): number =>
  view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** Layout of `struct timex` where longs have 64 bits. */
function adjustTime(libc: Libc): ClockAdjustment {
  const bytes = new Uint8Array(TIMEX_BYTES);
  const state = libc.call('adjtimex', 'int adjtimex(_Inout_ void *buffer)', bytes);
  const view = new DataView(bytes.buffer);
  return {
    state,
    offset: int64(view, 8),
    frequency: int64(view, 16),
    maxError: int64(view, 24),
    estimatedError: int64(view, 32),
    status: view.getInt32(40, true),
    constant: int64(view, 48),
    tick: int64(view, 88),
    ppsFrequency: int64(view, 96),
    jitter: int64(view, 104),
    shift: view.getInt32(112, true),
    stability: int64(view, 120),
    jitterCount: int64(view, 128),
    calibrationCount: int64(view, 136),
    errorCount: int64(view, 144),
    stabilityCount: int64(view, 152),
    taiOffset: view.getInt32(160, true),
  };
}

/**
 * The messages of one datagram, appended to `messages`.
 * @returns whether the answer is complete
 */
function readMessages(datagram: Uint8Array, messages: Uint8Array[]): boolean {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + NLMSG_HEADER_BYTES <= datagram.length; ) {
    const length = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (length < NLMSG_HEADER_BYTES || at + length > datagram.length) return true;
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) {
      const errno = -view.getInt32(at + NLMSG_HEADER_BYTES, true);
      if (errno !== 0) throw new SystemCallError('netlink', errno);
      return true;
    }
    messages.push(datagram.slice(at, at + length));
    if ((view.getUint16(at + 6, true) & NLM_F_MULTI) === 0) return true;
    at += (length + 3) & ~3;
  }
  return false;
}

function withSocket<Result>(
  libc: Libc,
  [family, type, protocol]: readonly [number, number, number],
  use: (descriptor: number) => Result,
): Result {
  const descriptor = libc.call(
    'socket',
    'int socket(int family, int type, int protocol)',
    family,
    type | SOCK_CLOEXEC,
    protocol,
  );
  try {
    return use(descriptor);
  } finally {
    libc.call('close', 'int close(int descriptor)', descriptor);
  }
}

function netlink(libc: Libc, protocol: number, request: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  withSocket(libc, [AF_NETLINK, SOCK_RAW, protocol], (socket) => {
    const timeout = new Uint8Array(16);
    new DataView(timeout.buffer).setUint32(0, NETLINK_TIMEOUT_SECONDS, true);
    libc.call(
      'setsockopt',
      'int setsockopt(int socket, int level, int name, const void *value, uint32_t length)',
      ...[socket, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length],
    );
    libc.call(
      'send',
      'long send(int socket, const void *bytes, size_t length, int flags)',
      ...[socket, request, request.length, 0],
    );
    const buffer = new Uint8Array(NETLINK_BUFFER_BYTES);
    for (let i = 0; i < NETLINK_READS_MAX; i++) {
      const length = libc.call(
        'recv',
        'long recv(int socket, _Out_ void *buffer, size_t length, int flags)',
        ...[socket, buffer, buffer.length, 0],
      );
      if (readMessages(buffer.subarray(0, length), messages)) break;
    }
  });
  return messages;
}

/** On a directory, opened for it. */
function directoryIoctl(libc: Libc, path: string, request: number, buffer: Uint8Array): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw fileError('open', path, error);
  }
  try {
    const prototype = 'int ioctl(int descriptor, unsigned long request, _Inout_ void *buffer)';
    libc.call('ioctl', prototype, descriptor, request, buffer);
  } finally {
    closeSync(descriptor);
  }
}

/** The system calls; undefined without koffi or where longs do not have 64 bits, little end first. */
export function openSystemCalls(): SystemCalls | undefined {
  const perfOpenNumber = perfOpenNumbers[process.arch];
  if (process.platform !== 'linux' || perfOpenNumber === undefined || os.endianness() !== 'LE')
    return undefined;
  let libc: Libc;
  try {
    libc = openLibc(createRequire(import.meta.url)('koffi') as Koffi);
  } catch {
    // Not installed, or no build for this platform: collectors that need it say so.
    return undefined;
  }
  const { koffi } = libc;
  // Without a name: a name may be given once only in a process.
  const request = koffi.struct({
    name: koffi.array('uint8_t', INTERFACE_NAME_BYTES),
    data: 'void *',
    rest: koffi.array('uint8_t', INTERFACE_NAME_BYTES),
  });
  const ioctlTypes = ['int', 'unsigned long', koffi.pointer(request)];
  const ioctl = libc.library.func('ioctl', 'int', ioctlTypes) as Foreign;
  return {
    adjustTime: () => adjustTime(libc),
    netlink: (protocol, request) => netlink(libc, protocol, request),
    interfaceIoctl: (device, code, buffer) => {
      const name = new Uint8Array(INTERFACE_NAME_BYTES);
      name.set(new TextEncoder().encode(device).subarray(0, INTERFACE_NAME_BYTES - 1));
      const argument = { name, data: buffer, rest: new Uint8Array(INTERFACE_NAME_BYTES) };
      withSocket(libc, [AF_INET, SOCK_DGRAM, 0], (socket) => {
        if (Number(ioctl(socket, code, argument)) < 0)
          throw new SystemCallError('ioctl', koffi.errno());
      });
    },
    directoryIoctl: (path, code, buffer) => directoryIoctl(libc, path, code, buffer),
    perfOpen: (attributes, cpu) =>
      libc.call(
        'perf_event_open',
        'long syscall(long number, const void *attributes, int pid, int cpu, int group, unsigned long flags)',
        ...[perfOpenNumber, attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC],
      ),
    read: (descriptor, into) =>
      libc.call(
        'read',
        'long read(int descriptor, _Out_ void *buffer, size_t length)',
        ...[descriptor, into, into.length],
      ),
  };
}
