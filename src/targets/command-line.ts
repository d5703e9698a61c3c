// SPDX-License-Identifier: Apache-2.0
// What all targets do with their command line before they start.

import type { Logger } from '../base/index.ts';
import type { LogFormat, LogLevel } from '../platform/index.ts';
import { createLogger, ListenError, logFormats, logLevels } from '../platform/index.ts';
import type { ProgramName } from './build-info.ts';
import { versionText } from './build-info.ts';
import type { FlagDefinition, FlagValues } from './flags.ts';
import { helpText, parseFlags, UsageError } from './flags.ts';

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
export const EXIT_WRONG_MODE = 3;

/** Reads the flags; help, version and mistakes are answered here and give the exit code instead. */
export function readFlags(
  program: ProgramName,
  summary: string,
  definitions: readonly FlagDefinition[],
  args: readonly string[],
): FlagValues | number {
  try {
    const parsed = parseFlags(definitions, args);
    if (parsed.kind === 'values') return parsed.values;
    const text =
      parsed.kind === 'help' ? helpText(program, summary, definitions) : versionText(program);
    process.stdout.write(text);
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const usage = helpText(program, summary, definitions);
    process.stderr.write(`Error parsing command line arguments: ${error.message}\n${usage}`);
    return EXIT_USAGE;
  }
}

/** A logger as --log.level and --log.format say. */
export function loggerFor(values: FlagValues): Logger {
  const level = logLevels.find((name) => name === values.text('log.level')) as LogLevel;
  const format = logFormats.find((name) => name === values.text('log.format')) as LogFormat;
  return createLogger({ level, format });
}

/** Says once, for each flag given in vain, that it does nothing yet. */
export function warnUnsupported(
  definitions: readonly FlagDefinition[],
  values: FlagValues,
  logger: Logger,
): void {
  for (const flag of definitions) {
    const asked = values.given.has(flag.name) && values.text(flag.name) !== (flag.byDefault ?? '');
    if (flag.unsupported === true && asked) {
      logger.warn('This flag is not supported yet and has no effect', { flag: `--${flag.name}` });
    }
  }
}

/** Says why a target did not start. @returns its exit code */
export function cannotStart(error: unknown, logger: Logger): number {
  // A port that is taken is told in one line.
  if (error instanceof ListenError) logger.error(error.message);
  else logger.error('Cannot start', { err: error as Error });
  return EXIT_FAILURE;
}
