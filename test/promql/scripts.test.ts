// SPDX-License-Identifier: Apache-2.0
// Upstream's scripts against our engine, through every storage we have. A case is a line of a file.
//
// A case that fails and isn't in not-yet.json fails the test; so does one that is and passes. The list can
// only get shorter: HEARTH_SCRIPTS_UPDATE=1 takes out what passes now.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  Engine,
  type EngineOptions,
  evaluateCommand,
  parseScript,
} from '../../src/promql/index.ts';
import { conformanceFolder } from '../conformance.ts';
import { forcedSplit } from './forced-split.ts';
import { openHead, openMemory, type OpenStorage, type ScriptStorage } from './storages.ts';

const folder = conformanceFolder('promql');
const files = folder === undefined ? [] : readdirSync(folder).filter((f) => f.endsWith('.test'));
const listPath = join(import.meta.dirname, 'not-yet.json');
/** `storage/file:line` of the cases that fail. */
const notYet = new Set(JSON.parse(readFileSync(listPath, 'utf8')) as string[]);
const update = process.env.HEARTH_SCRIPTS_UPDATE;

const options: EngineOptions = {
  lookbackDeltaMs: 300_000,
  maxSamples: 10_000,
  defaultStepMs: 60_000,
  features: {
    experimentalFunctions: true,
    delayedNameRemoval: true,
    durationExpressions: true,
    extendedRangeSelectors: true,
    binopFillModifiers: true,
    useStartTimestamps: true,
  },
};
const plainEngine = new Engine(options);

/** Every leaf split between three. */
function splitEngine({ others }: ScriptStorage): Engine {
  const { fanOut } = forcedSplit(others, options.features ?? {}, options.maxSamples);
  return new Engine({ ...options, fanOut });
}

/** Columns where the kernel works on them. */
function kernelEngine({ memory }: ScriptStorage): Engine {
  return new Engine({ ...options, ...(memory === undefined ? {} : { memory }) });
}

interface Way {
  readonly open: OpenStorage;
  readonly engine: (storage: ScriptStorage) => Engine;
}

/** A case must pass in each of these ways. */
const ways: Readonly<Record<string, Way>> = {
  memory: { open: openMemory, engine: () => plainEngine },
  head: { open: openHead, engine: () => plainEngine },
  'head, kernel': { open: openHead, engine: kernelEngine },
  'memory, split': { open: openMemory, engine: splitEngine },
  'head, split': { open: openHead, engine: splitEngine },
};

interface Counts {
  passed: number;
  total: number;
  readonly failures: Map<string, string>;
}

/** Runs one file and tells which of its cases fail, and how. */
function run(name: string, file: string, { open, engine: engineOf }: Way): Counts {
  const counts: Counts = { passed: 0, total: 0, failures: new Map() };
  let storage = open();
  let engine = engineOf(storage);
  let broken: string | undefined;
  for (const command of parseScript(readFileSync(join(folder ?? '', file), 'utf8'))) {
    if (command.kind === 'clear') {
      storage = open();
      engine = engineOf(storage);
      broken = undefined;
      continue;
    }
    if (command.kind === 'load') {
      try {
        storage.load(command);
      } catch (error) {
        broken ??= `load of line ${command.line}: ${String(error)}`;
      }
      continue;
    }
    counts.total++;
    const problem = broken ?? attempt(() => evaluateCommand(engine, storage.queryable, command));
    if (problem === undefined) counts.passed++;
    else counts.failures.set(`${name}/${file}:${command.line}`, `${command.query}\n    ${problem}`);
  }
  return counts;
}

/** What is thrown is our bug, and here one failure among others. */
function attempt(evaluate: () => string | undefined): string | undefined {
  try {
    return evaluate();
  } catch (error) {
    return `BUG: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

describe.skipIf(folder === undefined)('upstream scripts', () => {
  const nowFailing = new Set<string>();
  let report = '';
  let ran = 0;

  for (const [name, way] of Object.entries(ways)) {
    for (const file of files) {
      test(`${name}: ${file}`, () => {
        const { passed, total, failures } = run(name, file, way);
        ran++;
        report += `${name} ${file}: ${passed} of ${total}\n`;
        for (const id of failures.keys()) nowFailing.add(id);
        const prefix = `${name}/${file}:`;
        const listed = [...notYet].filter((id) => id.startsWith(prefix));
        const shown = process.env.HEARTH_SCRIPTS_SHOW ?? '';
        const unexpected = [...failures].filter(([id]) => !notYet.has(id) || shown === file);
        if (update === undefined) {
          expect(unexpected.map(([id, problem]) => `${id} ${problem}`)).toEqual([]);
          expect(listed.filter((id) => !failures.has(id))).toEqual([]);
        }
      });
    }
  }

  test('all files', () => {
    process.stdout.write(report);
    expect(ran).toBe(files.length * Object.keys(ways).length);
    if (update === undefined) return;
    // 'all' makes the list anew; anything else only takes out what passes.
    const kept =
      update === 'all' ? nowFailing : new Set([...notYet].filter((id) => nowFailing.has(id)));
    const order = new Intl.Collator('en', { numeric: true });
    const sorted = [...kept].sort((a, b) => order.compare(a, b));
    writeFileSync(listPath, `${JSON.stringify(sorted, undefined, 2)}\n`);
  });
});
