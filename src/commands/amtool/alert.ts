// SPDX-License-Identifier: Apache-2.0
// `amtool alert query` and `amtool alert add`.

import type { Command } from '../command.ts';
import type { ApiAlert } from './api-types.ts';
import { matcherReader, readMoment, readPairs, withAlertname } from './arguments.ts';
import { connected } from './connection.ts';
import { Formatter } from './format.ts';

/** The states that can be asked for; the query has all of its parameters in alphabetical order. */
const states = ['active', 'inhibited', 'silenced', 'unprocessed'] as const;

export const alertQueryCommand: Command = {
  words: ['alert', 'query'],
  isDefault: true,
  help:
    'View and search through current alerts. Arguments are matchers, all of which must hold; a first ' +
    'one without an operator is the name of the alert. Without a flag for a state, active alerts are shown.',
  flags: [
    { name: 'inhibited', short: 'i', kind: 'switch', help: 'Show inhibited alerts' },
    { name: 'silenced', short: 's', kind: 'switch', help: 'Show silenced alerts' },
    { name: 'active', short: 'a', kind: 'switch', help: 'Show active alerts' },
    { name: 'unprocessed', short: 'u', kind: 'switch', help: 'Show unprocessed alerts' },
    {
      name: 'receiver',
      short: 'r',
      kind: 'text',
      help: 'Show alerts matching receiver (Supports regex syntax)',
    },
  ],
  args: [{ name: 'matcher-groups', repeated: true, help: 'Query filter' }],
  run: async (values, host) => {
    const words = withAlertname(values.list('matcher-groups'), matcherReader(values, host));
    const wanted = states.filter((state) => values.flag(state));
    if (wanted.length === 0) wanted.push('active');
    const receiver = values.text('receiver');
    const query = new URLSearchParams();
    for (const state of states) {
      query.append(state, String(wanted.includes(state)));
      if (state === 'active') for (const word of words) query.append('filter', word);
      if (state === 'inhibited' && receiver !== '') query.append('receiver', receiver);
    }
    const alerts = await connected(values, host, (connection) =>
      connection.call('getAlerts', { query }),
    );
    host.out(new Formatter(values).alerts(alerts as ApiAlert[]));
    return 0;
  },
};

export const alertAddCommand: Command = {
  words: ['alert', 'add'],
  help:
    'Add a new alert. Arguments are its labels as name=value; a first one without an operator is the ' +
    'name of the alert.',
  flags: [
    {
      name: 'generator-url',
      kind: 'text',
      help: 'Set the URL of the source that generated the alert',
    },
    {
      name: 'start',
      kind: 'text',
      help: 'Set when the alert should start. RFC3339 format 2006-01-02T15:04:05-07:00',
    },
    {
      name: 'end',
      kind: 'text',
      help: 'Set when the alert should end. RFC3339 format 2006-01-02T15:04:05-07:00',
    },
    {
      name: 'annotation',
      kind: 'list',
      help: 'Set an annotation to be included with the alert',
    },
  ],
  args: [{ name: 'labels', repeated: true, help: 'List of labels to be included with the alert' }],
  run: async (values, host) => {
    const read = matcherReader(values, host);
    const labels = readPairs(withAlertname(values.list('labels'), read), read, 'labels');
    const annotations = readPairs(values.list('annotation'), read, 'annotations');
    const moment = (name: 'start' | 'end'): string | undefined =>
      values.text(name) === '' ? undefined : new Date(readMoment(values.text(name))).toISOString();
    const alert = {
      labels,
      annotations,
      generatorURL: values.text('generator-url'),
      startsAt: moment('start'),
      endsAt: moment('end'),
    };
    await connected(values, host, (connection) => connection.call('postAlerts', { body: [alert] }));
    return 0;
  },
};
