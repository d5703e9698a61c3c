// SPDX-License-Identifier: Apache-2.0
// `amtool what-if`, ours: who would be told of an alert with these labels at this moment. Nothing is sent.

import type {
  AlertDestination,
  AlertExplanation,
  IntegrationNow,
  RouteDecision,
} from '../../apitypes/index.ts';
import { quote } from '../../model/index.ts';
import { formatTime } from '../../template/index.ts';
import type { Command, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { tabulated } from '../go-text.ts';
import { matcherReader, readMoment, readPairs, withAlertname } from './arguments.ts';
import { ApiError, connected } from './connection.ts';
import { type Branch, drawn } from './routes.ts';

const row = (cells: readonly string[]): string => `${cells.join('\t')}\t\n`;

class Report {
  private readonly answer: AlertExplanation;
  private readonly layout: string;

  constructor(answer: AlertExplanation, layout: string) {
    this.answer = answer;
    this.layout = layout;
  }

  private date(text: string): string {
    return formatTime(Date.parse(text), 'UTC', this.layout);
  }

  /** What became of one integration. */
  private outcome(destination: AlertDestination, integration: IntegrationNow): string {
    const { silencedBy, inhibitedBy } = this.answer;
    if (inhibitedBy.length > 0) return 'inhibited';
    if (silencedBy.length > 0) return 'silenced';
    const { mutedBy, outsideOf } = destination;
    if (mutedBy.length > 0) return `muted by ${mutedBy.join(', ')}`;
    if (outsideOf.length > 0) return `outside of ${outsideOf.join(', ')}`;
    if (integration.wouldSend !== undefined) return `would be told: ${integration.wouldSend}`;
    const { repeatDue } = integration;
    return repeatDue === undefined ? 'knows' : `knows, told again at ${this.date(repeatDue)}`;
  }

  private rows(): string {
    const { destinations } = this.answer;
    const rows = destinations.flatMap((destination) => {
      const { receiver, integrations } = destination;
      if (integrations.length === 0) return [row([receiver, '-', 'nobody behind it'])];
      return integrations.map((integration) => {
        const name = `${integration.type}[${integration.index}]`;
        return row([receiver, name, this.outcome(destination, integration)]);
      });
    });
    const table = row(['Receiver', 'Integration', 'Outcome']) + rows.join('');
    return tabulated(table).replace(/ +$/gm, '');
  }

  simple(): string {
    const { time, notifies, inhibitedBy, silencedBy } = this.answer;
    const verdict = notifies ? 'Somebody would be told' : 'Nobody would be told';
    const lines = [
      `${verdict} at ${this.date(time)}.`,
      ...inhibitedBy.map(({ rule, ruleName, source }) => {
        const which = ruleName === '' ? `${rule}` : `${rule} (${ruleName})`;
        return `Inhibited by the alert ${source}, inhibition rule ${which}`;
      }),
      ...silencedBy.map((id) => `Silenced by ${id}`),
    ];
    return `${lines.join('\n')}\n\n${this.rows()}`;
  }

  private branch = (decision: RouteDecision): Branch => {
    const { matchers, receiver, outcome, failed, routes } = decision;
    const name = matchers.length === 0 ? 'default-route' : `{${matchers.join(',')}}`;
    const why = failed === undefined ? outcome : `${outcome}: ${failed}`;
    return {
      text: `${name}  receiver: ${receiver}  ${why}`,
      // What hangs below a route that was not taken was not looked at.
      children: outcome === 'taken' || outcome === 'passed on' ? routes.map(this.branch) : [],
    };
  };

  extended(): string {
    return `${this.simple()}\nRouting tree:\n.\n${drawn([this.branch(this.answer.route)], '')}`;
  }
}

/** The moment of `--time`: now where it is not given. @throws CommandError */
function timeOf(values: CommandValues): Record<string, string> {
  const text = values.text('time');
  return text === '' ? {} : { time: new Date(readMoment(text)).toISOString() };
}

export const whatIfCommand: Command = {
  words: ['what-if'],
  help:
    'Hearth only: tell who would be notified of an alert with the given labels, and why or why not, by ' +
    'the silences, inhibiting alerts and notifications that the Alertmanager knows now. Nothing is sent. ' +
    'A first argument without an operator is the name of the alert; -o extended adds the routing tree.',
  flags: [
    {
      name: 'time',
      kind: 'text',
      help: 'The moment to look at, now unless given. RFC3339 format 2006-01-02T15:04:05-07:00',
    },
  ],
  args: [{ name: 'labels', repeated: true, help: 'List of labels of the alert' }],
  run: async (values, host) => {
    const read = matcherReader(values, host);
    const labels = readPairs(withAlertname(values.list('labels'), read), read, 'labels');
    if (Object.keys(labels).length === 0) throw new CommandError('at least one label is needed');
    const body = { labels, ...timeOf(values) };
    const answer = await connected(values, host, (connection) =>
      connection.call('whatIf', { body }),
    ).catch((error: unknown) => {
      if (!(error instanceof ApiError) || (error.status !== 410 && error.status !== 404))
        throw error;
      const url = quote(values.text('alertmanager.url'));
      throw new CommandError(`${url} cannot tell: what-if needs the Alertmanager of Hearth`);
    });
    const output = values.text('output');
    const report = new Report(answer as AlertExplanation, values.text('date.format'));
    if (output === 'json') host.out(`${JSON.stringify(answer)}\n`);
    else host.out(output === 'extended' ? report.extended() : report.simple());
    return 0;
  },
};
