// SPDX-License-Identifier: Apache-2.0
// uname: the machine's name and kernel.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';

const info = gauge(
  'node_uname_info',
  'Labeled system information as provided by the uname system call.',
  'domainname',
  'machine',
  'nodename',
  'release',
  'sysname',
  'version',
);

function domainName(context: CollectorContext): string {
  try {
    return readProc(context, 'sys/kernel/domainname').trim();
  } catch (error) {
    if (error instanceof FileError) return '(none)';
    throw error;
  }
}

export function uname(context: CollectorContext): Collector {
  return (sink) => {
    const name = context.system.systemName();
    const { machine, nodename, release, sysname, version } = name;
    sink.add(info, 1, domainName(context), machine, nodename, release, sysname, version);
  };
}
