// SPDX-License-Identifier: Apache-2.0
// What a shell offers after the words typed so far.

import type { Command, CommandFlag } from './command.ts';

/** What completion needs to know of a program. */
interface Completed {
  readonly commands: readonly Command[];
  readonly flags: readonly CommandFlag[];
  readonly groups?: readonly {
    readonly words: readonly string[];
    readonly flags: readonly CommandFlag[];
  }[];
}

/** The words that may follow `words`, commands of one group sorted. */
function nextWords({ commands }: Completed, words: readonly string[]): string[] {
  const next = new Set<string>();
  for (const command of commands) {
    const word = command.words[words.length];
    if (word !== undefined && words.every((each, i) => command.words[i] === each)) next.add(word);
  }
  return [...next].sort();
}

/**
 * Candidates, one a line; the shell keeps those that fit what is being typed.
 *
 * @param typed the words after the program's name, the unfinished one last
 */
export function completions(program: Completed, typed: readonly string[]): string {
  const words: string[] = [];
  for (const word of typed) if (nextWords(program, words).includes(word)) words.push(word);
  if (typed.at(-1)?.startsWith('-') !== true) return nextWords(program, words).join('\n');
  const command = program.commands.find(
    (each) =>
      each.words.length === words.length && each.words.every((word, i) => word === words[i]),
  );
  const groups = (program.groups ?? []).filter((group) =>
    group.words.every((word, i) => word === words[i]),
  );
  return [
    ...(command?.flags ?? []),
    ...groups.flatMap(({ flags }) => flags),
    { name: 'help' },
    ...program.flags,
    { name: 'version' },
  ]
    .filter((flag) => !('hidden' in flag && flag.hidden === true))
    .map(({ name }) => `--${name}`)
    .join('\n');
}

/** What a shell is to run once to complete the program's words, as its own command or as hearth's. */
export function completionScript(name: string, shell: 'bash' | 'zsh'): string {
  const start =
    shell === 'zsh' ? 'autoload -U +X compinit bashcompinit\ncompinit\nbashcompinit\n' : '';
  return `${start}_hearth_${name}() {
  local typed="\${COMP_WORDS[COMP_CWORD]}" words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  [ "\${words[0]}" = ${name} ] && words=("\${words[@]:1}")
  COMPREPLY=($(compgen -W "$(hearth ${name} --completion-bash "\${words[@]}")" -- "$typed"))
}
complete -o default -F _hearth_${name} ${name}
`;
}
