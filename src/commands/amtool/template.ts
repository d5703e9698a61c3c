// SPDX-License-Identifier: Apache-2.0
// `amtool template render`.

import {
  defaultTemplates,
  type PlainTemplateData,
  plainTemplateData,
} from '../../alertmanager/index.ts';
import { glob } from '../../discovery/index.ts';
import { alertFunctions, TemplateError, TemplateSet } from '../../template/index.ts';
import { type Command, CommandError, type CommandHost, type CommandValues } from '../command.ts';

/** The default templates and those of the files that match. @throws TemplateError, FileError */
export function loadTemplates(patterns: readonly string[], host: CommandHost): TemplateSet {
  const set = new TemplateSet(alertFunctions(() => host.clock.now()));
  set.parse('default.tmpl', defaultTemplates);
  for (const pattern of patterns) {
    for (const path of glob(host.files, pattern))
      set.parse(path.slice(path.lastIndexOf('/') + 1), host.files.readTextSync(path));
  }
  return set;
}

const MINUTE_MS = 60_000;
const shared = {
  labels: { commonlabelkey1: 'commonlabelvalue1', commonlabelkey2: 'commonlabelvalue2' },
  annotations: {
    commonannotationkey1: 'commonannotationvalue1',
    commonannotationkey2: 'commonannotationvalue2',
  },
};

/** What is rendered when no data are given: upstream's example, so that its documentation holds. */
function exampleData(nowMs: number): PlainTemplateData {
  const ago = (minutes: number): string => new Date(nowMs - minutes * MINUTE_MS).toISOString();
  const common = {
    status: 'alertstatus',
    endsAt: ago(0),
    generatorURL: 'https://generatorurl.com',
  };
  return {
    receiver: 'receiver',
    status: 'alertstatus',
    alerts: [
      {
        ...common,
        labels: { label1: 'value1', label2: 'value2', instance: 'foo.bar:1234', ...shared.labels },
        annotations: { annotation1: 'value1', annotation2: 'value2', ...shared.annotations },
        startsAt: ago(5),
        fingerprint: 'fingerprint1',
      },
      {
        ...common,
        labels: { foo: 'bar', baz: 'qux', ...shared.labels },
        annotations: { aaa: 'bbb', ccc: 'ddd', ...shared.annotations },
        startsAt: ago(10),
        fingerprint: 'fingerprint2',
      },
    ],
    groupLabels: { grouplabelkey1: 'grouplabelvalue1', grouplabelkey2: 'grouplabelvalue2' },
    commonLabels: shared.labels,
    commonAnnotations: shared.annotations,
    externalURL: 'https://example.com',
  };
}

/** @throws CommandError */
function readData(file: string, host: CommandHost): PlainTemplateData {
  if (!host.files.existsSync(file))
    throw new CommandError(`open ${file}: no such file or directory`);
  try {
    const data: unknown = JSON.parse(host.files.readTextSync(file));
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data;
  } catch (error) {
    if (error instanceof SyntaxError) throw new CommandError(`${file}: ${error.message}`);
    throw error;
  }
  throw new CommandError(`${file}: expected an object`);
}

function render(values: CommandValues, host: CommandHost): void {
  const set = loadTemplates(values.list('template.glob'), host);
  const file = values.text('template.data');
  const plain = file === '' ? exampleData(host.clock.now()) : readData(file, host);
  const text = values.text('template.text');
  if (text === '') return;
  set.parse('', text);
  const data = plainTemplateData(plain);
  host.out(values.text('template.type') === 'html' ? set.html('', data) : set.text('', data));
}

export const templateRenderCommand: Command = {
  words: ['template', 'render'],
  help: 'Render a given definition in a template file to standard output.',
  flags: [
    {
      name: 'template.glob',
      kind: 'list',
      required: true,
      help: 'Glob of paths that will be expanded and used for rendering.',
    },
    {
      name: 'template.text',
      kind: 'text',
      required: true,
      help: 'The template that will be rendered.',
    },
    {
      name: 'template.type',
      kind: 'choice',
      choices: ['html', 'text'],
      help: 'The type of the template. Can be either text (default) or html.',
    },
    {
      name: 'template.data',
      kind: 'text',
      help: 'JSON file with what a notification would give the template: receiver, status, alerts, groupLabels, commonLabels, commonAnnotations, externalURL. An example is used when there is none.',
    },
  ],
  args: [],
  run: async (values, host) => {
    try {
      render(values, host);
    } catch (error) {
      if (error instanceof TemplateError) throw new CommandError(error.message);
      throw error;
    }
    return 0;
  },
};
