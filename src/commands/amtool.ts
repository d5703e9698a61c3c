// SPDX-License-Identifier: Apache-2.0
// The commands of amtool, in the order in which its help shows them.

import type { Program } from './command-line.ts';
import { alertAddCommand, alertQueryCommand } from './amtool/alert.ts';
import { checkConfigCommand } from './amtool/check-config.ts';
import { routesFlags, routesShowCommand, routesTestCommand } from './amtool/routes.ts';
import { silenceAddCommand, silenceUpdateCommand } from './amtool/silence-change.ts';
import { silenceImportCommand } from './amtool/silence-import.ts';
import { silenceExpireCommand, silenceQueryCommand } from './amtool/silence.ts';
import { clusterShowCommand, configShowCommand } from './amtool/status.ts';
import { templateRenderCommand } from './amtool/template.ts';
import { whatIfCommand } from './amtool/what-if.ts';

export const amtool: Program = {
  name: 'amtool',
  help:
    'View and change the state of an Alertmanager. Every flag can also be set in ' +
    '$HOME/.config/amtool/config.yml or /etc/amtool/config.yml, as a key with the name of the flag.',
  prefixesErrors: true,
  flags: [
    {
      name: 'date.format',
      kind: 'text',
      byDefault: '2006-01-02 15:04:05 MST',
      help: 'Format of date output',
    },
    { name: 'verbose', short: 'v', kind: 'switch', help: 'Verbose running information' },
    { name: 'alertmanager.url', kind: 'text', help: 'Alertmanager to talk to' },
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['simple', 'extended', 'json'],
      byDefault: 'simple',
      help: 'Output formatter (simple, extended, json)',
    },
    { name: 'timeout', kind: 'text', byDefault: '30s', help: 'Timeout for the executed command' },
    {
      name: 'http.config.file',
      kind: 'text',
      help: 'HTTP client configuration file for amtool to connect to Alertmanager.',
    },
    {
      name: 'version-check',
      kind: 'switch',
      byDefault: 'true',
      help: 'Check alertmanager version. Use --no-version-check to disable.',
    },
    {
      name: 'enable-feature',
      kind: 'text',
      byDefault: '',
      help: 'Comma-separated features to enable: classic-mode, utf8-strict-mode decide how matchers are read.',
    },
  ],
  groups: [{ words: ['config', 'routes'], flags: routesFlags }],
  commands: [
    alertQueryCommand,
    alertAddCommand,
    silenceAddCommand,
    silenceExpireCommand,
    silenceImportCommand,
    silenceQueryCommand,
    silenceUpdateCommand,
    checkConfigCommand,
    clusterShowCommand,
    configShowCommand,
    routesShowCommand,
    routesTestCommand,
    templateRenderCommand,
    whatIfCommand,
  ],
};
