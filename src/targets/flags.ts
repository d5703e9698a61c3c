// SPDX-License-Identifier: Apache-2.0
// Command lines as the field's programs take them (Go's kingpin): `--flag=value`, `--flag value`,
// `--flag` and `--no-flag` for switches, repeated flags for lists, help and version.

import { readFileSync } from 'node:fs';

export type FlagKind = 'switch' | 'text' | 'list' | 'number' | 'choice' | 'parsed';

/** One flag. `name` is without dashes. */
export interface FlagDefinition {
  readonly name: string;
  readonly kind: FlagKind;
  readonly help: string;
  /** The value when the flag is not given, as it would be written; undefined: none. */
  readonly byDefault?: string;
  /** Accepted, but not shown by --help. */
  readonly hidden?: boolean;
  /** Of kind `choice`. */
  readonly choices?: readonly string[];
  /** Of kind `parsed`: returns the normal form, or throws with the reason. */
  readonly normalize?: (text: string) => string;
  /** Shown for the value in --help when there is no default. */
  readonly placeholder?: string;
  /** Accepted so that command lines keep working, without effect as yet. */
  readonly unsupported?: boolean;
}

/** What is wrong with a command line; shown with the usage, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The values of one command line. */
export class FlagValues {
  private readonly values: ReadonlyMap<string, readonly string[]>;
  /** Names of the flags that were really given. */
  readonly given: ReadonlySet<string>;

  constructor(values: ReadonlyMap<string, readonly string[]>, given: ReadonlySet<string>) {
    this.values = values;
    this.given = given;
  }

  /** The value, or '' when there is neither one nor a default. */
  text(name: string): string {
    return this.values.get(name)?.at(-1) ?? '';
  }

  list(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  /** All values by name, for /status/flags. */
  all(): Record<string, string> {
    const all: Record<string, string> = {};
    for (const [name, values] of this.values) all[name] = values.join(',');
    return all;
  }
}

export type ParsedFlags =
  | { readonly kind: 'values'; readonly values: FlagValues }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

function checked(flag: FlagDefinition, text: string): string {
  switch (flag.kind) {
    case 'choice':
      if (flag.choices?.includes(text) === true) return text;
      throw new UsageError(
        `enum value must be one of ${flag.choices?.join(',') ?? ''}, got '${text}'`,
      );
    case 'number':
      if (/^[+-]?\d{1,15}$/.test(text)) return String(Number(text));
      throw new UsageError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
    case 'parsed':
      try {
        return flag.normalize === undefined ? text : flag.normalize(text);
      } catch (error) {
        throw new UsageError(error instanceof Error ? error.message : String(error));
      }
    default:
      return text;
  }
}

/** `@file` arguments stand for the lines of the file. */
function expandFiles(args: readonly string[]): string[] {
  return args.flatMap((arg) => {
    if (!arg.startsWith('@') || arg === '@') return [arg];
    try {
      return readFileSync(arg.slice(1), 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  });
}

/**
 * Parses what follows the target's name.
 * @throws UsageError
 */
export function parseFlags(
  definitions: readonly FlagDefinition[],
  commandLine: readonly string[],
): ParsedFlags {
  const byName = new Map(definitions.map((flag) => [flag.name, flag]));
  const found = new Map<string, string[]>();
  const args = expandFiles(commandLine);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '-h' || /^--help(-long|-man)?$/.test(arg)) return { kind: 'help' };
    if (arg === '--version') return { kind: 'version' };
    if (!arg.startsWith('-') || arg === '-' || arg === '--') {
      throw new UsageError(`unexpected ${arg}`);
    }
    if (!arg.startsWith('--')) throw new UsageError(`unknown short flag '${arg}'`);
    const equals = arg.indexOf('=');
    const written = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const negated = !byName.has(written) && written.startsWith('no-');
    const flag = byName.get(negated ? written.slice(3) : written);
    if (flag === undefined || (negated && flag.kind !== 'switch')) {
      throw new UsageError(`unknown long flag '--${written}'`);
    }
    const earlier = found.get(flag.name);
    if (earlier !== undefined && flag.kind !== 'list') {
      throw new UsageError(`flag '${flag.name}' cannot be repeated`);
    }
    if (flag.kind === 'switch') {
      if (equals >= 0) throw new UsageError(`unexpected ${arg.slice(equals + 1)}`);
      found.set(flag.name, [String(!negated)]);
      continue;
    }
    let text = arg.slice(equals + 1);
    if (equals < 0) {
      const next = args[++i];
      if (next === undefined || (next.startsWith('-') && next.length > 1)) {
        throw new UsageError(`expected argument for flag '--${flag.name}'`);
      }
      text = next;
    }
    found.set(flag.name, [...(earlier ?? []), checked(flag, text)]);
  }
  return { kind: 'values', values: withDefaults(definitions, found) };
}

function withDefaults(
  definitions: readonly FlagDefinition[],
  found: ReadonlyMap<string, readonly string[]>,
): FlagValues {
  const values = new Map<string, readonly string[]>();
  for (const flag of definitions) {
    const byDefault = flag.byDefault ?? (flag.kind === 'switch' ? 'false' : undefined);
    const value = found.get(flag.name) ?? (byDefault === undefined ? [] : [byDefault]);
    // Flags without a value show as empty, as upstream's do.
    values.set(flag.name, value.length === 0 && flag.kind !== 'list' ? [''] : value);
  }
  return new FlagValues(values, new Set(found.keys()));
}

const HELP_COLUMNS = 80;
const HELP_INDENT = 33;

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

function flagUsage(flag: FlagDefinition): string {
  if (flag.kind === 'switch') return `--[no-]${flag.name}`;
  const value =
    flag.byDefault !== undefined && flag.kind !== 'number' && flag.kind !== 'parsed'
      ? flag.kind === 'choice'
        ? flag.byDefault
        : JSON.stringify(flag.byDefault)
      : (flag.byDefault ?? flag.placeholder ?? flag.name.toUpperCase());
  return `--${flag.name}=${value}${flag.kind === 'list' ? ' ...' : ''}`;
}

/** The help text, in kingpin's two columns. */
export function helpText(
  program: string,
  summary: string,
  definitions: readonly FlagDefinition[],
): string {
  const rows: [string, string][] = [
    ['  -h, --[no-]help', 'Show context-sensitive help (also try --help-long and --help-man).'],
    ['      --[no-]version', 'Show application version.'],
  ];
  for (const flag of definitions) {
    if (flag.hidden !== true) rows.push([`      ${flagUsage(flag)}`, flag.help]);
  }
  let text = `usage: ${program} [<flags>]\n\n${summary}\n\n\nFlags:\n`;
  for (const [left, help] of rows) {
    const lines = wrapped(help, HELP_COLUMNS - HELP_INDENT);
    const fits = left.length + 2 <= HELP_INDENT;
    text += fits ? `${left.padEnd(HELP_INDENT)}${lines.shift() ?? ''}\n` : `${left}  \n`;
    for (const line of lines) text += `${' '.repeat(HELP_INDENT)}${line}\n`;
  }
  return text;
}
