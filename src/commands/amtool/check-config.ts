// SPDX-License-Identifier: Apache-2.0
// `amtool check-config`.

import {
  type AlertmanagerConfig,
  ConfigError,
  parseAlertmanagerConfig,
} from '../../config/index.ts';
import { TemplateError } from '../../template/index.ts';
import { FileError } from '../../base/index.ts';
import { type Command, CommandError, type CommandHost } from '../command.ts';
import { requireFile } from './connection.ts';
import { loadTemplates } from './template.ts';

const STANDARD_INPUT = '/dev/stdin';

/** Checks one text and tells of it. @returns how many checks failed */
function check(name: string, text: string, host: CommandHost): number {
  host.out(`Checking '${name}'`);
  let config: AlertmanagerConfig;
  try {
    config = parseAlertmanagerConfig(text, name);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    host.out(`  FAILED: ${error.message}\n\n`);
    return 1;
  }
  host.out('  SUCCESS\nFound:\n - global config\n - route\n');
  const { inhibitRules, receivers, templates } = config;
  host.out(` - ${inhibitRules.length} inhibit rules\n - ${receivers.length} receivers\n`);
  host.out(` - ${templates.length} templates\n`);
  const problem = templateProblem(templates, host);
  if (problem !== undefined) host.out(`  FAILED: ${problem}\n`);
  else if (templates.length > 0) host.out('  SUCCESS\n');
  host.out('\n');
  return problem === undefined ? 0 : 1;
}

function templateProblem(patterns: readonly string[], host: CommandHost): string | undefined {
  try {
    loadTemplates(patterns, host);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError || error instanceof FileError) return error.message;
    throw error;
  }
}

export const checkConfigCommand: Command = {
  words: ['check-config'],
  help:
    'Validate Alertmanager config files and the templates that they name; the standard input when no ' +
    'file or - is given. Templates that do not exist are no error.',
  flags: [],
  args: [{ name: 'check-files', repeated: true, help: 'Files to be validated' }],
  run: async (values, host) => {
    const files = values.list('check-files').map((file) => (file === '-' ? STANDARD_INPUT : file));
    for (const file of files) if (file !== STANDARD_INPUT) requireFile(file, host);
    let failed = 0;
    for (const file of files.length === 0 ? [STANDARD_INPUT] : files) {
      const text = file === STANDARD_INPUT ? await host.readInput() : host.files.readTextSync(file);
      if (text === undefined) throw new CommandError('Failed to read from standard input');
      failed += check(file, text, host);
    }
    if (failed > 0) throw new CommandError(`failed to validate ${failed} file(s)`);
    return 0;
  },
};
