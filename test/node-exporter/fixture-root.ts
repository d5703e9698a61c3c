// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** Where upstream's own run had the fixture: the path is in some of its metrics. */
export const upstreamRoot = 'collector/fixtures';

/** A directory that is removed when the test ends. */
export function testDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-node-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Upstream's fake machine in a directory of its own, its sysfs unpacked: 2,500 files, so once for a test
 * file, at its top level. @throws Error
 */
export function fixtureRoot(folder: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-node-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, upstreamRoot);
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
