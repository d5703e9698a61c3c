// SPDX-License-Identifier: Apache-2.0
// `amtool config routes show` and `amtool config routes test`.

import { matchersText, Route } from '../../alertmanager/index.ts';
import { ConfigError, parseAlertmanagerConfig } from '../../config/index.ts';
import {
  type Command,
  CommandError,
  type CommandFlag,
  type CommandHost,
  type CommandValues,
} from '../command.ts';
import type { ApiStatus } from './api-types.ts';
import { matcherReader, readPairs } from './arguments.ts';
import { connected, requireFile } from './connection.ts';

/** One line of a tree and what hangs below it. */
export interface Branch {
  readonly text: string;
  readonly children: readonly Branch[];
}

/** What stands before the branches below one that is not the last; its first blanks do not break. */
const LINK = '│\u00a0\u00a0 ';

export function drawn(branches: readonly Branch[], indent: string): string {
  return branches
    .map(({ text, children }, i) => {
      const last = i === branches.length - 1;
      const below = drawn(children, indent + (last ? '    ' : LINK));
      return `${indent}${last ? '└── ' : '├── '}${text}\n${below}`;
    })
    .join('');
}

function slug(route: Route, continues: boolean, receiver: boolean): string {
  const { matchers } = route.matchers;
  const parts = [matchers.length === 0 ? 'default-route' : matchersText(matchers)];
  if (continues && route.continues) parts.push('continue: true');
  if (receiver) {
    parts.push(`receiver: ${route.receiver}`);
    if (route.groupBy.size > 0) parts.push(`grouping: [${[...route.groupBy].join(',')}]`);
  }
  return parts.join('  ');
}

const wholeTree = (route: Route): Branch => ({
  text: slug(route, true, true),
  children: route.routes.map(wholeTree),
});

function matchingTree(route: Route, labels: ReadonlyMap<string, string>): Branch {
  const children: Branch[] = [];
  for (const child of route.routes) {
    if (!child.matchers.match(labels)) continue;
    children.push(matchingTree(child, labels));
    if (!child.continues) break;
  }
  return { text: slug(route, false, children.length === 0), children };
}

/** A URL that stands where the Alertmanager's answer hides one. */
const hiddenUrl = 'http://secret.invalid/';

/** @throws CommandError */
async function loadRoutes(values: CommandValues, host: CommandHost): Promise<Route> {
  const file = values.text('config.file');
  const url = values.text('alertmanager.url');
  if (file !== '') requireFile(file, host);
  if (file !== '' && url !== '')
    host.err('Warning: --config.file flag overrides the --alertmanager.url.\n');
  if (file === '' && url === '') {
    const flags = '--config.file or --alertmanager.url';
    throw new CommandError(`You have to specify one of ${flags} flags.`);
  }
  const text =
    file === ''
      ? (await remoteConfig(values, host)).replaceAll('<secret>', hiddenUrl)
      : host.files.readTextSync(file);
  try {
    const { route } = parseAlertmanagerConfig(text, file === '' ? 'the configuration' : file);
    return new Route(route);
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message);
    throw error;
  }
}

async function remoteConfig(values: CommandValues, host: CommandHost): Promise<string> {
  const status = await connected(values, host, (connection) => connection.call('getStatus'));
  return (status as ApiStatus).config.original;
}

/** Flags of both commands. */
export const routesFlags: readonly CommandFlag[] = [
  { name: 'config.file', kind: 'text', help: 'Config file to be tested.' },
];

export const routesShowCommand: Command = {
  words: ['config', 'routes', 'show'],
  isDefault: true,
  help:
    'Print the alert routing tree, of a file or of a running Alertmanager. --config.file takes ' +
    'precedence over --alertmanager.url.',
  flags: [],
  args: [],
  run: async (values, host) => {
    const root = await loadRoutes(values, host);
    host.out(`Routing tree:\n.\n${drawn([wholeTree(root)], '')}\n`);
    return 0;
  },
};

export const routesTestCommand: Command = {
  words: ['config', 'routes', 'test'],
  help:
    'Print the receivers of an alert with the given labels, in the order of the routing tree, of a ' +
    'file or of a running Alertmanager. --config.file takes precedence over --alertmanager.url.',
  flags: [
    {
      name: 'verify.receivers',
      kind: 'text',
      help: 'Checks if specified receivers matches resolved receivers. The command fails if the labelset does not route to the specified receivers.',
    },
    { name: 'tree', kind: 'switch', help: 'Prints out matching routes tree.' },
  ],
  args: [
    {
      name: 'labels',
      repeated: true,
      help: 'List of labels to be tested against the configured routes.',
    },
  ],
  run: async (values, host) => {
    const root = await loadRoutes(values, host);
    const labels = new Map(Object.entries(testLabels(values, host)));
    if (values.flag('tree'))
      host.out(`Matching routes:\n.\n${drawn([matchingTree(root, labels)], '')}\n\n`);
    const receivers = root.match(labels).map(({ receiver }) => receiver);
    const found = receivers.join(',');
    host.out(`${found}\n`);
    const expected = values.text('verify.receivers');
    if (expected === '' || expected === found) return 0;
    host.out('WARNING: Expected receivers did not match resolved receivers.\n');
    return 1;
  },
};

function testLabels(values: CommandValues, host: CommandHost): Record<string, string> {
  try {
    return readPairs(values.list('labels'), matcherReader(values, host), 'labels');
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`Failed to parse labels: ${error.message}`);
  }
}
