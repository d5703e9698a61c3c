// SPDX-License-Identifier: Apache-2.0
// `hearth amtool …`: views and changes the state of an Alertmanager.

import { FileError } from '../base/index.ts';
import { amtool, CommandError, type Program, withFileDefaults } from '../commands/index.ts';
import { createHost, runProgram } from './promtool.ts';

/** @returns the exit code */
export function runAmtool(args: readonly string[]): Promise<number> {
  const host = createHost();
  let program: Program;
  try {
    program = withFileDefaults(amtool, host);
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof FileError)) throw error;
    host.err(`amtool: error: ${error.message}\n\n`);
    return Promise.resolve(1);
  }
  return runProgram({ ...program, name: 'amtool' }, args, host);
}
