// SPDX-License-Identifier: Apache-2.0
// `promtool check healthy` and `check ready`: what a server says of itself.

import { HttpError } from '../../base/index.ts';
import { quote } from '../../model/index.ts';
import type { Command, CommandFlag } from '../command.ts';
import { CommandError } from '../command.ts';
import { serverUrl } from '../query/query-client.ts';
import { httpConfigFlag, httpOptions } from '../query/query.ts';

const TIMEOUT_MS = 10_000;
/** What a server has to say of itself is a line. */
const ANSWER_BYTES_MAX = 1 << 20;

const urlFlag: CommandFlag = {
  name: 'url',
  kind: 'text',
  byDefault: 'http://localhost:9090',
  help: 'The URL for the Prometheus server.',
};

const stateCommand = (word: string, path: string): Command => ({
  words: ['check', word],
  help: `Check if the Prometheus server is ${word}.`,
  flags: [httpConfigFlag, urlFlag],
  args: [],
  run: async (values, host) => {
    const url = serverUrl(values.text('url'));
    const http = host.createHttpClient(httpOptions(values, host));
    try {
      const { status, body } = await http.request({
        method: 'GET',
        url: url + path,
        headers: {},
        timeoutMs: TIMEOUT_MS,
        bodyLimitBytes: ANSWER_BYTES_MAX,
      });
      if (status !== 200) {
        throw new CommandError(`check failed: URL=${url}, status=${status}`);
      }
      host.err(`  SUCCESS:  ${new TextDecoder().decode(body)}\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const told = error.message.startsWith('Get "');
      const why = told ? error.message : `Get ${quote(url + path)}: ${error.message}`;
      throw new CommandError(why, { cause: error });
    } finally {
      await http.close();
    }
  },
});

export const checkHealthyCommand = stateCommand('healthy', '/-/healthy');
export const checkReadyCommand = stateCommand('ready', '/-/ready');
