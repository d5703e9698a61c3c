// SPDX-License-Identifier: Apache-2.0
// `amtool silence query` and `amtool silence expire`.

import { type Command, CommandError, type CommandValues } from '../command.ts';
import { parseGoDuration } from '../go-text.ts';
import type { ApiSilence } from './api-types.ts';
import { matcherReader, withAlertname } from './arguments.ts';
import { connected } from './connection.ts';
import { Formatter } from './format.ts';

/** Which silences the flags ask for. @throws CommandError */
function selection(values: CommandValues, nowMs: number): (silence: ApiSilence) => boolean {
  const within = values.text('within');
  const withinMs = within === '' ? 0 : parseGoDuration(within);
  const expired = values.flag('expired');
  const createdBy = values.text('created-by');
  const id = values.text('id');
  return (silence) => {
    const endsAtMs = Date.parse(silence.endsAt);
    if (expired ? endsAtMs > nowMs : endsAtMs < nowMs) return false;
    if (withinMs > 0 && (expired ? endsAtMs < nowMs - withinMs : endsAtMs > nowMs + withinMs))
      return false;
    if (createdBy !== '' && silence.createdBy !== createdBy) return false;
    return id === '' || silence.id === id;
  };
}

export const silenceQueryCommand: Command = {
  words: ['silence', 'query'],
  isDefault: true,
  help:
    'Query Alertmanager silences. Arguments are matchers, all of which must hold; a first one without ' +
    'an operator is the name of the alert. With --within, silences that end within that time; with ' +
    '--expired as well, those that ended within it.',
  flags: [
    { name: 'expired', kind: 'switch', help: 'Show expired silences instead of active' },
    { name: 'quiet', short: 'q', kind: 'switch', help: 'Only show silence ids' },
    { name: 'created-by', kind: 'text', help: 'Show silences that belong to this creator' },
    { name: 'id', kind: 'text', help: 'Get a single silence by its ID' },
    {
      name: 'within',
      kind: 'text',
      help: 'Show silences that will expire or have expired within a duration',
    },
  ],
  args: [{ name: 'matcher-groups', repeated: true, help: 'Query filter' }],
  run: async (values, host) => {
    const words = withAlertname(values.list('matcher-groups'), matcherReader(values, host));
    const isWanted = selection(values, host.clock.now());
    const query = new URLSearchParams();
    for (const word of words) query.append('filter', word);
    const answer = await connected(values, host, (connection) =>
      connection.call('getSilences', { query }),
    );
    const silences = (answer as ApiSilence[]).filter(isWanted);
    host.out(
      values.flag('quiet')
        ? silences.map(({ id }) => `${id}\n`).join('')
        : new Formatter(values).silences(silences),
    );
    return 0;
  },
};

export const silenceExpireCommand: Command = {
  words: ['silence', 'expire'],
  help: 'Expire an Alertmanager silence',
  flags: [],
  args: [{ name: 'silence-ids', repeated: true, help: 'Ids of silences to expire' }],
  run: async (values, host) => {
    const ids = values.list('silence-ids');
    if (ids.length === 0) throw new CommandError('no silence IDs specified');
    await connected(values, host, async (connection) => {
      for (const id of ids) await connection.call('deleteSilence', { id });
    });
    return 0;
  },
};
