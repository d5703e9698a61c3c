// SPDX-License-Identifier: Apache-2.0
// Compiles each src/kernels/assembly/<name>.ts to src/kernels/generated/<name>.ts (WebAssembly as base64
// text). Kernels run on a memory that all threads share, so they may carry no data of their own: a module
// with a data section is refused here.

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const sourceDir = join(root, 'src/kernels/assembly');
const targetDir = join(root, 'src/kernels/generated');

/** Kernels with a memory of their own, which V8 copies in one go; shared memory it copies word by word. */
const privateMemory = new Set(['float']);

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Names of the kernels whose output is missing or older than their sources. */
export function staleKernels() {
  const lib = join(sourceDir, 'lib');
  const newestLib = Math.max(0, ...readdirSync(lib).map((f) => modified(join(lib, f))));
  return readdirSync(sourceDir)
    .filter((f) => f.endsWith('.ts'))
    .map((f) => f.slice(0, -3))
    .filter((name) => {
      const out = modified(join(targetDir, `${name}.ts`));
      return out < modified(join(sourceDir, `${name}.ts`)) || out < newestLib;
    });
}

function hasDataSection(bytes) {
  let i = 8;
  while (i < bytes.length) {
    const id = bytes[i++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[i++];
      size |= (b & 127) << shift;
      if (b < 128) break;
    }
    if (id === 11) return true;
    i += size;
  }
  return false;
}

/** Compiles the named kernels. Throws with the compiler's text when one does not compile. */
export async function buildKernels(names = staleKernels()) {
  if (names.length === 0) return;
  const asc = await import('assemblyscript/asc');
  mkdirSync(targetDir, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'hearth-kernels-'));
  try {
    for (const name of names) {
      const out = join(work, `${name}.wasm`);
      const { error, stderr } = await asc.main([
        `src/kernels/assembly/${name}.ts`,
        '--baseDir',
        root,
        '--outFile',
        out,
        '-O3',
        '--converge',
        '--noAssert',
        '--runtime',
        'stub',
        '--enable',
        'threads',
        '--enable',
        'simd',
        '--importMemory',
        '--initialMemory',
        '1',
        '--maximumMemory',
        '65536',
        ...(privateMemory.has(name) ? [] : ['--sharedMemory']),
      ]);
      if (error)
        throw new Error(`cannot compile kernel ${name}: ${error.message}\n${stderr.toString()}`);
      const bytes = readFileSync(out);
      if (hasDataSection(bytes))
        throw new Error(`kernel ${name} has static data: put tables into the shared memory`);
      const header =
        '// SPDX-License-Identifier: Apache-2.0\n// Generated from assembly/ by tools/build-kernels.mjs; do not edit.\n';
      const target = join(targetDir, `${name}.ts`);
      writeFileSync(
        `${target}.tmp`,
        `${header}export const wasm =\n  '${bytes.toString('base64')}';\n`,
      );
      const { renameSync } = await import('node:fs');
      renameSync(`${target}.tmp`, target);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  await buildKernels(process.argv.length > 2 ? process.argv.slice(2) : staleKernels());
