// SPDX-License-Identifier: Apache-2.0
// Help texts in kingpin's layout.

import type { Command, CommandArgument, CommandFlag } from './command.ts';

interface Named {
  readonly name: string;
  readonly help: string;
  readonly flags: readonly CommandFlag[];
}

const COLUMNS = 80;

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

/** Two columns, the left one as wide as it needs to be up to a limit. */
function twoColumns(rows: readonly (readonly [string, string])[]): string {
  const widest = rows.reduce((most, [left]) => Math.max(most, left.length), 0);
  const indent = Math.min(widest, 26) + 4;
  let text = '';
  for (const [left, help] of rows) {
    const lines = wrapped(help, COLUMNS - indent);
    const fits = left.length + 2 <= indent - 2 + 2;
    text += fits ? `  ${left}`.padEnd(indent) + `${lines.shift() ?? ''}\n` : `  ${left}  \n`;
    for (const line of lines) text += `${' '.repeat(indent)}${line}\n`;
  }
  return text;
}

function flagText(flag: CommandFlag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  if (flag.kind === 'switch') return `${short}--[no-]${flag.name}`;
  const byDefault =
    flag.byDefault === undefined
      ? flag.kind === 'list'
        ? ''
        : flag.name.toUpperCase()
      : flag.kind === 'number' || flag.kind === 'choice'
        ? flag.byDefault
        : JSON.stringify(flag.byDefault);
  return `${short}--${flag.name}=${byDefault}${flag.kind === 'list' ? ' ...' : ''}`;
}

function flagRows(flags: readonly CommandFlag[]): [string, string][] {
  const rows: [string, string][] = [
    ['-h, --[no-]help', 'Show context-sensitive help (also try --help-long and --help-man).'],
    ['    --[no-]version', 'Show application version.'],
  ];
  for (const flag of flags) if (flag.hidden !== true) rows.push([flagText(flag), flag.help]);
  return rows;
}

function argumentText({ name, required, repeated }: CommandArgument): string {
  const shown = `<${name}>${repeated === true ? '...' : ''}`;
  return required === true ? shown : `[${shown}]`;
}

function usageOf(command: Command): string {
  const required = command.flags.filter((flag) => flag.required === true);
  const parts = [
    command.words.join(' '),
    ...required.map(({ name }) => `--${name}=${name.toUpperCase()}`),
    ...(command.flags.length > required.length ? ['[<flags>]'] : []),
    ...command.args.map(argumentText),
  ];
  return parts.join(' ');
}

/** Help of one command. */
export function commandHelp(
  program: Named,
  command: Command,
  more: readonly CommandFlag[] = [],
): string {
  let text = `usage: ${program.name} ${usageOf(command)}\n\n${command.help}\n\n\nFlags:\n`;
  text += twoColumns(flagRows([...program.flags, ...more, ...command.flags]));
  if (command.args.length > 0) {
    text += '\nArgs:\n';
    text += twoColumns(command.args.map((arg) => [argumentText(arg), arg.help] as const));
  }
  return `${text}\n`;
}

/** Help of a program, or of a group of its commands. */
export function overview(
  program: Named,
  words: readonly string[],
  commands: readonly Command[],
): string {
  const path = [program.name, ...words].join(' ');
  let text = `usage: ${path} <command> [<args> ...]\n\n${program.help}\n\n\nFlags:\n`;
  text += twoColumns(flagRows(program.flags));
  text += words.length === 0 ? '\nCommands:\n' : '\nSubcommands:\n';
  for (const command of commands) {
    text += `${usageOf(command)}\n`;
    for (const line of wrapped(command.help, COLUMNS - 4)) text += `    ${line}\n`;
    text += '\n';
  }
  return text;
}
