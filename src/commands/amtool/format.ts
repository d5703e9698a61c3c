// SPDX-License-Identifier: Apache-2.0
// amtool's three outputs: simple, extended, JSON.

import { matcherText } from '../../alertmanager/index.ts';
import { compareText } from '../../model/index.ts';
import { formatTime } from '../../template/index.ts';
import type { CommandValues } from '../command.ts';
import { tabulated } from '../go-text.ts';
import type {
  ApiAlert,
  ApiCluster,
  ApiMatcher,
  ApiSilence,
  ApiStatus,
  Texts,
} from './api-types.ts';
import { fromApiMatcher } from './arguments.ts';

/** One line, keys in the given order, with `<`, `>` and `&` escaped as Go does. */
const jsonLine = (value: unknown): string =>
  `${JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}\n`;

const sorted = (texts: Texts): Texts =>
  Object.fromEntries(Object.entries(texts).sort(([a], [b]) => compareText(a, b)));

/** Milliseconds, UTC. */
const stamp = (text: string): string => new Date(text).toISOString();

const byTime =
  <Item>(at: (item: Item) => string) =>
  (a: Item, b: Item): number =>
    Date.parse(at(a)) - Date.parse(at(b));

const matchersOf = (matchers: readonly ApiMatcher[]): string[] =>
  matchers.map((matcher) => matcherText(fromApiMatcher(matcher)));

const row = (cells: readonly string[]): string => `${cells.join('\t')}\t\n`;

const pairsText = (texts: Texts): string =>
  Object.entries(texts)
    .map(([name, value]) => `${name}="${value}"`)
    .sort(compareText)
    .join(' ');

function silenceJson(silence: ApiSilence): unknown {
  const { id, status, updatedAt, annotations, comment, createdBy, endsAt, matchers, startsAt } =
    silence;
  return {
    id,
    status: { state: status.state },
    updatedAt: stamp(updatedAt),
    ...(annotations === undefined || Object.keys(annotations).length === 0
      ? {}
      : { annotations: sorted(annotations) }),
    comment,
    createdBy,
    endsAt: stamp(endsAt),
    matchers: matchers.map(({ name, value, isRegex, isEqual }) => ({
      ...(isEqual === undefined ? {} : { isEqual }),
      isRegex,
      name,
      value,
    })),
    startsAt: stamp(startsAt),
  };
}

function alertJson(alert: ApiAlert): unknown {
  const { inhibitedBy, mutedBy, silencedBy, state } = alert.status;
  return {
    annotations: sorted(alert.annotations),
    endsAt: stamp(alert.endsAt),
    fingerprint: alert.fingerprint,
    receivers: alert.receivers.map(({ name }) => ({ name })),
    startsAt: stamp(alert.startsAt),
    status: { inhibitedBy, ...(mutedBy === undefined ? {} : { mutedBy }), silencedBy, state },
    updatedAt: stamp(alert.updatedAt),
    ...(alert.generatorURL ? { generatorURL: alert.generatorURL } : {}),
    labels: sorted(alert.labels),
  };
}

const clusterJson = ({ name, peers, status }: ApiCluster): unknown => ({
  ...(name ? { name } : {}),
  peers: (peers ?? []).map((peer) => ({ address: peer.address, name: peer.name })),
  status,
});

function statusJson({ cluster, config, uptime, versionInfo }: ApiStatus): unknown {
  const { branch, buildDate, buildUser, goVersion, revision, version } = versionInfo;
  return {
    cluster: clusterJson(cluster),
    config: { original: config.original },
    uptime: stamp(uptime),
    versionInfo: { branch, buildDate, buildUser, goVersion, revision, version },
  };
}

/** Writes answers in the form that the flags ask for. */
export class Formatter {
  private readonly output: string;
  private readonly layout: string;

  constructor(values: CommandValues) {
    this.output = values.text('output');
    this.layout = values.text('date.format');
  }

  private date(text: string): string {
    return formatTime(Date.parse(text), 'UTC', this.layout);
  }

  /** Soonest end first. */
  silences(silences: readonly ApiSilence[]): string {
    const list = [...silences].sort(byTime(({ endsAt }) => endsAt));
    if (this.output === 'json') return jsonLine(list.map(silenceJson));
    const extended = this.output === 'extended';
    let text = extended
      ? row(['ID', 'Matchers', 'Starts At', 'Ends At', 'Updated At', 'Created By', 'Comment'])
      : row(['ID', 'Matchers', 'Ends At', 'Created By', 'Comment']);
    for (const silence of list) {
      const { id, startsAt, endsAt, updatedAt, createdBy, comment } = silence;
      const matchers = matchersOf(silence.matchers);
      text += extended
        ? row([
            id,
            `{${matchers.join(',')}}`,
            this.date(startsAt),
            this.date(endsAt),
            this.date(updatedAt),
            createdBy,
            comment,
          ])
        : row([id, matchers.join(' '), this.date(endsAt), createdBy, comment]);
    }
    return tabulated(text);
  }

  /** Oldest first; JSON as the Alertmanager orders them. */
  alerts(alerts: readonly ApiAlert[]): string {
    if (this.output === 'json') return jsonLine(alerts.map(alertJson));
    const extended = this.output === 'extended';
    let text = extended
      ? row(['Labels', 'Annotations', 'Starts At', 'Ends At', 'Generator URL', 'State'])
      : row(['Alertname', 'Starts At', 'Summary', 'State']);
    for (const alert of [...alerts].sort(byTime(({ startsAt }) => startsAt))) {
      const { labels, annotations, startsAt, endsAt, generatorURL, status } = alert;
      const starts = this.date(startsAt);
      text += extended
        ? row([
            pairsText(labels),
            pairsText(annotations),
            starts,
            this.date(endsAt),
            generatorURL ?? '',
            status.state,
          ])
        : row([labels.alertname ?? '', starts, annotations.summary ?? '', status.state]);
    }
    return tabulated(text);
  }

  config(status: ApiStatus): string {
    if (this.output === 'json') return jsonLine(statusJson(status));
    const original = `${status.config.original}\n`;
    if (this.output !== 'extended') return original;
    const { branch, buildDate, buildUser, goVersion, revision, version } = status.versionInfo;
    return (
      `${original}buildUser ${buildUser}\ngoVersion ${goVersion}\nrevision ${revision}\n` +
      `version ${version}\nbranch ${branch}\nbuildDate ${buildDate}\nuptime ${stamp(status.uptime)}\n`
    );
  }

  cluster(cluster: ApiCluster): string {
    if (this.output === 'json') return jsonLine(clusterJson(cluster));
    const facts = `Cluster Status:\t${cluster.status}\nNode Name:\t${cluster.name ?? ''}\n`;
    if (this.output !== 'extended') return tabulated(facts);
    const peers = [...(cluster.peers ?? [])].sort((a, b) => compareText(a.address, b.address));
    const rows = peers.map(({ address, name }) => row([address, name]));
    return tabulated(`${facts}\nAddress\tName\n${rows.join('')}`);
  }
}
