// SPDX-License-Identifier: Apache-2.0
// The structure of the source tree as rules over its text: layers, cycles, banned calls with their
// replacements, sizes. `test/structure.test.ts` runs it; function sizes are biome's part.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** Folder below src/ → its number: a folder imports only lower numbers. */
export const layers: Readonly<Record<string, number>> = {
  base: 0,
  kernels: 1,
  encoding: 2,
  model: 3,
  chunks: 4,
  exposition: 4,
  metrics: 4,
  apitypes: 4,
  storage: 5,
  promql: 6,
  tsdb: 6,
  discovery: 6,
  scrape: 7,
  notifier: 7,
  remote: 7,
  template: 7,
  rules: 8,
  alertmanager: 8,
  pushgateway: 8,
  'node-exporter': 8,
  config: 9,
  api: 10,
  commands: 10,
};

/** What `platform/` may import besides itself: contracts and the memory, never a component. */
const platformImports = ['base', 'kernels', 'encoding'];
/** What `ui/` may import from src/. */
const uiImports = ['apitypes', 'base', 'model', 'promql'];

const FILE_LINES_MAX = 900;
const LINE_COLUMNS_MAX = 100;

interface SourceFile {
  /** Path from the repository root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly isTest: boolean;
}

export interface Finding {
  readonly place: string;
  readonly rule: string;
}

function sourceFiles(root: string, folder: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.name === 'generated' || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) files.push(...sourceFiles(root, path));
    else if (/\.(ts|tsx|mjs)$/.test(entry.name)) {
      const text = readFileSync(join(root, path), 'utf8');
      const isTest = /\.(test|bench|fuzz)\.tsx?$/.test(path) || /^(test|bench)\//.test(path);
      files.push({ path, text, lines: text.split('\n'), isTest });
    }
  }
  return files;
}

/** Specifiers of all static, dynamic and re-exporting imports, with their line numbers (from 1). */
function importsOf(file: SourceFile): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = [];
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^'"`;()]*?from\s*['"]([^'"]+)['"]|import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;
  for (const match of file.text.matchAll(pattern)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    found.push({ specifier, line: file.text.slice(0, match.index).split('\n').length });
  }
  return found;
}

const resolveImport = (from: string, specifier: string): string =>
  normalize(join(dirname(from), specifier));

const folderOf = (path: string): string => path.split('/')[1] ?? '';

function checkLayers(file: SourceFile): Finding[] {
  if (!file.path.startsWith('src/') || file.isTest || file.path.includes('/assembly/')) return [];
  const findings: Finding[] = [];
  const own = folderOf(file.path);
  const report = (line: number, rule: string): void =>
    void findings.push({ place: `${file.path}:${line}`, rule });
  if (own !== 'platform' && own !== 'targets' && layers[own] === undefined)
    report(1, `folder src/${own} has no layer in tools/tidy.ts`);
  for (const { specifier, line } of importsOf(file)) {
    if (specifier.startsWith('node:') && own !== 'platform' && own !== 'targets') {
      report(line, `${specifier} belongs to platform/: take a contract of base/ as an argument`);
    }
    if (!specifier.startsWith('.')) continue;
    const target = resolveImport(file.path, specifier);
    const other = folderOf(target);
    if (!target.startsWith('src/')) report(line, `src/ does not import ${target}`);
    if (other === own) continue;
    if (other === 'targets' || (other === 'platform' && own !== 'targets'))
      report(line, `${own}/ does not import ${other}/`);
    else if (own === 'platform' && !platformImports.includes(other))
      report(line, `platform/ does not import ${other}/`);
    else if (own in layers && other in layers && layers[other]! >= layers[own]!) {
      report(
        line,
        `layer ${layers[own]} (${own}/) does not import layer ${layers[other]} (${other}/)`,
      );
    }
    const generated = target.startsWith('src/kernels/generated/');
    if (!generated && target !== `src/${other}/index.ts`)
      report(line, `import ${other}/index.ts, not ${target}`);
  }
  return findings;
}

function checkUiImports(file: SourceFile): Finding[] {
  if (!file.path.startsWith('ui/') || file.isTest) return [];
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({ target: resolveImport(file.path, specifier), line }))
    .filter(
      ({ target }) =>
        !target.startsWith('ui/') &&
        !(target.startsWith('src/') && uiImports.includes(folderOf(target))),
    )
    .map(({ target, line }) => ({
      place: `${file.path}:${line}`,
      rule: `ui/ does not import ${target}`,
    }));
}

/** Import cycles between files, type-only imports included. Each is reported once. */
function checkCycles(files: readonly SourceFile[]): Finding[] {
  const edges = new Map<string, string[]>();
  for (const file of files) {
    if (file.isTest || !/^(src|ui)\//.test(file.path) || file.path.includes('/assembly/')) continue;
    const targets = importsOf(file).filter(({ specifier }) => specifier.startsWith('.'));
    edges.set(
      file.path,
      targets.map(({ specifier }) => resolveImport(file.path, specifier)),
    );
  }
  const state = new Map<string, 'open' | 'done'>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done' || !edges.has(path)) return;
    if (state.get(path) === 'open') {
      const cycle = [...trail.slice(trail.indexOf(path)), path];
      findings.push({ place: path, rule: `import cycle: ${cycle.join(' → ')}` });
      return;
    }
    state.set(path, 'open');
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of edges.keys()) visit(path, []);
  return findings;
}

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly except?: RegExp;
}

const bans: readonly Ban[] = [
  { pattern: /\bDate\.now\(/, instead: 'clock.now()' },
  { pattern: /\bnew Date\(\)/, instead: 'clock.now()' },
  { pattern: /\bperformance\.now\(/, instead: 'clock.monotonicMs()' },
  { pattern: /\bMath\.random\(/, instead: 'a Prng' },
  { pattern: /\b(setTimeout|setInterval|setImmediate)\(/, instead: 'clock.setTimer()' },
  { pattern: /\bconsole\.\w/, instead: 'a Logger' },
  { pattern: /\bparseInt\(|\bparseFloat\(/, instead: 'a strict parser' },
  {
    pattern: /\.push\(\.\.\./,
    instead: 'a loop or concat: spreading a big array overflows the stack',
    except: /tidy/,
  },
  { pattern: /\bas any\b|:\s*any\b/, instead: 'a type, or unknown and a check' },
  { pattern: /^\s*(export )?(const )?enum /, instead: 'an `as const` object with a union type' },
  { pattern: /^(export )?let /, instead: 'state in an object that somebody owns' },
  { pattern: /\bBigInt\(|\b\d+n\b/, instead: 'two 32-bit halves' },
  { pattern: /@ts-(ignore|nocheck|expect-error)/, instead: 'a fix' },
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, instead: 'the thing itself, or an issue' },
];

/** Code only: comments and the insides of one-line strings are blanked, so that bans do not read prose. */
function codeOf(line: string): string {
  if (/^\s*(\*|\/\*|\/\/)/.test(line)) return '';
  return line
    .replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''")
    .replace(/\/\/.*$/, '');
}

function checkBans(file: SourceFile): Finding[] {
  if (!file.path.startsWith('src/') || file.isTest || file.path.includes('/assembly/')) return [];
  if (/^src\/(platform|targets)\//.test(file.path)) return [];
  const findings: Finding[] = [];
  file.lines.forEach((line, i) => {
    const code = codeOf(line);
    for (const ban of bans) {
      if (ban.pattern.test(code))
        findings.push({
          place: `${file.path}:${i + 1}`,
          rule: `instead of ${ban.pattern.source} use ${ban.instead}`,
        });
    }
  });
  return findings;
}

/** Names that say nothing about what is inside. */
const emptyNames = /(^|\/)(utils?|helpers?|common|misc|manager)(\.tsx?|\/)/;
/** Absolute paths and names that only exist on one machine. */
const machineNames = /\/work\/(main|shared|\.library)|farm-(bench|studio)/;

function checkForm(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const report = (line: number, rule: string): void =>
    void findings.push({ place: `${file.path}:${line}`, rule });
  const first = file.lines[0]?.startsWith('#!') ? file.lines[1] : file.lines[0];
  if (!first?.includes('SPDX-License-Identifier: Apache-2.0'))
    report(1, 'no SPDX-License-Identifier line');
  if (file.lines.length > FILE_LINES_MAX && !file.isTest)
    report(FILE_LINES_MAX, `longer than ${FILE_LINES_MAX} lines: split it at a seam`);
  if (emptyNames.test(file.path))
    report(1, 'name the thing: not utils, helpers, common, misc or manager');
  file.lines.forEach((line, i) => {
    // The formatter breaks what can be broken; what is left are texts and patterns.
    const breakable = /^\s*(\/\/|\*|\/\*\*)/.test(line) && !/https?:/.test(line);
    if (breakable && line.length > LINE_COLUMNS_MAX + 10)
      report(i + 1, `comment longer than ${LINE_COLUMNS_MAX} columns`);
    if (machineNames.test(line) && !file.path.startsWith('tools/tidy'))
      report(i + 1, 'names a path or a tool of one machine');
  });
  return findings;
}

/** All findings over the repository at `root`, sorted by place. */
export function tidy(root: string): Finding[] {
  const files = ['src', 'ui', 'test', 'bench', 'tools'].flatMap((folder) =>
    sourceFiles(root, folder),
  );
  const findings = files.flatMap((file) => [
    ...checkLayers(file),
    ...checkUiImports(file),
    ...checkBans(file),
    ...checkForm(file),
  ]);
  return [...findings, ...checkCycles(files)].sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** The repository root, from this file's place. */
export const repositoryRoot = relative('.', join(import.meta.dirname, '..')) || '.';
