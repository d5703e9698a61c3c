// SPDX-License-Identifier: Apache-2.0
// filesystem: sizes of mounted file systems. A hung mount costs one waiting call and its own metrics.

import type { FileSystemUsage } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { eachLine, fields, SourceError } from '../text.ts';

interface Mount {
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly major: string;
  readonly minor: string;
  readonly readOnly: boolean;
}

/** The kernel writes blanks and backslashes in paths as three octal digits. */
const unescapeOctal = (text: string): string =>
  text.replace(/\\(040|011|012|134)/g, (_, digits: string) =>
    String.fromCharCode(Number(`0o${digits}`)),
  );

/** Mount point as the host sees it, without the prefix under which a container sees the host. */
function withoutRoot(rootfs: string, path: string): string {
  if (rootfs === '/') return path;
  const stripped = path.startsWith(rootfs) ? path.slice(rootfs.length) : path;
  return stripped.startsWith('/') ? stripped : `/${stripped}`;
}

/**
 * One line of mountinfo: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
 * Optional fields end at the lone dash.
 */
function parseMount(line: string, rootfs: string): Mount {
  const parts = fields(line);
  const dash = parts.indexOf('-', 6);
  if (dash < 0 || parts.length < dash + 3)
    throw new SourceError(`malformed mount point information: ${JSON.stringify(line)}`);
  const [major = '', minor = ''] = (parts[2] ?? '').split(':');
  const options = `${parts[5] ?? ''},${parts[dash + 3] ?? ''}`.split(',');
  return {
    device: unescapeOctal(parts[dash + 2] ?? ''),
    mountPoint: withoutRoot(rootfs, unescapeOctal(parts[4] ?? '')),
    type: parts[dash + 1] ?? '',
    major,
    minor,
    readOnly: options.includes('ro') || options.includes('emergency_ro'),
  };
}

/** Mounts of process 1 (the host, seen from a container), or of this process where that is not allowed. */
export function readMounts(context: CollectorContext): Mount[] {
  let text: string;
  try {
    text = context.files.readTextSync(`${context.paths.procfs}/1/mountinfo`);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    text = context.files.readTextSync(`${context.paths.procfs}/self/mountinfo`);
  }
  const mounts: Mount[] = [];
  eachLine(text, (line) => mounts.push(parseMount(line, context.paths.rootfs)));
  return mounts;
}

/**
 * File systems that answer from memory: asking them on this thread is cheaper than handing it over. All
 * others, those over a network first of all, may hang.
 */
const localTypes: ReadonlySet<string> = new Set(
  'bcachefs btrfs exfat ext2 ext3 ext4 f2fs ramfs tmpfs vfat xfs'.split(' '),
);

type Outcome = FileSystemUsage | { readonly deviceError: string };

/** Mount points whose last call has not come back: they are not asked again until it has. */
type StuckMounts = Set<string>;

function usageOf(context: CollectorContext, stuck: StuckMounts, mount: Mount): Promise<Outcome> {
  const { rootfs } = context.paths;
  if (stuck.has(mount.mountPoint)) return Promise.resolve({ deviceError: 'mountpoint timeout' });
  const path = rootfs === '/' ? mount.mountPoint : `${rootfs}${mount.mountPoint}`;
  const failure = (error: unknown): Outcome => {
    context.logger.debug('Error on statfs() system call', {
      rootfs: path,
      err: error instanceof Error ? error : String(error),
    });
    // The reason stands behind the last colon.
    const text = error instanceof Error ? error.message : String(error);
    return { deviceError: text.slice(text.lastIndexOf(': ') + 1).trim() };
  };
  if (localTypes.has(mount.type)) {
    try {
      return Promise.resolve(context.system.localFileSystemUsage(path));
    } catch (error) {
      return Promise.resolve(failure(error));
    }
  }
  return new Promise((resolve) => {
    const timer = context.clock.setTimer(context.options.filesystem.mountTimeoutMs, () => {
      stuck.add(mount.mountPoint);
      context.logger.warn(
        'Mount point timed out, it is being labeled as stuck and will not be monitored',
        {
          mountpoint: mount.mountPoint,
        },
      );
      resolve({ deviceError: 'mountpoint timeout' });
    });
    const settle = (outcome: Outcome): void => {
      timer.cancel();
      if (stuck.delete(mount.mountPoint)) {
        context.logger.info('Mount point has recovered, monitoring will resume', {
          mountpoint: mount.mountPoint,
        });
      }
      resolve(outcome);
    };
    const failed = (error: unknown): void => settle(failure(error));
    context.system.fileSystemUsage(path).then(settle, failed);
  });
}

const labelNames = ['device', 'device_error', 'fstype', 'mountpoint'] as const;
const fsGauge = (name: string, help: string): Descriptor =>
  gauge(`node_filesystem_${name}`, help, ...labelNames);
const metrics = {
  deviceError: fsGauge(
    'device_error',
    'Whether an error occurred while getting statistics for the given device.',
  ),
  readOnly: fsGauge('readonly', 'Filesystem read-only status.'),
  size: fsGauge('size_bytes', 'Filesystem size in bytes.'),
  free: fsGauge('free_bytes', 'Filesystem free space in bytes.'),
  available: fsGauge('avail_bytes', 'Filesystem space available to non-root users in bytes.'),
  files: fsGauge('files', 'Filesystem total file nodes.'),
  filesFree: fsGauge('files_free', 'Filesystem total free file nodes.'),
  purgeable: fsGauge(
    'purgeable_bytes',
    'Filesystem space available including purgeable space (MacOS specific).',
  ),
  mountInfo: gauge(
    'node_filesystem_mount_info',
    'Filesystem mount information.',
    'device',
    'major',
    'minor',
    'mountpoint',
  ),
} as const;

function emit(sink: MetricSink, mount: Mount, outcome: Outcome): void {
  const deviceError = 'deviceError' in outcome ? outcome.deviceError : '';
  const labels = [mount.device, deviceError, mount.type, mount.mountPoint] as const;
  sink.add(metrics.deviceError, deviceError === '' ? 0 : 1, ...labels);
  sink.add(metrics.readOnly, mount.readOnly ? 1 : 0, ...labels);
  if ('deviceError' in outcome) return;
  const { blockBytes } = outcome;
  sink.add(metrics.size, outcome.blocks * blockBytes, ...labels);
  sink.add(metrics.free, outcome.blocksFree * blockBytes, ...labels);
  sink.add(metrics.available, outcome.blocksAvailable * blockBytes, ...labels);
  sink.add(metrics.files, outcome.files, ...labels);
  sink.add(metrics.filesFree, outcome.filesFree, ...labels);
  sink.add(metrics.purgeable, 0, ...labels);
  sink.add(metrics.mountInfo, 1, mount.device, mount.major, mount.minor, mount.mountPoint);
}

export function filesystem(context: CollectorContext): Collector {
  const stuck: StuckMounts = new Set();
  return async (sink) => {
    const { mountPoints, types, statWorkers } = context.options.filesystem;
    const seen = new Set<string>();
    const mounts = readMounts(context).filter((mount) => {
      const key = `${mount.device}\n${mount.mountPoint}\n${mount.type}`;
      if (
        !keepsName(mountPoints, mount.mountPoint) ||
        !keepsName(types, mount.type) ||
        seen.has(key)
      )
        return false;
      return seen.add(key);
    });
    const outcomes = new Array<Outcome>(mounts.length);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < mounts.length) {
        const i = next++;
        outcomes[i] = await usageOf(context, stuck, mounts[i]!);
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, statWorkers) }, worker));
    mounts.forEach((mount, i) => void emit(sink, mount, outcomes[i]!));
  };
}
