// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot, tidy } from '../tools/tidy.ts';

test('the tree keeps its structure', () => {
  expect(tidy(repositoryRoot).map(({ place, rule }) => `${place}: ${rule}`)).toEqual([]);
});

const SPDX = '// SPDX-License-Identifier: Apache-2.0\n';

/** The rules that a tree of these files breaks. */
function findingsFor(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'hearth-tidy-'));
  try {
    for (const folder of ['src', 'ui', 'test', 'bench', 'tools']) mkdirSync(join(root, folder));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), SPDX + text);
    }
    return tidy(root).map(({ place, rule }) => `${place}: ${rule}`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const finds = (name: string, files: Record<string, string>, expected: RegExp): void =>
  test(`finds ${name}`, () => {
    const findings = findingsFor(files);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(expected);
  });

test('finds nothing in a good tree', () => {
  expect(findingsFor({ 'src/model/index.ts': "export * from '../base/index.ts';\n" })).toEqual([]);
});
finds(
  'an import of a higher layer',
  { 'src/model/a.ts': "import { x } from '../tsdb/index.ts';\n" },
  /layer 3 .* does not import layer 6/,
);
finds(
  'an import of a sibling layer',
  { 'src/promql/a.ts': "import type { x } from '../tsdb/index.ts';\n" },
  /layer 6/,
);
finds(
  'an import past the door',
  { 'src/tsdb/a.ts': "import { x } from '../model/labels.ts';\n" },
  /import model\/index\.ts/,
);
finds(
  'node outside of platform',
  { 'src/tsdb/a.ts': "import { x } from 'node:fs';\n" },
  /node:fs belongs to platform/,
);
finds(
  'a cycle',
  {
    'src/model/a.ts': "import './b.ts';\n",
    'src/model/b.ts': "import type { A } from './a.ts';\n",
  },
  /import cycle/,
);
finds(
  'a banned call',
  { 'src/model/a.ts': 'export const f = () => Date.now();\n' },
  /use clock\.now/,
);
finds(
  'module state',
  { 'src/model/a.ts': 'let count = 0;\nexport const f = () => count;\n' },
  /state in an object/,
);
finds('a long file', { 'src/model/a.ts': 'export {};\n'.repeat(901) }, /longer than 900 lines/);
finds('an empty name', { 'src/model/utils.ts': '' }, /name the thing/);
finds(
  'the UI in the engine room',
  { 'ui/a.ts': "import { x } from '../src/tsdb/index.ts';\n" },
  /ui\/ does not import/,
);
