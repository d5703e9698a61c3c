// SPDX-License-Identifier: Apache-2.0
// System calls that have no file in /proc, as core code sees them.

/** What `uname(2)` says, apart from the domain name, which /proc has. */
export interface SystemName {
  readonly sysname: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
  readonly nodename: string;
}

/** `statfs(2)` of one mounted file system; sizes in blocks, as the kernel gives them. */
export interface FileSystemUsage {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
}

export interface InterfaceAddress {
  readonly device: string;
  readonly address: string;
  /** Bits of the network part. */
  readonly prefixLength: number;
}

/** The operating system beyond its files. */
export interface OperatingSystem {
  systemName(): SystemName;
  /** Runs off the main thread; a hung mount never settles. */
  fileSystemUsage(path: string): Promise<FileSystemUsage>;
  /** On the calling thread, for file systems that answer from memory. @throws FileError */
  localFileSystemUsage(path: string): FileSystemUsage;
  readonly pageBytes: number;
  /** Of this process. */
  readonly userId: number;
  /** Offset of local time from UTC and its name. */
  timeZone(atMs: number): { readonly name: string; readonly offsetSeconds: number };
  /** Addresses of this machine's network devices. */
  interfaceAddresses(): readonly InterfaceAddress[];
  /** Undefined where the foreign function interface is not installed. */
  readonly calls: SystemCalls | undefined;
}

/** `adjtimex(2)` with nothing to change, in the kernel's units. */
export interface ClockAdjustment {
  /** What the call returned: TIME_OK … TIME_ERROR. */
  readonly state: number;
  readonly offset: number;
  readonly frequency: number;
  readonly maxError: number;
  readonly estimatedError: number;
  readonly status: number;
  readonly constant: number;
  readonly tick: number;
  readonly ppsFrequency: number;
  readonly jitter: number;
  readonly shift: number;
  readonly stability: number;
  readonly jitterCount: number;
  readonly calibrationCount: number;
  readonly errorCount: number;
  readonly stabilityCount: number;
  readonly taiOffset: number;
}

/** A system call that failed. `code` is the errno's name when it is one of those that callers tell apart. */
export class SystemCallError extends Error {
  override name = 'SystemCallError';
  readonly code: 'EPERM' | 'EACCES' | 'ENOENT' | 'EOPNOTSUPP' | 'ENODEV' | 'other';
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call} failed: errno ${errno}`);
    this.errno = errno;
    const codes = {
      1: 'EPERM',
      2: 'ENOENT',
      13: 'EACCES',
      19: 'ENODEV',
      95: 'EOPNOTSUPP',
    } as const;
    this.code = codes[errno as keyof typeof codes] ?? 'other';
  }
}

/** System calls that Node has no door to. All throw SystemCallError. */
export interface SystemCalls {
  adjustTime(): ClockAdjustment;
  /**
   * One request over a netlink socket of `protocol`, with all messages that answer it until the kernel
   * says that it is done. @param request  a whole message with its header; sequence and port are set here
   */
  netlink(protocol: number, request: Uint8Array): Uint8Array[];
  /** `ioctl(2)` on a datagram socket with an `ifreq` whose data is `buffer`; the kernel writes into it. */
  interfaceIoctl(device: string, request: number, buffer: Uint8Array): void;
  /** `ioctl(2)` on a directory opened for reading; the kernel reads `buffer` and writes into it. */
  directoryIoctl(path: string, request: number, buffer: Uint8Array): void;
  /** `perf_event_open(2)` for all processes on one CPU. @returns a descriptor */
  perfOpen(attributes: Uint8Array, cpu: number): number;
  /** Reads from a descriptor of {@link SystemCalls.perfOpen}; the bytes read. */
  read(descriptor: number, into: Uint8Array): number;
}
