// SPDX-License-Identifier: Apache-2.0
// `promtool check web-config`: whether files for `--web.config.file` can be used.

import type { Command } from '../command.ts';
import { CommandError } from '../command.ts';

export const checkWebConfigCommand: Command = {
  words: ['check', 'web-config'],
  help: 'Check if the web config files are valid or not.',
  flags: [],
  args: [
    {
      name: 'web-config-files',
      help: 'The config files to check.',
      required: true,
      repeated: true,
    },
  ],
  run: async (values, host) => {
    const paths = values.list('web-config-files');
    const missing = paths.find((path) => !host.files.existsSync(path));
    if (missing !== undefined) {
      throw new CommandError(`promtool: error: path '${missing}' does not exist, try --help`);
    }
    let failed = false;
    for (const path of paths) {
      const problem = host.webConfigProblem(path);
      if (problem === undefined) host.err(`${path} SUCCESS\n`);
      else {
        failed = true;
        host.err(`${path} FAILED: ${problem}\n`);
      }
    }
    return failed ? 1 : 0;
  },
};
