// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { FileError } from '../base/index.ts';
import { type FileLister, glob } from './glob.ts';

const tree: Readonly<Record<string, readonly string[]>> = {
  '/sd': ['b.json', 'a.json', 'a.yml', '.hidden.json', 'x', 'c[1].json'],
  '/sd/x': ['a.json'],
  '.': ['here.yml'],
};
const lister: FileLister = {
  listSync: (path) => {
    const names = tree[path];
    if (!names) throw new FileError('ENOENT', path, 'none');
    return [...names];
  },
  existsSync: (path) =>
    Object.entries(tree).some(([folder, names]) =>
      names.some((name) => path === (folder === '.' ? name : `${folder}/${name}`)),
    ) || path in tree,
};

const finds = (pattern: string, expected: readonly string[]): void =>
  test(`finds ${pattern}`, () => expect(glob(lister, pattern)).toEqual(expected));

finds('/sd/a.json', ['/sd/a.json']);
finds('/sd/none.json', []);
finds('/sd/*.json', ['/sd/.hidden.json', '/sd/a.json', '/sd/b.json', '/sd/c[1].json']);
finds('/sd/?.json', ['/sd/a.json', '/sd/b.json']);
finds('/sd/[b-c].json', ['/sd/b.json']);
finds('/sd/c\\[1\\].json', ['/sd/c[1].json']);
finds('/*/a.yml', []);
finds('/sd/*/a.json', ['/sd/x/a.json']);
finds('*.yml', ['here.yml']);
finds('/none/*.json', []);
finds('/sd/[a.json', []);
