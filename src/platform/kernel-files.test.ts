// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileError } from '../base/index.ts';
import { createKernelFileSystem } from './kernel-files.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-kernel-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
const openFiles = (): number => readdirSync('/proc/self/fd').length;
const kernelFiles = () => createKernelFileSystem({ keeps: () => true, isAttribute: () => false });

test('a kept file is read anew each time, whatever its length', () => {
  const path = join(newFolder(), 'file');
  const files = kernelFiles();
  for (const text of ['one', 'a longer text', '', 'x'.repeat(200_000), 'short']) {
    writeFileSync(path, text);
    expect(files.readTextSync(path)).toBe(text);
  }
  expect(new TextDecoder().decode(files.readFileSync(path))).toBe('short');
});

test('files of the kernel come whole, over several pages', () => {
  const files = kernelFiles();
  for (let i = 0; i < 3; i++) {
    expect(files.readTextSync('/proc/self/maps').split('\n').length).toBeGreaterThan(20);
    expect(files.readTextSync('/proc/stat')).toMatch(/^cpu .*softirq .*\n$/s);
  }
});

test('an absent file is refused, and found when it comes', () => {
  const path = join(newFolder(), 'file');
  const files = kernelFiles();
  for (let i = 0; i < 2; i++) {
    expect(() => files.readTextSync(path)).toThrow(
      expect.objectContaining({ name: 'FileError', code: 'ENOENT', path }),
    );
    expect(() => files.listSync(path)).toThrow(FileError);
  }
  writeFileSync(path, 'here');
  expect(files.readTextSync(path)).toBe('here');
});

test('when the names of a directory change, its files are opened anew', () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'eth0'));
  writeFileSync(join(folder, 'eth0/index'), '1');
  const files = kernelFiles();
  files.listSync(folder);
  expect(files.readTextSync(join(folder, 'eth0/index'))).toBe('1');
  renameSync(join(folder, 'eth0'), join(folder, 'eth1'));
  mkdirSync(join(folder, 'eth0'));
  writeFileSync(join(folder, 'eth0/index'), '2');
  // The handle would follow the device to its new name.
  expect(files.listSync(folder).sort()).toEqual(['eth0', 'eth1']);
  expect(files.readTextSync(join(folder, 'eth0/index'))).toBe('2');
});

test('the number of open files is bounded', () => {
  const folder = newFolder();
  const files = kernelFiles();
  const before = openFiles();
  for (let i = 0; i < 1000; i++) writeFileSync(join(folder, `f${i}`), String(i));
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 1000; i++)
      expect(files.readTextSync(join(folder, `f${i}`))).toBe(String(i));
  expect(openFiles() - before).toBeLessThanOrEqual(410);
});
