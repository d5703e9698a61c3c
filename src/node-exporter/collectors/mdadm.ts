// SPDX-License-Identifier: Apache-2.0
// mdadm: software RAID, from /proc/mdstat and /sys/block/md*/md.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfAny, readProcIfThere, sysNumberIfAny } from '../source.ts';
import { decimal, fields, SourceError } from '../text.ts';

const state = gauge('node_md_state', 'Indicates the state of md-device.', 'device', 'state');
const disks = gauge(
  'node_md_disks',
  'Number of active/failed/spare disks of device.',
  'device',
  'state',
);
const required = gauge('node_md_disks_required', 'Total number of disks of device.', 'device');
const blocks = gauge('node_md_blocks', 'Total number of blocks on device.', 'device');
const synced = gauge('node_md_blocks_synced', 'Number of blocks synced on device.', 'device');
const raidDisks = gauge('node_md_raid_disks', 'Number of raid disks on device.', 'device');
const degraded = gauge('node_md_degraded', 'Number of degraded disks on device.', 'device');

const states = ['active', 'inactive', 'recovering', 'resync', 'check'] as const;
type ArrayState = (typeof states)[number];

interface MdArray {
  readonly name: string;
  readonly state: ArrayState;
  readonly active: number;
  readonly total: number;
  readonly failed: number;
  readonly spare: number;
  readonly blocks: number;
  readonly synced: number;
}

/** `[4/3]` of a status line: disks that should be and that are there. */
function diskCounts(words: readonly string[]): { total: number; active: number } | undefined {
  for (const word of words) {
    if (!word.startsWith('[') || !word.endsWith(']')) continue;
    const [total, active] = word.slice(1, -1).split('/');
    if (total === undefined || active === undefined) continue;
    return { total: decimal(total, 'mdstat'), active: decimal(active, 'mdstat') };
  }
  return undefined;
}

/** What goes on, by the word in the lines below the status. */
function activity(lines: readonly string[]): { state: ArrayState; line: string } | undefined {
  for (const line of lines) {
    if (line.includes('recovery') || line.includes('reshape')) return { state: 'recovering', line };
    if (line.includes('resync')) return { state: 'resync', line };
    if (line.includes('check')) return { state: 'check', line };
  }
  return undefined;
}

/** Blocks in the parentheses of `8.5% (16775552/195310144)`. */
function syncedBlocks(line: string): number {
  const open = line.indexOf('(');
  const slash = line.indexOf('/', open);
  // DELAYED or PENDING: nothing yet.
  if (open < 0 || slash < 0) return 0;
  return decimal(line.slice(open + 1, slash), 'mdstat');
}

/** `md4 : inactive raid1 sda3[0](F) sdb3[1](S)` with the lines below it. */
function parseArray(lines: readonly string[]): MdArray {
  const words = fields(lines[0] ?? '');
  const status = fields(lines[1] ?? '');
  const name = words[0] ?? '';
  if (words.length < 3 || status[1] !== 'blocks')
    throw new SourceError(`unexpected lines of ${name} in mdstat: ${JSON.stringify(lines)}`);
  const members = words.slice(3).filter((word) => word.includes('['));
  const marked = (mark: string): number => members.filter((word) => word.endsWith(mark)).length;
  const [failed, spare] = [marked('(F)'), marked('(S)')];
  const isActive = words[2] === 'active';
  const counts = diskCounts(status) ?? {
    total: members.length - failed - spare,
    active: members.length - failed - spare,
  };
  const size = decimal(status[0], `mdstat of ${name}`);
  const running = activity(lines.slice(2));
  return {
    name,
    state: running?.state ?? (isActive ? 'active' : 'inactive'),
    active: isActive ? counts.active : 0,
    total: isActive ? counts.total : 0,
    failed,
    spare,
    blocks: size,
    synced: running === undefined ? size : syncedBlocks(running.line),
  };
}

function parseMdstat(text: string): MdArray[] {
  const arrays: MdArray[] = [];
  let current: string[] = [];
  const finish = (): void => {
    if (current.length > 0) arrays.push(parseArray(current));
    current = [];
  };
  for (const line of text.split('\n')) {
    const isBelow = line.startsWith(' ') || line.startsWith('\t');
    if (isBelow) {
      if (current.length > 0) current.push(line);
      continue;
    }
    finish();
    if (line !== '' && !line.startsWith('Personalities') && !line.startsWith('unused'))
      current = [line];
  }
  finish();
  return arrays;
}

function collectSysfs(context: CollectorContext, sink: MetricSink): void {
  for (const device of listSysIfAny(context, 'block')) {
    if (!device.startsWith('md')) continue;
    const count = sysNumberIfAny(context, `block/${device}/md/raid_disks`);
    if (count === undefined) continue;
    sink.add(raidDisks, count, device);
    // Levels without redundancy have no such file, and are never degraded.
    sink.add(degraded, sysNumberIfAny(context, `block/${device}/md/degraded`) ?? 0, device);
  }
}

export function mdadm(context: CollectorContext): Collector {
  return (sink) => {
    for (const array of parseMdstat(readProcIfThere(context, 'mdstat'))) {
      const { name } = array;
      sink.add(required, array.total, name);
      sink.add(disks, array.active, name, 'active');
      sink.add(disks, array.failed, name, 'failed');
      sink.add(disks, array.spare, name, 'spare');
      sink.add(blocks, array.blocks, name);
      sink.add(synced, array.synced, name);
      for (const each of states) sink.add(state, each === array.state ? 1 : 0, name, each);
    }
    collectSysfs(context, sink);
  };
}
