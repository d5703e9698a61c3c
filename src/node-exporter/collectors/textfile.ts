// SPDX-License-Identifier: Apache-2.0
// textfile: metrics that other programs left in *.prom files. One bad file costs itself only.

import { FileError } from '../../base/index.ts';
import { ExpositionError } from '../../exposition/index.ts';
import type { Metric } from '../../metrics/index.ts';
import { compareText } from '../../model/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { SourceError } from '../text.ts';
import type { ParsedFamily } from '../text-families.ts';
import { parseTextFamilies } from '../text-families.ts';

const mtime = gauge(
  'node_textfile_mtime_seconds',
  'Unixtime mtime of textfiles successfully read.',
  'file',
);
const scrapeError = gauge(
  'node_textfile_scrape_error',
  '1 if there was an error opening or reading a file, 0 otherwise',
);

/** A family as it stands in one file. */
interface FileFamily {
  readonly path: string;
  readonly family: ParsedFamily;
}

/** Directories that a pattern names: `*` and `?` match within one path element. */
function expandDirectories(context: CollectorContext, pattern: string): string[] {
  // Without doubled or trailing slashes: paths are labels and part of help texts.
  if (!/[*?[]/.test(pattern)) return [pattern.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')];
  let found = [pattern.startsWith('/') ? '/' : '.'];
  for (const element of pattern.split('/').filter((part) => part !== '')) {
    const isGlob = /[*?[]/.test(element);
    const next: string[] = [];
    for (const directory of found) {
      const names = isGlob ? matchingNames(context, directory, element) : [element];
      for (const name of names) next.push(directory === '/' ? `/${name}` : `${directory}/${name}`);
    }
    found = next;
  }
  return found.filter((path) => context.files.existsSync(path)).sort(compareText);
}

function matchingNames(context: CollectorContext, directory: string, glob: string): string[] {
  const source = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const pattern = new RegExp(`^${source}$`);
  try {
    return context.files.listSync(directory).filter((name) => pattern.test(name));
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

/** Reads one file into `families`; the time it was written, or undefined when it is unusable. */
function readFile(
  context: CollectorContext,
  path: string,
  families: FileFamily[],
): number | undefined {
  try {
    const parsed = parseTextFamilies(context.files.readFileSync(path));
    const { modifiedMs } = context.files.statSync(path);
    for (const family of parsed) families.push({ path, family });
    return Math.floor(modifiedMs / 1000);
  } catch (error) {
    if (
      !(
        error instanceof FileError ||
        error instanceof ExpositionError ||
        error instanceof SourceError
      )
    ) {
      throw error;
    }
    context.logger.error('failed to collect textfile data', { file: path, err: error });
    return undefined;
  }
}

/** Gives every metric of a family the same label names: missing ones are empty. */
function paddedMetrics(families: readonly FileFamily[]): Metric[] {
  const names = new Set<string>();
  for (const { family } of families) {
    for (const metric of family.metrics) for (const name of metric.labels.keys()) names.add(name);
  }
  const sorted = [...names].sort(compareText);
  return families.flatMap(({ family }) =>
    family.metrics.map((metric) => ({
      labels: sorted.flatMap((name) => [name, metric.labels.get(name) ?? '']),
      value: metric.value,
      ...(metric.distribution === undefined ? {} : { distribution: metric.distribution }),
    })),
  );
}

/**
 * Merges what the files say of one family: an absent help takes that of another file, a different one
 * loses its file's family. @returns whether all could be taken
 */
function emitFamily(
  context: CollectorContext,
  sink: MetricSink,
  name: string,
  parts: FileFamily[],
): boolean {
  const help = parts.find(({ family }) => (family.help ?? '') !== '')?.family.help;
  const type = parts[0]!.family.type;
  const kept = parts.filter(({ family, path }) => {
    const fits = family.type === type && ((family.help ?? '') === '' || family.help === help);
    if (!fits) {
      context.logger.error('inconsistent metric help text or type', { metric: name, file: path });
    }
    return fits;
  });
  const paths = kept.map(({ path }) => path).join(', ');
  sink.family({
    name,
    type,
    help: help ?? `Metric read from ${paths}`,
    metrics: paddedMetrics(kept),
  });
  return kept.length === parts.length;
}

/** The `.prom` files of one directory; undefined when it cannot be read. */
function promFiles(context: CollectorContext, directory: string): string[] | undefined {
  try {
    const names = context.files.listSync(directory).filter((name) => name.endsWith('.prom'));
    return names.sort(compareText).map((name) => `${directory}/${name}`);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    context.logger.error('failed to read textfile collector directory', {
      path: directory,
      err: error,
    });
    return undefined;
  }
}

export function textfile(context: CollectorContext): Collector {
  return (sink) => {
    let failed = false;
    const families: FileFamily[] = [];
    for (const pattern of context.options.textfileDirectories.filter((path) => path !== '')) {
      for (const directory of expandDirectories(context, pattern)) {
        const paths = promFiles(context, directory);
        failed ||= paths === undefined;
        for (const path of paths ?? []) {
          const seconds = readFile(context, path, families);
          failed ||= seconds === undefined;
          if (seconds === undefined) continue;
          sink.add(mtime, seconds, path);
        }
      }
    }
    const byName = new Map<string, FileFamily[]>();
    for (const entry of families) {
      const known = byName.get(entry.family.name);
      if (known === undefined) byName.set(entry.family.name, [entry]);
      else known.push(entry);
    }
    for (const [name, parts] of byName) if (!emitFamily(context, sink, name, parts)) failed = true;
    sink.add(scrapeError, failed ? 1 : 0);
  };
}
