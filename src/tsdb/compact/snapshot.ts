// SPDX-License-Identifier: Apache-2.0
// A copy of a block that costs no space: hard links, where the files can be linked.

import type { FileSystem } from '../../base/index.ts';

/** Links (or copies) a block's files into the new directory `target`. @throws FileError */
export function snapshotBlock(files: FileSystem, directory: string, target: string): void {
  files.makeDirectorySync(`${target}/chunks`);
  // Those that are replaced are replaced by renaming, so a link keeps what it has.
  for (const name of ['meta.json', 'index', 'tombstones']) {
    if (files.existsSync(`${directory}/${name}`)) {
      linkOrCopy(files, `${directory}/${name}`, `${target}/${name}`);
    }
  }
  for (const name of files.listSync(`${directory}/chunks`)) {
    linkOrCopy(files, `${directory}/chunks/${name}`, `${target}/chunks/${name}`);
  }
  files.syncDirectorySync(`${target}/chunks`);
  files.syncDirectorySync(target);
}

function linkOrCopy(files: FileSystem, from: string, to: string): void {
  if (files.linkSync !== undefined) files.linkSync(from, to);
  else files.writeFileSync(to, files.readFileSync(from));
}
