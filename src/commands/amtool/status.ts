// SPDX-License-Identifier: Apache-2.0
// `amtool config show` and `amtool cluster show`.

import type { Command } from '../command.ts';
import type { ApiStatus } from './api-types.ts';
import { connected } from './connection.ts';
import { Formatter } from './format.ts';

export const configShowCommand: Command = {
  words: ['config', 'show'],
  isDefault: true,
  help: 'View current config. Extended output adds uptime and versions, JSON shows the whole object.',
  flags: [],
  args: [],
  run: async (values, host) => {
    const status = await connected(values, host, (connection) => connection.call('getStatus'));
    host.out(new Formatter(values).config(status as ApiStatus));
    return 0;
  },
};

export const clusterShowCommand: Command = {
  words: ['cluster', 'show'],
  isDefault: true,
  help: 'View cluster status and peers.',
  flags: [],
  args: [],
  run: async (values, host) => {
    const status = await connected(values, host, (connection) => connection.call('getStatus'));
    host.out(new Formatter(values).cluster((status as ApiStatus).cluster));
    return 0;
  },
};
