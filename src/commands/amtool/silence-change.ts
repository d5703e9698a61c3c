// SPDX-License-Identifier: Apache-2.0
// `amtool silence add` and `amtool silence update`.

import {
  type Command,
  CommandError,
  type CommandFlag,
  type CommandHost,
  type CommandValues,
} from '../command.ts';
import type { ApiSilence } from './api-types.ts';
import {
  matcherReader,
  readMatchers,
  readMoment,
  readPairs,
  readSilenceDuration,
  toApiMatcher,
  withAlertname,
} from './arguments.ts';
import { type Connection, connected } from './connection.ts';
import { Formatter } from './format.ts';

const timeFlags: readonly CommandFlag[] = [
  {
    name: 'start',
    kind: 'text',
    help: 'Set when the silence should start. RFC3339 format 2006-01-02T15:04:05-07:00',
  },
  {
    name: 'end',
    kind: 'text',
    help: 'Set when the silence should end (overwrites duration). RFC3339 format 2006-01-02T15:04:05-07:00',
  },
  {
    name: 'comment',
    short: 'c',
    kind: 'text',
    help: 'A comment to help describe the silence',
  },
];

/** When a silence begins and ends by the flags, or else as before. @throws CommandError */
function spanOf(
  values: CommandValues,
  startMs: number,
  endMs: number | undefined,
): { startsAt: string; endsAt: string } {
  const [start, end, duration] = ['start', 'end', 'duration'].map((name) => values.text(name));
  const from = start ? readMoment(start) : startMs;
  let to = endMs ?? from;
  if (end) to = readMoment(end);
  else if (duration) to = from + readSilenceDuration(duration);
  if (from > to) throw new CommandError('silence cannot start after it ends');
  return { startsAt: new Date(from).toISOString(), endsAt: new Date(to).toISOString() };
}

/** @returns the id under which the silence now is */
async function post(connection: Connection, body: unknown): Promise<string> {
  const answer = (await connection.call('postSilences', { body })) as { silenceID: string };
  return answer.silenceID;
}

async function add(values: CommandValues, host: CommandHost): Promise<number> {
  const read = matcherReader(values, host);
  const matchers = readMatchers(withAlertname(values.list('matcher-groups'), read), read);
  if (matchers.length === 0) throw new CommandError('no matchers specified');
  const span = spanOf(values, host.clock.now(), undefined);
  const comment = values.text('comment');
  if (values.flag('require-comment') && comment === '')
    throw new CommandError('comment required by config');
  const annotations = readPairs(values.list('annotation'), read, 'annotations');
  const silence = {
    matchers: matchers.map(toApiMatcher),
    ...span,
    createdBy: values.text('author') || host.userName,
    comment,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  const id = await connected(values, host, (connection) => post(connection, silence));
  host.out(`${id}\n`);
  return 0;
}

export const silenceAddCommand: Command = {
  words: ['silence', 'add'],
  help:
    'Add a new Alertmanager silence. Arguments are matchers, all of which an alert must match; a first ' +
    'one without an operator is the name of the alert.',
  flags: [
    { name: 'author', short: 'a', kind: 'text', help: 'Username for CreatedBy field' },
    {
      name: 'require-comment',
      kind: 'switch',
      byDefault: 'true',
      hidden: true,
      help: 'Require comment to be set',
    },
    { name: 'duration', short: 'd', kind: 'text', byDefault: '1h', help: 'Duration of silence' },
    ...timeFlags,
    {
      name: 'annotation',
      kind: 'list',
      help: 'Set an annotation to be included with the silence',
    },
  ],
  args: [{ name: 'matcher-groups', repeated: true, help: 'Query filter' }],
  run: add,
};

async function update(values: CommandValues, host: CommandHost): Promise<number> {
  const ids = values.list('update-ids');
  if (ids.length === 0) throw new CommandError('no silence IDs specified');
  const updated: ApiSilence[] = [];
  await connected(values, host, async (connection) => {
    for (const id of ids) {
      const old = (await connection.call('getSilence', { id })) as ApiSilence;
      const span = spanOf(values, Date.parse(old.startsAt), Date.parse(old.endsAt));
      const silence = { ...old, ...span, comment: values.text('comment') || old.comment };
      const { status: _status, updatedAt: _updatedAt, ...body } = silence;
      updated.push({ ...silence, id: await post(connection, body) });
    }
  });
  host.out(
    values.flag('quiet')
      ? updated.map(({ id }) => `${id}\n`).join('')
      : new Formatter(values).silences(updated),
  );
  return 0;
}

export const silenceUpdateCommand: Command = {
  words: ['silence', 'update'],
  help: 'Update silences',
  flags: [
    { name: 'quiet', short: 'q', kind: 'switch', help: 'Only show silence ids' },
    { name: 'duration', short: 'd', kind: 'text', help: 'Duration of silence' },
    ...timeFlags,
  ],
  args: [{ name: 'update-ids', repeated: true, help: 'Silence IDs to update' }],
  run: update,
};
