// SPDX-License-Identifier: Apache-2.0
// Defaults of amtool's flags from its configuration files.

import { ConfigError, type ConfigIssue, YamlFile } from '../../config/index.ts';
import type { Program } from '../command-line.ts';
import { type CommandFlag, CommandError, type CommandHost } from '../command.ts';

/** Keys of old files that mean a flag of another name. */
const formerNames: ReadonlyMap<string, string> = new Map([['comment_required', 'require-comment']]);

/** The values of the files: what an earlier file sets, a later one does not change. */
function fileValues(host: CommandHost): Map<string, string> {
  const values = new Map<string, string>();
  const paths = [`${host.environment.HOME ?? ''}/.config/amtool/config.yml`];
  for (const path of [...paths, '/etc/amtool/config.yml']) {
    if (!host.files.existsSync(path)) continue;
    const issues: ConfigIssue[] = [];
    const entries = new YamlFile(path, host.files.readTextSync(path), issues).root().textEntries();
    if (issues.length > 0)
      throw new CommandError(`could not load config file: ${new ConfigError(issues).message}\n`);
    const own = new Map(entries);
    for (const [key, value] of own) {
      const name = formerNames.get(key) ?? key;
      if (name !== key && own.has(name)) continue;
      if (!values.has(name)) values.set(name, value);
    }
  }
  return values;
}

/** The program with the defaults that the user's files set. @throws CommandError, FileError */
export function withFileDefaults(program: Program, host: CommandHost): Program {
  const values = fileValues(host);
  const changed = (flags: readonly CommandFlag[]): readonly CommandFlag[] =>
    flags.map((flag) => {
      const value = values.get(flag.name);
      return value === undefined ? flag : { ...flag, byDefault: value, required: false };
    });
  return {
    ...program,
    flags: changed(program.flags),
    groups: (program.groups ?? []).map((group) => ({ ...group, flags: changed(group.flags) })),
    commands: program.commands.map((command) => ({ ...command, flags: changed(command.flags) })),
  };
}
