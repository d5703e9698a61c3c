// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where upstream's own run had the fixture: the path is in some of its metrics. */
export const upstreamRoot = 'collector/fixtures';

/** Upstream's fake machine in a directory of its own, its sysfs unpacked. @throws Error */
export function fixtureRoot(folder: string): string {
  const root = join(mkdtempSync(join(tmpdir(), 'hearth-node-')), upstreamRoot);
  mkdirSync(root, { recursive: true });
  for (const entry of readdirSync(folder))
    if (entry !== 'proc') symlinkSync(resolve(folder, entry), join(root, entry));
  // `self` is a link that was stored as a file with its target.
  mkdirSync(join(root, 'proc'));
  for (const entry of readdirSync(join(folder, 'proc'))) {
    const target = entry === 'self' ? '10' : resolve(folder, 'proc', entry);
    symlinkSync(target, join(root, 'proc', entry));
  }
  const archive = resolve(folder, 'sys-udev.tar.gz');
  const done = spawnSync('tar', ['-xzf', archive, '-C', root]);
  if (done.status !== 0) throw new Error(`cannot unpack ${archive}: ${String(done.stderr)}`);
  return root;
}
