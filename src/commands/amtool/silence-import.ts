// SPDX-License-Identifier: Apache-2.0
// `amtool silence import`: many silences from JSON.

import { type Command, CommandError, type CommandHost, type CommandValues } from '../command.ts';
import type { ApiSilence } from './api-types.ts';
import { ApiError, type Connection, connected, requireFile } from './connection.ts';

const notJson = (reason: string): CommandError =>
  new CommandError(`couldn't unmarshal input data, is it JSON?: ${reason}`);

/** @throws CommandError */
async function readSilences(values: CommandValues, host: CommandHost) {
  const file = values.text('input-file');
  if (file !== '') requireFile(file, host);
  const text = file === '' ? ((await host.readInput()) ?? '') : host.files.readTextSync(file);
  if (text.trim() === '') throw notJson('EOF');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw notJson(error.message);
    throw error;
  }
  if (!Array.isArray(parsed)) throw notJson('expected a list of silences');
  const list: readonly unknown[] = parsed;
  return list.map((each, i) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each))
      throw notJson(`entry ${i} is no silence`);
    return each as Partial<ApiSilence>;
  });
}

/** Sets a silence; one whose id is unknown there becomes a new one. @returns its id */
async function importOne(
  connection: Connection,
  silence: Partial<ApiSilence>,
  force: boolean,
): Promise<string> {
  const { id, status: _status, updatedAt: _updatedAt, ...body } = silence;
  const post = async (value: unknown): Promise<string> => {
    const answer = (await connection.call('postSilences', { body: value })) as {
      silenceID: string;
    };
    return answer.silenceID;
  };
  if (force || id === undefined || id === '') return post(body);
  try {
    return await post({ id, ...body });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    return post(body);
  }
}

async function importAll(values: CommandValues, host: CommandHost): Promise<number> {
  const silences = await readSilences(values, host);
  const force = values.flag('force');
  let failed = 0;
  await connected(values, host, async (connection) => {
    // One iterator that all workers draw from.
    const queue = silences.values();
    const work = async (): Promise<void> => {
      for (const silence of queue) {
        try {
          host.out(`${await importOne(connection, silence, force)}\n`);
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          failed++;
          host.err(`Error adding silence id='${silence.id ?? ''}': ${error.message}\n`);
        }
      }
    };
    const workers = Math.max(1, values.number('worker'));
    await Promise.all(Array.from({ length: Math.min(workers, silences.length) }, work));
  });
  if (failed > 0) {
    throw new CommandError(`couldn't import ${failed} out of ${silences.length} silences`);
  }
  return 0;
}

export const silenceImportCommand: Command = {
  words: ['silence', 'import'],
  help:
    'Import Alertmanager silences from a JSON file, or from the standard input, as ' +
    '`amtool silence query -o json` writes them.',
  flags: [
    {
      name: 'force',
      short: 'f',
      kind: 'switch',
      help: 'Force adding new silences even if it already exists',
    },
    {
      name: 'worker',
      short: 'w',
      kind: 'number',
      byDefault: '8',
      help: 'Number of concurrent workers to use for import',
    },
  ],
  args: [{ name: 'input-file', help: 'JSON file with silences' }],
  run: importAll,
};
