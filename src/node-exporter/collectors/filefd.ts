// SPDX-License-Identifier: Apache-2.0
// filefd: the kernel's table of open files.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { readProc } from '../source.ts';
import { decimal, fields, SourceError } from '../text.ts';

const allocated = gauge('node_filefd_allocated', 'File descriptor statistics: allocated.');
const maximum = gauge('node_filefd_maximum', 'File descriptor statistics: maximum.');

export function filefd(context: CollectorContext): Collector {
  return (sink) => {
    const parts = fields(readProc(context, 'sys/fs/file-nr'));
    if (parts.length < 3) throw new SourceError('unexpected content in sys/fs/file-nr');
    sink.add(allocated, decimal(parts[0], 'sys/fs/file-nr'));
    sink.add(maximum, decimal(parts[2], 'sys/fs/file-nr'));
  };
}
