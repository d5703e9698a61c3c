// SPDX-License-Identifier: Apache-2.0
// `promtool push metrics`: an exposition, from files or the standard input, to a remote write endpoint.

import type { HttpClient } from '../../base/index.ts';
import { FileError, HttpError } from '../../base/index.ts';
import { parseTextFamilies, TextFormatError } from '../../exposition/index.ts';
import type { Command, CommandHost, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';
import { parseGoDuration } from '../go-text.ts';
import { serverUrl } from '../query/query-client.ts';
import { headersOf, httpConfigFlag, httpOptions, pairsOf } from '../query/query.ts';
import { writeRequest } from './write-request.ts';

/** Of an answer that says what was wrong. */
const ANSWER_BYTES_MAX = 1 << 20;

const protocolHeaders = {
  'content-encoding': 'snappy',
  'content-type': 'application/x-protobuf',
  'x-prometheus-remote-write-version': '0.1.0',
};

/** Sends one exposition. @throws CommandError, TextFormatError, HttpError */
async function push(
  text: string,
  http: HttpClient,
  values: CommandValues,
  host: CommandHost,
): Promise<void> {
  const given = pairsOf(values, 'label');
  const labels = new Map(
    Object.entries(Object.keys(given).length > 0 ? given : { job: 'promtool' }),
  );
  const families = parseTextFamilies(new TextEncoder().encode(text)).values();
  const { status, statusText, body } = await http.request({
    method: 'POST',
    url: serverUrl(values.text('remote-write-url')),
    headers: { ...protocolHeaders, ...headersOf(values) },
    body: host.snappy.compress(writeRequest(families, labels, host.clock.now())),
    timeoutMs: parseGoDuration(values.text('timeout')),
    bodyLimitBytes: ANSWER_BYTES_MAX,
  });
  if (status >= 200 && status <= 299) return;
  const [line = ''] = new TextDecoder().decode(body).split('\n');
  const shown = `${status} ${statusText ?? ''}`.trimEnd();
  throw new CommandError(`server returned HTTP status ${shown}: ${line}`);
}

export const pushMetricsCommand: Command = {
  words: ['push', 'metrics'],
  help: 'Push metrics to a prometheus remote write (for testing purpose only).',
  flags: [
    httpConfigFlag,
    {
      name: 'label',
      kind: 'list',
      help: 'Label to attach to metrics. Can be specified multiple times.',
    },
    {
      name: 'timeout',
      kind: 'text',
      byDefault: '30s',
      help: 'The time to wait for pushing metrics.',
    },
    { name: 'header', kind: 'list', help: 'Prometheus remote write header.' },
  ],
  args: [
    {
      name: 'remote-write-url',
      help: 'Prometheus remote write url to push metrics.',
      required: true,
    },
    {
      name: 'metric-files',
      help: 'The metric files to push, default is read from standard input.',
      repeated: true,
    },
  ],
  run: async (values, host) => {
    const http = host.createHttpClient(httpOptions(values, host));
    let failed = false;
    const tell = async (read: () => Promise<string> | string, said: string): Promise<void> => {
      try {
        await push(await read(), http, values, host);
        host.out(`  SUCCESS: ${said}\n`);
      } catch (error) {
        const isExpected =
          error instanceof CommandError ||
          error instanceof TextFormatError ||
          error instanceof FileError ||
          error instanceof HttpError;
        if (!isExpected) throw error;
        failed = true;
        host.err(`  FAILED: ${error.message}\n`);
      }
    };
    try {
      const files = values.list('metric-files');
      for (const file of files) {
        host.out(`Parsing metrics file ${file}\n`);
        const said = `metrics file ${file} pushed to remote write.`;
        await tell(() => host.files.readTextSync(file), said);
      }
      if (files.length === 0) {
        host.out('Parsing standard input\n');
        await tell(async () => (await host.readInput()) ?? '', 'metrics pushed to remote write.');
      }
    } finally {
      await http.close();
    }
    return failed ? 1 : 0;
  },
};
