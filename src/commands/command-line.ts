// SPDX-License-Identifier: Apache-2.0
// Command lines with subcommands, as Go's kingpin reads them.

import type { Command, CommandArgument, CommandFlag } from './command.ts';
import { CommandValues } from './command.ts';
import { completionScript, completions } from './completion.ts';
import { commandHelp, overview } from './help.ts';

export type ParsedCommand =
  | { readonly kind: 'command'; readonly command: Command; readonly values: CommandValues }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  /** What is wrong; exit code 1. */
  | { readonly kind: 'error'; readonly message: string };

/** Flags of all commands that begin with some words; they may stand between the words too. */
export interface CommandGroup {
  readonly words: readonly string[];
  readonly flags: readonly CommandFlag[];
}

/** A program with its commands. */
export interface Program {
  readonly name: string;
  readonly help: string;
  readonly commands: readonly Command[];
  /** Flags that every command takes. */
  readonly flags: readonly CommandFlag[];
  readonly groups?: readonly CommandGroup[];
  /** Errors carry the program's name, and an empty line follows instead of a hint at --help. */
  readonly prefixesErrors?: boolean;
}

class UsageError extends Error {}

/** The commands whose words begin with `words`. */
const below = (program: Program, words: readonly string[]): readonly Command[] =>
  program.commands.filter((command) => words.every((word, i) => command.words[i] === word));

const groupFlags = ({ groups }: Program, words: readonly string[]): readonly CommandFlag[] =>
  (groups ?? [])
    .filter((group) => group.words.every((word, i) => words[i] === word))
    .flatMap(({ flags }) => flags);

const isCommand = (command: Command, words: readonly string[]): boolean =>
  command.words.length === words.length && words.every((word, i) => command.words[i] === word);

/** Reads one line into flags and arguments. */
class Reader {
  readonly words: string[] = [];
  readonly found = new Map<string, string[]>();
  wantsHelp = false;
  private readonly program: Program;
  private readonly args: readonly string[];
  private at = 0;
  private readonly loose: string[] = [];

  constructor(program: Program, args: readonly string[]) {
    this.program = program;
    this.args = args;
  }

  get command(): Command | undefined {
    return this.program.commands.find((command) => isCommand(command, this.words));
  }

  /** @throws UsageError */
  read(): void {
    for (; this.at < this.args.length; this.at++) {
      const arg = this.args[this.at]!;
      if (arg === '-h' || /^--help(-long|-man)?$/.test(arg)) this.wantsHelp = true;
      else if (arg === '--') {
        for (const rest of this.args.slice(this.at + 1)) this.loose.push(rest);
        return;
      } else if (arg.startsWith('-') && arg !== '-') this.flag(arg);
      else this.word(arg);
    }
  }

  private word(arg: string): void {
    if (this.command !== undefined) {
      this.loose.push(arg);
      return;
    }
    if (below(this.program, [...this.words, arg]).length === 0) {
      if (this.takeDefault()) {
        this.word(arg);
        return;
      }
      throw new UsageError(`expected command but got ${JSON.stringify(arg)}`);
    }
    this.words.push(arg);
  }

  /** Chooses the default command below the words so far. @returns whether there is one */
  takeDefault(): boolean {
    if (this.command !== undefined || this.words.length === 0) return false;
    const found = below(this.program, this.words).find(
      ({ isDefault, words }) => isDefault === true && words.length === this.words.length + 1,
    );
    if (found !== undefined) this.words.push(found.words.at(-1)!);
    return found !== undefined;
  }

  private known(): readonly CommandFlag[] {
    return [
      ...(this.command?.flags ?? []),
      ...groupFlags(this.program, this.words),
      ...this.program.flags,
    ];
  }

  private flag(arg: string): void {
    const isLong = arg.startsWith('--');
    const equals = arg.indexOf('=');
    const written = isLong ? arg.slice(2, equals < 0 ? undefined : equals) : arg.slice(1, 2);
    const flag = this.find(written, isLong);
    if (flag === undefined) {
      if (this.takeDefault()) {
        this.flag(arg);
        return;
      }
      const kind = isLong ? 'long' : 'short';
      throw new UsageError(`unknown ${kind} flag '${isLong ? '--' : '-'}${written}'`);
    }
    const earlier = this.found.get(flag.name) ?? [];
    if (earlier.length > 0 && flag.kind !== 'list') {
      throw new UsageError(`flag '${flag.name}' cannot be repeated`);
    }
    if (flag.kind === 'switch') {
      this.found.set(flag.name, [String(written === flag.name || written === flag.short)]);
      return;
    }
    let value = isLong && equals >= 0 ? arg.slice(equals + 1) : arg.slice(2);
    if (isLong ? equals < 0 : value === '') {
      const next = this.args[++this.at];
      if (next === undefined) {
        throw new UsageError(`expected argument for flag '${isLong ? '--' : '-'}${written}'`);
      }
      value = next;
    }
    this.found.set(flag.name, [...earlier, checked(flag, value)]);
  }

  private find(written: string, isLong: boolean): CommandFlag | undefined {
    const flags = this.known();
    if (!isLong) return flags.find(({ short }) => short === written);
    return (
      flags.find(({ name }) => name === written) ??
      flags.find(({ name, kind }) => kind === 'switch' && written === `no-${name}`)
    );
  }

  /** Gives the loose words to the arguments and fills in defaults. @throws UsageError */
  values(command: Command): CommandValues {
    const values = new Map<string, readonly string[]>(this.found);
    const rest = [...this.loose];
    for (const arg of command.args) values.set(arg.name, takeArgument(arg, rest));
    if (rest.length > 0) throw new UsageError(`unexpected ${rest[0]}`);
    const flags = [
      ...command.flags,
      ...groupFlags(this.program, command.words),
      ...this.program.flags,
    ];
    for (const flag of flags) {
      if (values.has(flag.name)) continue;
      if (flag.required === true)
        throw new UsageError(`required flag(s) '--${flag.name}' not provided`);
      values.set(flag.name, flag.byDefault === undefined ? [] : [checked(flag, flag.byDefault)]);
    }
    return new CommandValues(values);
  }
}

function takeArgument(arg: CommandArgument, rest: string[]): readonly string[] {
  const taken = arg.repeated === true ? rest.splice(0) : rest.splice(0, 1);
  if (taken.length > 0) return taken;
  if (arg.required === true) throw new UsageError(`required argument '${arg.name}' not provided`);
  return arg.byDefault === undefined ? [] : [arg.byDefault];
}

function checked(flag: CommandFlag, value: string): string {
  if (flag.kind === 'choice' && flag.choices?.includes(value) !== true) {
    const choices = flag.choices?.join(',') ?? '';
    throw new UsageError(`enum value must be one of ${choices}, got '${value}'`);
  }
  if (flag.kind === 'number' && !/^[+-]?\d+$/.test(value)) {
    throw new UsageError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return value;
}

/** Reads the words after the program's name. */
export function parseCommand(program: Program, args: readonly string[]): ParsedCommand {
  const shell = /^--completion-script-(bash|zsh)$/.exec(args[0] ?? '')?.[1];
  if (shell === 'bash' || shell === 'zsh')
    return { kind: 'help', text: completionScript(program.name, shell) };
  if (args[0] === '--completion-bash')
    return { kind: 'help', text: completions(program, args.slice(1)) };
  if (args.includes('--version')) return { kind: 'version' };
  const reader = new Reader(program, args);
  try {
    reader.read();
    const { words } = reader;
    if (reader.wantsHelp || args.length === 0) {
      const text =
        reader.command === undefined
          ? overview(program, words, below(program, words))
          : commandHelp(program, reader.command, groupFlags(program, words));
      return { kind: 'help', text };
    }
    reader.takeDefault();
    const { command } = reader;
    if (command === undefined) {
      const where = words.length === 0 ? '' : ` of '${words.join(' ')}'`;
      throw new UsageError(`must select a subcommand${where}`);
    }
    return { kind: 'command', command, values: reader.values(command) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const hint = program.prefixesErrors === true ? '\n' : ', try --help';
    return { kind: 'error', message: `${program.name}: error: ${error.message}${hint}` };
  }
}
