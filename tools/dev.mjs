// SPDX-License-Identifier: Apache-2.0
// The one door to a clone: installs when needed, builds what is stale, then starts, tests or measures.
//
//   node tools/dev.mjs start [args]   everything in one process (npm start)
//   node tools/dev.mjs run TARGET …   any target (./hearth TARGET …)
//   node tools/dev.mjs test [filter]  the whole suite (npm test)
//   node tools/dev.mjs check          structure, types, lint only
//   node tools/dev.mjs build          compile everything that is stale
//   node tools/dev.mjs bench NAME …   workloads against the real programs
//
// Plain JavaScript: it runs before anything is installed or compiled, on the oldest Node we support.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Newest modification time below `directory` (files only; deleted files show in their directory's time). */
function newest(directory, skip = () => false) {
  let latest = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name === 'node_modules' || skip(path)) continue;
    if (entry.isDirectory()) latest = Math.max(latest, modified(path), newest(path, skip));
    else latest = Math.max(latest, modified(path));
  }
  return latest;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function step(name, command, args, { quiet = false } = {}) {
  if (!quiet) process.stderr.write(`• ${name}\n`);
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error) fail(`${name}: ${done.error.message}`);
  return done.status ?? 1;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Hearth needs Node.js 20.19 or newer; this is ${process.versions.node}`);
  }
}

/** Times say little here (a checkout sets them as it likes), so what was installed is kept by its hash. */
function install() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  if (step('installing packages', 'npm', ['ci', '--no-progress', '--loglevel=error']) !== 0) {
    fail('npm ci failed: see above');
  }
  writeFileSync(stamp, wanted);
}

async function buildKernels() {
  const kernels = await import('./build-kernels.mjs');
  const stale = kernels.staleKernels();
  if (stale.length === 0) return;
  process.stderr.write(`• compiling kernels: ${stale.join(', ')}\n`);
  await kernels.buildKernels(stale);
}

const notShipped = (path) => /\.(test|bench|fuzz)\.tsx?$/.test(path) || path.endsWith('assembly');

/**
 * One file with what the node exporter needs of all folders: half of what it would load otherwise is of no
 * use to it, and it is to be small. What is loaded on demand (web configuration, profiles) stays outside.
 */
async function bundleNodeExporter() {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['dist/targets/node-exporter.js'],
    outfile: nodeExporterBundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    external: ['./web-config.js', './profiling.js'],
    logLevel: 'warning',
  });
}

const nodeExporterBundle = 'dist/targets/node-exporter-bundle.js';

async function build() {
  await buildKernels();
  const source = newest(join(root, 'src'), notShipped);
  if (
    modified(join(root, 'dist/.tsbuildinfo')) <
    Math.max(source, modified(join(root, 'tsconfig.build.json')))
  ) {
    if (step('compiling', bin('tsc'), ['-p', 'tsconfig.build.json']) !== 0) {
      // tsc writes it after errors too; the next start must not take that for a finished build.
      rmSync(join(root, 'dist/.tsbuildinfo'), { force: true });
      fail('compilation failed');
    }
    touch(join(root, 'dist/.tsbuildinfo'));
  }
  if (modified(join(root, nodeExporterBundle)) < modified(join(root, 'dist/.tsbuildinfo'))) {
    await bundleNodeExporter();
  }
  const built = ['prometheus', 'alertmanager', 'pushgateway'].map((name) =>
    modified(join(root, `dist/ui/${name}/index.html`)),
  );
  const shared = ['apitypes', 'model', 'promql', 'base'].map((folder) =>
    newest(join(root, 'src', folder), notShipped),
  );
  if (Math.min(...built) < Math.max(newest(join(root, 'ui'), notShipped), ...shared)) {
    if (
      step('building the pages', bin('vite'), [
        'build',
        '--config',
        'ui/vite.config.ts',
        '--logLevel',
        'warn',
      ]) !== 0
    ) {
      fail('the pages did not build');
    }
  }
}

/** tsc leaves the file untouched when nothing it emits changed; staleness goes by its time. */
function touch(path) {
  const now = new Date();
  utimesSync(path, now, now);
}

async function run(args) {
  const entry = join(root, 'dist/targets/cli.js');
  process.argv = [process.argv[0], entry, ...args];
  await import(pathToFileURL(entry).href);
}

function check() {
  let failed = 0;
  for (const project of ['core', 'node', 'ui']) {
    failed += step(`types: ${project}`, bin('tsc'), ['-p', `tsconfig.${project}.json`]);
  }
  failed += step('lint and format', bin('biome'), ['check', '--error-on-warnings']);
  return failed;
}

function test(args) {
  const whole = args.length === 0;
  const failed = whole ? check() : 0;
  const reporters = ['--reporter=default', '--reporter=./tools/summary-reporter.mjs'];
  const tests = step('tests', bin('vitest'), ['run', ...reporters, ...args]);
  if (failed > 0) process.stderr.write('types, lint or format failed: see above\n');
  process.exit(failed + tests > 0 ? 1 : 0);
}

async function bench(args) {
  const esbuild = await import('esbuild');
  mkdirSync(join(root, '.cache'), { recursive: true });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['bench/main.ts'],
    outfile: '.cache/bench.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const done = spawnSync(process.execPath, [join(root, '.cache/bench.mjs'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exit(done.status ?? 1);
}

const [command, ...args] = process.argv.slice(2);
checkNode();
install();
if (command === 'check') process.exit(check() > 0 ? 1 : 0);
await build();
if (command === 'start') await run(args);
else if (command === 'run') await run(args);
else if (command === 'test') test(args);
else if (command === 'bench') await bench(args);
else if (command !== 'build')
  fail(`unknown command ${command}: start, run, test, check, build or bench`);
